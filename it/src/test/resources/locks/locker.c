/* Locks files as it is told, for tests of locks between mounts.
 *
 *   locker                              obeys lines from standard input, one answer line each (see obey)
 *   locker count PATH KIND TIMES GUARD [keep]
 *                                       TIMES times: (open,) lock, add one to the number in the file, unlock (, close);
 *                                       the directory GUARD, outside of the mounts, tells when two have the lock
 *   locker rate PATH KIND MS            locks and unlocks for so long; says how often a second
 *   locker ring PATH SELF COUNT MS      lock byte i+1, then unlock byte i, round and round: with COUNT others it
 *                                       measures hand-overs (as ping_pong of ctdb does)
 *
 * KIND: flock, fcntl or ofd. A failed call prints its errno's name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES 16

static int files[FILES];

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static const char *failure(void) { return strerrorname_np(errno); }

static void die(const char *what) {
    printf("%s %s\n", what, failure());
    exit(1);
}

static int range(int fd, int command, int type, long start, long length) {
    struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &l);
}

static int lock(int fd, const char *kind, int exclusive) {
    if (strcmp(kind, "flock") == 0) return flock(fd, exclusive ? LOCK_EX : LOCK_SH);
    return range(fd, strcmp(kind, "ofd") == 0 ? F_OFD_SETLKW : F_SETLKW, exclusive ? F_WRLCK : F_RDLCK, 0, 0);
}

static int unlock(int fd, const char *kind) {
    if (strcmp(kind, "flock") == 0) return flock(fd, LOCK_UN);
    return range(fd, strcmp(kind, "ofd") == 0 ? F_OFD_SETLK : F_SETLK, F_UNLCK, 0, 0);
}

static int count(const char *path, const char *kind, int times, const char *guard, int keep) {
    int fd = -1;
    long last = -1;
    for (int i = 0; i < times; i++) {
        char text[32] = "";
        if (fd < 0) fd = open(path, O_RDWR);
        if (fd < 0) die("open");
        if (lock(fd, kind, 1) != 0) die("lock");
        if (mkdir(guard, 0755) != 0) die("two have the lock:");
        if (pread(fd, text, sizeof text - 1, 0) < 0) die("read");
        if (atol(text) < last) {
            printf("read %ld after having written %ld\n", atol(text), last);
            exit(1);
        }
        last = atol(text) + 1;
        int length = snprintf(text, sizeof text, "%ld\n", last);
        if (pwrite(fd, text, length, 0) != length) die("write");
        if (rmdir(guard) != 0) die("guard");
        if (unlock(fd, kind) != 0) die("unlock");
        if (!keep) {
            if (close(fd) != 0) die("close");
            fd = -1;
        }
    }
    return 0;
}

static int rate(const char *path, const char *kind, double ms) {
    int fd = open(path, O_RDWR);
    if (fd < 0) die("open");
    double from = now_ms();
    long done = 0;
    while (now_ms() - from < ms) {
        if (lock(fd, kind, 1) != 0) die("lock");
        if (unlock(fd, kind) != 0) die("unlock");
        done++;
    }
    printf("%.0f\n", done * 1e3 / (now_ms() - from));
    return 0;
}

static int ring(const char *path, int self, int others, double ms) {
    int bytes = others + 1;
    int fd = open(path, O_RDWR);
    if (fd < 0) die("open");
    int at = self % bytes;
    if (range(fd, F_SETLKW, F_WRLCK, at, 1) != 0) die("lock");
    double from = now_ms();
    long done = 0;
    while (now_ms() - from < ms) {
        int next = (at + 1) % bytes;
        if (range(fd, F_SETLKW, F_WRLCK, next, 1) != 0) die("lock");
        if (range(fd, F_SETLK, F_UNLCK, at, 1) != 0) die("unlock");
        at = next;
        done++;
    }
    printf("%.0f\n", done * 1e3 / (now_ms() - from));
    return 0;
}

static void on_alarm(int signal) { (void)signal; }

static int type_of(const char *name) {
    return strcmp(name, "sh") == 0 ? F_RDLCK : strcmp(name, "ex") == 0 ? F_WRLCK : F_UNLCK;
}

/* open N PATH | close N | dup N M | flock N sh|ex|un|... [nb] | fcntl|ofd N sh|ex|un START LENGTH [wait]
 * | test N sh|ex START LENGTH | testofd … | alarm MS | read N | write N TEXT | sync N | forkclose N | exit */
