// Runs the same random system calls in two directories and compares what they answer.
// usage: differ SEED OPERATIONS DIR DIR
// Prints the last calls and exits 1 at the first difference; without root no other users appear.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { SIDES = 2, FILES = 8, SHOWN = 60, TEXT = 100000 };

// What one call answered on one side.
struct answer {
    long result;
    int error;
    char text[TEXT];
    size_t length;
};

static uint64_t state;
static long operation;
static int roots[SIDES], files[SIDES][FILES];
static const char *names[SIDES];
static struct answer answers[SIDES];
static char shown[SHOWN][700];
static mode_t mask = 022;

// The second directory through another mount, or -1: each call takes one of the two.
static int other_way = -1;
static uint64_t turns = 1;

static int way(int side) {
    if (side == 0 || other_way < 0) return roots[side];
    turns = turns * 6364136223846793005u + 1442695040888963407u;
    return turns >> 63 ? other_way : roots[side];
}

static uint64_t next(void) {  // splitmix64
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(unsigned n) { return (unsigned)(next() % n); }

#define MUST(e)                                                             \
    do {                                                                    \
        if (!(e)) {                                                         \
            printf("line %d: %s: %s\n", __LINE__, #e, strerror(errno));     \
            exit(2);                                                        \
        }                                                                   \
    } while (0)

static void show(void) {
    for (long i = operation - SHOWN + 1; i <= operation; i++)
        if (i >= 0) printf("%ld: %s\n", i, shown[i % SHOWN]);
}

static void compare(const char *what) {
    struct answer *a = &answers[0], *b = &answers[1];
    if (a->result == b->result && a->error == b->error && a->length == b->length &&
        memcmp(a->text, b->text, a->length) == 0)
        return;
    show();
    printf("%s differs:\n", what);
    size_t same = 0;  // up to the line that differs
    for (size_t i = 0; i < a->length && i < b->length && a->text[i] == b->text[i]; i++)
        if (a->text[i] == '\n') same = i + 1;
    for (int s = 0; s < SIDES; s++) {
        printf("  %s: result %ld, errno %d (%s) ", names[s], answers[s].result, answers[s].error,
               answers[s].error ? strerror(answers[s].error) : "none");
        size_t left = answers[s].length - same;
        fwrite(answers[s].text + same, 1, left > 300 ? 300 : left, stdout);
        printf("\n");
    }
    exit(1);
}

static void say(struct answer *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct answer *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    to->length += vsnprintf(to->text + to->length, TEXT - to->length, format, args);
    va_end(args);
}

// One call on both sides; `side` is the loop's variable and `at` the directory.
#define BOTH(call, ...)                                                                      \
    do {                                                                                     \
        snprintf(shown[operation % SHOWN], sizeof shown[0], __VA_ARGS__);                    \
        for (int side = 0; side < SIDES; side++) {                                           \
            int at = way(side);                                                              \
            struct answer *out = &answers[side];                                             \
            out->length = 0;                                                                 \
            errno = 0;                                                                       \
            out->result = (long)(call);                                                      \
            out->error = out->result == -1 ? errno : 0;                                      \
            (void)at;                                                                        \
        }                                                                                    \
        compare("answer");                                                                   \
    } while (0)

// Times that calls set are long ago; a time of today says only that something happened.
static long long old(struct timespec t) {
    return t.tv_sec < 1500000000 ? t.tv_sec * 1000000000LL + t.tv_nsec : 0;
}

static void describe(struct answer *out, const struct stat *st) {
    say(out, "mode %o nlink %ld uid %u gid %u", st->st_mode, (long)st->st_nlink, st->st_uid,
        st->st_gid);
    if (!S_ISDIR(st->st_mode)) say(out, " size %ld", (long)st->st_size);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) say(out, " rdev %lx", (long)st->st_rdev);
    say(out, " mtime %lld", old(st->st_mtim));
}

static int status(struct answer *out, int at, const char *path, int flags) {
    struct stat st;
    int r = fstatat(at, path, &st, flags);
    if (r == 0) describe(out, &st);
    return r;
}

static int file_status(struct answer *out, int fd) {
    struct stat st;
    int r = fstat(fd, &st);
    if (r == 0) describe(out, &st);
    return r;
}

static long target_of(struct answer *out, int at, const char *path) {
    ssize_t n = readlinkat(at, path, out->text, TEXT);
    out->length = n > 0 ? n : 0;
    return n;
}

static int truncate_at(int at, const char *path, off_t to) {
    char whole[2100];
    snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", at, path);
    return truncate(whole, to);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int list(struct answer *out, int at, const char *path) {
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return -1;
    DIR *dir = fdopendir(fd);
    MUST(dir != NULL);
    char *all[4096];
    int count = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        MUST(count < 4096);
        MUST(asprintf(&all[count++], "%s:%d", e->d_name, e->d_type) > 0);
    }
    closedir(dir);
    qsort(all, count, sizeof all[0], by_name);
    for (int i = 0; i < count; i++) {
        say(out, "%s/", all[i]);
        free(all[i]);
    }
    return count;
}

// ---- the whole tree, at the end and now and then ----

static void content(struct answer *out, int at, const char *name, long size) {
    int fd = openat(at, name, O_RDONLY | O_NOFOLLOW);
    MUST(fd >= 0);
    uint64_t hash = 1469598103934665603u;
    unsigned char buffer[65536];
    long total = 0;
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0; total += n)
        for (ssize_t i = 0; i < n; i++) hash = (hash ^ buffer[i]) * 1099511628211u;
    say(out, " read %ld hash %llx", total, (unsigned long long)hash);
    if (total != size) say(out, " SIZE IS %ld", size);
    close(fd);
}