static int obey(char *line) {
    char *word[8] = {0};
    int words = 0;
    for (char *w = strtok(line, " \n"); w != NULL && words < 8; w = strtok(NULL, " \n")) word[words++] = w;
    if (words == 0) return 0;
    int n = words > 1 ? atoi(word[1]) % FILES : 0;
    double from = now_ms();
    int result = 0;
    char extra[128] = "";
    if (strcmp(word[0], "open") == 0) {
        result = files[n] = open(word[2], words > 3 && strcmp(word[3], "ro") == 0 ? O_RDONLY : O_RDWR | O_CREAT, 0644);
    } else if (strcmp(word[0], "close") == 0) {
        result = close(files[n]);
    } else if (strcmp(word[0], "dup") == 0) {
        result = files[atoi(word[2]) % FILES] = dup(files[n]);
    } else if (strcmp(word[0], "flock") == 0) {
        int op = strcmp(word[2], "sh") == 0 ? LOCK_SH : strcmp(word[2], "ex") == 0 ? LOCK_EX : LOCK_UN;
        result = flock(files[n], op | (words > 3 ? LOCK_NB : 0));
    } else if (strcmp(word[0], "fcntl") == 0 || strcmp(word[0], "ofd") == 0) {
        int ofd = word[0][0] == 'o';
        int command = words > 5 ? (ofd ? F_OFD_SETLKW : F_SETLKW) : (ofd ? F_OFD_SETLK : F_SETLK);
        result = range(files[n], command, type_of(word[2]), atol(word[3]), atol(word[4]));
    } else if (strcmp(word[0], "test") == 0 || strcmp(word[0], "testofd") == 0) {
        struct flock l = {.l_type = (short)type_of(word[2]), .l_whence = SEEK_SET, .l_start = atol(word[3]),
                          .l_len = atol(word[4])};
        result = fcntl(files[n], word[0][4] == 'o' ? F_OFD_GETLK : F_GETLK, &l);
        if (result == 0 && l.l_type == F_UNLCK) {
            strcpy(extra, " free");
        } else if (result == 0) {
            snprintf(extra, sizeof extra, " %s %ld %ld %d", l.l_type == F_WRLCK ? "ex" : "sh", (long)l.l_start,
                     (long)l.l_len, l.l_pid);
        }
    } else if (strcmp(word[0], "alarm") == 0) {
        struct sigaction a = {.sa_handler = on_alarm};
        struct itimerval t = {.it_value = {.tv_sec = atol(word[1]) / 1000, .tv_usec = atol(word[1]) % 1000 * 1000}};
        sigaction(SIGALRM, &a, NULL);
        result = setitimer(ITIMER_REAL, &t, NULL);
    } else if (strcmp(word[0], "read") == 0) {
        char text[64] = "";
        result = pread(files[n], text, sizeof text - 1, 0) < 0 ? -1 : 0;
        text[strcspn(text, "\n")] = 0;
        if (result == 0) snprintf(extra, sizeof extra, " %s", text);
    } else if (strcmp(word[0], "write") == 0) {
        result = pwrite(files[n], word[2], strlen(word[2]), 0) < 0 ? -1 : 0;
    } else if (strcmp(word[0], "sync") == 0) {
        result = fsync(files[n]);
    } else if (strcmp(word[0], "forkclose") == 0) {
        pid_t child = fork();
        if (child == 0) {
            close(files[n]);
            _exit(0);
        }
        result = waitpid(child, NULL, 0) == child ? 0 : -1;
    } else if (strcmp(word[0], "exit") == 0) {
        exit(0);
    } else {
        errno = ENOSYS;
        result = -1;
    }
    if (result < 0) {
        printf("%s %.1f\n", failure(), now_ms() - from);
    } else {
        printf("ok%s %.1f\n", extra, now_ms() - from);
    }
    return 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc >= 6 && strcmp(argv[1], "count") == 0) return count(argv[2], argv[3], atoi(argv[4]), argv[5], argc > 6);
    if (argc == 5 && strcmp(argv[1], "rate") == 0) return rate(argv[2], argv[3], atof(argv[4]));
    if (argc == 6 && strcmp(argv[1], "ring") == 0) return ring(argv[2], atoi(argv[3]), atoi(argv[4]), atof(argv[5]));
    printf("pid %d\n", getpid());
    char line[4096];
    while (fgets(line, sizeof line, stdin) != NULL) obey(line);
    return 0;
}