static void walk(struct answer *out, int at, const char *path) {
    struct answer *names_here = malloc(sizeof *names_here);
    names_here->length = 0;
    MUST(list(names_here, at, ".") >= 0);
    char *rest = names_here->text;
    for (char *entry; (entry = strsep(&rest, "/")) != NULL && *entry;) {
        if (strncmp(entry, ".:", 2) == 0 || strncmp(entry, "..:", 3) == 0) continue;
        *strrchr(entry, ':') = 0;
        struct stat st;
        MUST(fstatat(at, entry, &st, AT_SYMLINK_NOFOLLOW) == 0);
        say(out, "\n%s/%s ", path, entry);
        describe(out, &st);
        if (S_ISREG(st.st_mode)) content(out, at, entry, st.st_size);
        if (S_ISLNK(st.st_mode)) {
            char target[PATH_MAX];
            ssize_t n = readlinkat(at, entry, target, sizeof target);
            MUST(n >= 0);
            say(out, " -> %.*s", (int)n, target);
        }
        if (S_ISDIR(st.st_mode)) {
            char *below_here;
            int fd = openat(at, entry, O_RDONLY | O_DIRECTORY);
            MUST(fd >= 0 && asprintf(&below_here, "%s/%s", path, entry) > 0);
            walk(out, fd, below_here);
            free(below_here);
            close(fd);
        }
        if (out->length > TEXT / 2) break;
    }
    free(names_here);
}

// ---- arguments ----

static const char *const LEAVES[] = {"a", "b", "c", "d", "e", "\xc3\xa4", "x y", "\xff\xfe"};

static void name(char *to) {
    static char longest[300];
    switch (below(30)) {
        case 0: strcpy(to, "."); break;
        case 1: strcpy(to, ".."); break;
        case 2:
            memset(longest, 'n', 256);
            longest[255 + below(2)] = 0;
            strcpy(to, longest);
            break;
        default: strcpy(to, LEAVES[below(sizeof LEAVES / sizeof LEAVES[0])]); break;
    }
}

static void path(char *to) {
    *to = 0;
    if (below(150) == 0) return;
    unsigned depth = below(3);
    for (unsigned i = 0; i < depth; i++) {
        strcat(to, LEAVES[below(4)]);
        strcat(to, "/");
    }
    char last[300];
    name(last);
    // No way out of the two directories.
    if (depth == 0 && strcmp(last, "..") == 0) strcpy(last, "a");
    strcat(to, last);
    if (below(25) == 0) strcat(to, "/");
}

static mode_t mode(void) {
    static const mode_t MODES[] = {0777, 0755, 0700, 0644, 0600, 0444, 0000, 01777, 02775, 04755, 0070, 0007, 06777};
    return MODES[below(sizeof MODES / sizeof MODES[0])];
}

// Whose write takes setgid away where the group may not execute is left open: no such files.
static mode_t without_odd_setgid(mode_t m) {
    return (m & ~mask & 010) ? m : m & ~(mode_t)02000;
}

// Opening a device or a pipe is between the kernel and its driver: a FUSE file system is not told.
static int is_special(const char *p) {
    struct stat st;
    return fstatat(roots[0], p, &st, 0) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static uid_t owner(void) {
    static const uid_t OWNERS[] = {0, 1001, 1002, (uid_t)-1};
    return OWNERS[below(4)];
}

static struct timespec moment(void) {
    struct timespec t = {.tv_sec = 1000000000 + below(1000000), .tv_nsec = below(1000000000)};
    if (below(6) == 0) t.tv_nsec = below(2) ? UTIME_NOW : UTIME_OMIT;
    return t;
}

static unsigned char bytes[200000], back[SIDES][200000];

static void random_bytes(size_t n) {
    for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(operation + i * 3 + (i >> 9));
}

static long keep(int side, int slot, int fd) {
    if (fd < 0) return -1;
    if (files[side][slot] >= 0) close(files[side][slot]);
    files[side][slot] = fd;
    return 0;
}

static void become(uid_t user) {
    gid_t groups[] = {1002};
    MUST(seteuid(0) == 0 && setegid(0) == 0);
    MUST(setgroups(user == 1001, groups) == 0);
    MUST(setegid(user) == 0 && seteuid(user) == 0);
}

// ---- calls ----

static void open_some(const char *p) {
    if (is_special(p)) return;
    int flags = (int[]){O_RDONLY, O_WRONLY, O_RDWR, O_RDWR}[below(4)];
    if (below(2)) flags |= O_CREAT;
    if (below(6) == 0) flags |= O_EXCL;
    if (below(5) == 0) flags |= O_TRUNC;
    if (below(5) == 0) flags |= O_APPEND;
    if (below(12) == 0) flags |= O_DIRECTORY;
    if (below(12) == 0) flags |= O_NOFOLLOW;
    if ((flags & O_DIRECTORY) && (flags & O_CREAT)) flags &= ~O_CREAT;
    flags |= O_NONBLOCK;  // fifos
    mode_t m = without_odd_setgid(mode());
    int slot = (int)below(FILES);
    BOTH(keep(side, slot, openat(at, p, flags, m)), "file %d = open(%s, %#o, %o)", slot, p, flags, m);
}

static long read_at(int side, int fd, size_t n, off_t at, struct answer *out) {
    ssize_t got = at < 0 ? read(fd, back[side], n) : pread(fd, back[side], n, at);
    if (got > 0) {
        memcpy(out->text, back[side], got < TEXT ? got : TEXT);
        out->length = got < TEXT ? got : TEXT;
    }
    return got;
}

static void file_call(void) {
    int f = (int)below(FILES);
    size_t n = below(4) ? below(9000) : below(TEXT);
    off_t where = below(3) ? (off_t)below(20000) : (off_t)below(300000);
    random_bytes(n);
    switch (below(17)) {
        case 0: BOTH(read_at(side, files[side][f], n, -1, out), "read(file %d, %zu)", f, n); break;
        case 1: case 2:
            BOTH(read_at(side, files[side][f], n, where, out), "pread(file %d, %zu, %ld)", f, n, (long)where);
            break;
        case 3: case 4: BOTH(write(files[side][f], bytes, n), "write(file %d, %zu)", f, n); break;
        case 5: case 6:
            BOTH(pwrite(files[side][f], bytes, n, where), "pwrite(file %d, %zu, %ld)", f, n, (long)where);
            break;
        case 7: {
            int whence = (int)below(4);
            off_t to = (off_t)below(40000) - 10000;
            struct stat st;
            // What directories answer to is their own affair.
            if (fstat(files[0][f], &st) == 0 && S_ISDIR(st.st_mode)) break;
            BOTH(lseek(files[side][f], to, whence), "lseek(file %d, %ld, %d)", f, (long)to, whence);
            break;
        }
        case 8:
            where -= below(10) == 0 ? 30000 : 0;
            BOTH(ftruncate(files[side][f], where), "ftruncate(file %d, %ld)", f, (long)where);
            break;
        case 9: {
            int how = (int[]){0, 1, 3}[below(3)];
            struct stat st;
            if (fstat(files[0][f], &st) == 0 && !S_ISREG(st.st_mode)) break;
            BOTH(fallocate(files[side][f], how, where, (off_t)n), "fallocate(file %d, %d, %ld, %zu)", f, how, (long)where, n);
            break;
        }
        case 10: {
            mode_t m = without_odd_setgid(mode());
            BOTH(fchmod(files[side][f], m), "fchmod(file %d, %o)", f, m);
            break;
        }
        case 11: {
            uid_t u = owner(), g = owner();
            if (u == (uid_t)-1 && g == u) break;  // who may change nothing is left open
            BOTH(fchown(files[side][f], u, g), "fchown(file %d, %d, %d)", f, (int)u, (int)g);
            break;
        }
        case 12: {
            struct timespec t[2] = {moment(), moment()};
            BOTH(futimens(files[side][f], t), "futimens(file %d, mtime %ld.%09ld)", f, t[1].tv_sec, t[1].tv_nsec);
            break;
        }
        case 13: BOTH(fsync(files[side][f]) == 0 ? 0 : (errno == EINVAL ? 0 : -1), "fsync(file %d)", f); break;
        case 14: BOTH(file_status(out, files[side][f]), "fstat(file %d)", f); break;
        case 15: {
            loff_t zero[SIDES] = {0, 0}, to[SIDES] = {where, where};
            int g = (int)below(FILES);
            struct stat st, other;
            if (fstat(files[0][f], &st) || fstat(files[0][g], &other) || !S_ISREG(st.st_mode) ||
                !S_ISREG(other.st_mode) || st.st_ino == other.st_ino)
                break;
            // Between two mounts the kernel answers EXDEV.
            if (fstat(files[1][f], &st) || fstat(files[1][g], &other) || st.st_dev != other.st_dev) break;
            BOTH(copy_file_range(files[side][f], &zero[side], files[side][g], &to[side], n, 0),
                 "copy_file_range(file %d, 0, file %d, %ld, %zu)", f, g, (long)where, n);
            break;
        }
        default:
            BOTH(files[side][f] < 0 ? 0 : close(files[side][f]), "close(file %d)", f);
            files[0][f] = files[1][f] = -1;
            break;
    }
}

static long attribute(struct answer *out, int fd) {
    ssize_t n = flistxattr(fd, out->text, TEXT);
    // Labels of a security module are the machine's affair; the order of names is nobody's.
    char *mine[64];
    int count = 0;
    for (char *p = out->text; n > 0 && p < out->text + n; p += strlen(p) + 1)
        if (strncmp(p, "user.", 5) == 0 && count < 64) mine[count++] = strdup(p);
    qsort(mine, count, sizeof mine[0], by_name);
    for (int i = 0; i < count; i++) {
        char value[5000];
        ssize_t length = fgetxattr(fd, mine[i], value, sizeof value);
        say(out, "%s=%zd:%.*s ", mine[i], length, (int)(length > 20 ? 20 : length), value);
        free(mine[i]);
    }
    return n < 0 ? -1 : count;
}

static void xattr_call(void) {
    int f = (int)below(FILES);
    char key[40];
    snprintf(key, sizeof key, "user.%c", 'k' + (int)below(3));
    size_t n = below(3) ? below(50) : below(700);  // ext4 has room for 4096 in all
    random_bytes(n);
    switch (below(4)) {
        case 0: {
            int flags = (int[]){0, 0, XATTR_CREATE, XATTR_REPLACE}[below(4)];
            BOTH(fsetxattr(files[side][f], key, bytes, n, flags), "fsetxattr(file %d, %s, %zu, %d)", f, key, n, flags);
            break;
        }
        case 1: BOTH(fremovexattr(files[side][f], key), "fremovexattr(file %d, %s)", f, key); break;
        case 2:
            BOTH(fgetxattr(files[side][f], key, out->text, 30), "fgetxattr(file %d, %s, 30)", f, key);
            break;
        default:
            snprintf(shown[operation % SHOWN], sizeof shown[0], "xattrs of file %d", f);
            for (int side = 0; side < SIDES; side++) {
                answers[side].length = 0;
                errno = 0;
                answers[side].result = attribute(&answers[side], files[side][f]);
                answers[side].error = answers[side].result < 0 ? errno : 0;
                answers[side].length = answers[side].result < 0 ? 0 : answers[side].length;
            }
            compare("xattrs");
            break;
    }
}

static void step(void) {
    char p[2000], q[2000];
    path(p);
    path(q);
    mode_t m = without_odd_setgid(mode() | (below(2) ? 0700 : 0));
    if (below(8) == 0) {
        static const uid_t USERS[] = {0, 0, 0, 1001, 1001, 1002};
        uid_t user = USERS[below(6)];
        if (getuid() == 0) become(user);
        snprintf(shown[operation % SHOWN], sizeof shown[0], "as user %u", geteuid());
        return;
    }
    switch (below(34)) {
        case 0: case 1: case 2: case 3: open_some(p); break;
        case 4: case 5: BOTH(mkdirat(at, p, m), "mkdir(%s, %o)", p, m); break;
        case 6: BOTH(unlinkat(at, p, AT_REMOVEDIR), "rmdir(%s)", p); break;
        case 7: BOTH(unlinkat(at, p, 0), "unlink(%s)", p); break;
        case 8: case 9: BOTH(renameat(at, p, at, q), "rename(%s, %s)", p, q); break;
        case 10: {
            unsigned flags = 1 + below(3);
            BOTH(renameat2(at, p, at, q, flags), "renameat2(%s, %s, %u)", p, q, flags);
            break;
        }
        case 11: case 12: {
            int flags = below(3) ? 0 : AT_SYMLINK_FOLLOW;
            BOTH(linkat(at, p, at, q, flags), "link(%s, %s, %#x)", p, q, flags);
            break;
        }
        case 13: BOTH(symlinkat(q, at, p), "symlink(%s, %s)", q, p); break;
        case 14: BOTH(target_of(out, at, p), "readlink(%s)", p); break;
        case 15: BOTH(fchmodat(at, p, m, 0), "chmod(%s, %o)", p, m); break;
        case 16: case 17: {
            uid_t u = owner(), g = owner();
            if (u == (uid_t)-1 && g == u) break;  // who may change nothing is left open
            int flags = below(3) ? 0 : AT_SYMLINK_NOFOLLOW;
            BOTH(fchownat(at, p, u, g, flags), "chown(%s, %d, %d, %#x)", p, (int)u, (int)g, flags);
            break;
        }
        case 18: {
            struct timespec t[2] = {moment(), moment()};
            int flags = below(3) ? 0 : AT_SYMLINK_NOFOLLOW;
            BOTH(utimensat(at, p, t, flags), "utimensat(%s, mtime %ld.%09ld, %#x)", p, t[1].tv_sec, t[1].tv_nsec, flags);
            break;
        }
        case 19: {
            int wanted = (int)below(8);
            int flags = below(2) ? AT_EACCESS : 0;
            BOTH(faccessat(at, p, wanted, flags), "access(%s, %d, %#x)", p, wanted, flags);
            break;
        }
        case 20: BOTH(status(out, at, p, 0), "stat(%s)", p); break;
        case 21: case 22: BOTH(status(out, at, p, AT_SYMLINK_NOFOLLOW), "lstat(%s)", p); break;
        case 23: BOTH(list(out, at, p), "list(%s)", p); break;
        case 24: {
            static const mode_t TYPES[] = {S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFDIR};
            mode_t type = TYPES[below(6)];
            dev_t device = type == S_IFCHR || type == S_IFBLK ? makedev(1, 3) : 0;
            BOTH(mknodat(at, p, type | m, device), "mknod(%s, %o)", p, type | m);
            break;
        }
        case 25: {
            mask = (mode_t[]){0, 022, 027, 077}[below(4)];
            BOTH((umask(mask), 0), "umask(%o)", mask);
            break;
        }
        case 26: {
            off_t to = (off_t)below(100000);
            BOTH(truncate_at(at, p, to),
                 "truncate(%s, %ld)", p, (long)to);
            break;
        }
        case 27: case 28: xattr_call(); break;
        default: file_call(); break;
    }
}

static void check_all(void) {
    uid_t user = geteuid();
    if (getuid() == 0) become(0);
    for (int side = 0; side < SIDES; side++) {
        answers[side].result = answers[side].error = 0;
        answers[side].length = 0;
        if (getuid() == 0) walk(&answers[side], way(side), "");
    }
    compare("tree");
    if (getuid() == 0) become(user);
}

int main(int argc, char **argv) {
    MUST(argc == 5 || argc == 6);
    state = strtoull(argv[1], NULL, 10);
    long operations = strtol(argv[2], NULL, 10);
    for (int side = 0; side < SIDES; side++) {
        names[side] = argv[3 + side];
        roots[side] = open(argv[3 + side], O_RDONLY | O_DIRECTORY);
        MUST(roots[side] >= 0 && fchmod(roots[side], 0777) == 0);
        for (int i = 0; i < FILES; i++) files[side][i] = -1;
    }
    if (argc > 5) {
        other_way = open(argv[5], O_RDONLY | O_DIRECTORY);
        MUST(other_way >= 0);
    }
    umask(mask);
    for (operation = 0; operation < operations; operation++) {
        step();
        if (operation % 200 == 199) check_all();
    }
    check_all();
    return 0;
}
