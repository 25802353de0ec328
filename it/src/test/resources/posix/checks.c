// POSIX behaviour of a mounted file system, one check per function: checks NAME DIR
// Prints the failing line and exits 1; 0 when all holds.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define OK(e)                                                                                \
    do {                                                                                     \
        if (!(e)) {                                                                          \
            printf("line %d: %s (errno %d: %s)\n", __LINE__, #e, errno, strerror(errno));    \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)
#define FAILS(e, wanted)                                                                     \
    do {                                                                                     \
        errno = 0;                                                                           \
        long r_ = (long)(e);                                                                 \
        if (r_ != -1 || errno != (wanted)) {                                                 \
            printf("line %d: %s gave %ld, errno %d (%s), not %s\n", __LINE__, #e, r_, errno, \
                   strerror(errno), #wanted);                                                \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)

static struct stat st;

static int make(const char *name, const char *content) {
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
    OK(fd >= 0);
    OK(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    return fd;
}

static void content_is(const char *name, const char *wanted) {
    char buffer[4096];
    int fd = open(name, O_RDONLY);
    OK(fd >= 0);
    ssize_t n = read(fd, buffer, sizeof buffer);
    OK(n == (ssize_t)strlen(wanted));
    OK(memcmp(buffer, wanted, n) == 0);
    OK(close(fd) == 0);
}

static void files(void) {
    OK(close(make("a", "hello")) == 0);
    content_is("a", "hello");
    FAILS(open("a", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
    FAILS(open("none", O_RDONLY), ENOENT);
    FAILS(open("a/b", O_RDONLY), ENOTDIR);
    OK(stat("a", &st) == 0 && st.st_size == 5 && S_ISREG(st.st_mode) && st.st_nlink == 1);
    int fd = open("a", O_RDWR | O_TRUNC);
    OK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0);
    OK(pwrite(fd, "xyz", 3, 100000) == 3);
    char buffer[10] = "........";
    OK(pread(fd, buffer, 6, 99997) == 6 && memcmp(buffer, "\0\0\0xyz", 6) == 0);
    OK(pread(fd, buffer, 6, 100003) == 0);
    OK(fsync(fd) == 0 && fdatasync(fd) == 0);
    OK(unlink("a") == 0);
    FAILS(stat("a", &st), ENOENT);
    OK(pread(fd, buffer, 3, 100000) == 3 && memcmp(buffer, "xyz", 3) == 0);
    OK(close(fd) == 0);
    FAILS(unlink("a"), ENOENT);
}

static void unlinked(void) {
    int fd = make("a", "content");
    OK(unlink("a") == 0 && fstat(fd, &st) == 0 && st.st_size == 7 && st.st_nlink == 0);
    OK(pwrite(fd, "more", 4, 7) == 4 && ftruncate(fd, 9) == 0);
    OK(fstat(fd, &st) == 0 && st.st_size == 9);
    DIR *dir = opendir(".");
    OK(dir != NULL && readdir(dir) != NULL && readdir(dir) != NULL && readdir(dir) == NULL);
    OK(closedir(dir) == 0 && close(fd) == 0);
}

static void large(void) {
    size_t size = 9 << 20;
    char *out = malloc(size), *in = malloc(size);
    for (size_t i = 0; i < size; i++) out[i] = (char)(i * 31 + (i >> 12));
    int fd = open("large", O_RDWR | O_CREAT, 0600);
    OK(fd >= 0 && write(fd, out, size) == (ssize_t)size);
    OK(pwrite(fd, "odd", 3, 1234567) == 3);
    memcpy(out + 1234567, "odd", 3);
    OK(pread(fd, in, size, 0) == (ssize_t)size && memcmp(in, out, size) == 0);
    int direct = open("large", O_RDONLY | O_DIRECT);
    OK(direct >= 0);
    void *aligned;
    OK(posix_memalign(&aligned, 4096, size) == 0);
    OK(pread(direct, aligned, size, 0) == (ssize_t)size && memcmp(aligned, out, size) == 0);
    OK(pread(direct, aligned, 4096, 4096 * 77) == 4096);
    OK(memcmp(aligned, out + 4096 * 77, 4096) == 0);
    OK(close(direct) == 0 && close(fd) == 0);
}

static void directories(void) {
    OK(mkdir("d", 0750) == 0);
    FAILS(mkdir("d", 0750), EEXIST);
    OK(stat("d", &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0750 && st.st_nlink == 2);
    OK(mkdir("d/e", 0755) == 0 && stat("d", &st) == 0 && st.st_nlink == 3);
    FAILS(rmdir("d"), ENOTEMPTY);
    FAILS(unlink("d"), EISDIR);
    OK(close(make("f", "")) == 0);
    FAILS(rmdir("f"), ENOTDIR);
    OK(rmdir("d/e") == 0 && rmdir("d") == 0);
    FAILS(rmdir("d"), ENOENT);
}

static void renames(void) {
    OK(close(make("a", "1")) == 0 && close(make("b", "2")) == 0 && mkdir("d", 0755) == 0);
    OK(rename("a", "b") == 0);
    content_is("b", "1");
    FAILS(stat("a", &st), ENOENT);
    OK(rename("b", "d/c") == 0);
    content_is("d/c", "1");
    FAILS(rename("none", "x"), ENOENT);
    FAILS(rename("d", "d/c/e"), ENOTDIR);
    FAILS(rename("d", "d/sub"), EINVAL);
    OK(mkdir("e", 0755) == 0);
    FAILS(rename("e", "d"), ENOTEMPTY);
    FAILS(rename("d/c", "e"), EISDIR);
    FAILS(rename("e", "d/c"), ENOTDIR);
    OK(rename("d", "e") == 0);
    content_is("e/c", "1");
    // A file that is replaced while it is open goes on living.
    int fd = make("old", "old");
    OK(close(make("new", "new")) == 0 && rename("new", "old") == 0);
    char buffer[4];
    OK(pread(fd, buffer, 3, 0) == 3 && memcmp(buffer, "old", 3) == 0);
    content_is("old", "new");
    OK(close(fd) == 0);
}

static void rename_flags(void) {
    OK(close(make("a", "a")) == 0 && close(make("b", "b")) == 0 && mkdir("d", 0755) == 0);
    FAILS(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
    OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "d/n", RENAME_NOREPLACE) == 0);
    OK(renameat2(AT_FDCWD, "d/n", AT_FDCWD, "b", RENAME_EXCHANGE) == 0);
    content_is("b", "a");
    content_is("d/n", "b");
    FAILS(renameat2(AT_FDCWD, "b", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
}

static void links(void) {
    OK(close(make("a", "one")) == 0 && link("a", "b") == 0);
    OK(stat("b", &st) == 0 && st.st_nlink == 2);
    ino_t inode = st.st_ino;
    OK(stat("a", &st) == 0 && st.st_ino == inode && st.st_nlink == 2);
    FAILS(link("a", "b"), EEXIST);
    FAILS(link("none", "c"), ENOENT);
    OK(unlink("a") == 0 && stat("b", &st) == 0 && st.st_nlink == 1);
    content_is("b", "one");
}

static void symlinks(void) {
    char buffer[PATH_MAX];
    OK(close(make("a", "one")) == 0 && symlink("a", "s") == 0);
    content_is("s", "one");
    OK(readlink("s", buffer, sizeof buffer) == 1 && buffer[0] == 'a');
    OK(lstat("s", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 1);
    OK(symlink("/nowhere/at all", "dangling") == 0);
    FAILS(open("dangling", O_RDONLY), ENOENT);
    OK(symlink("loop", "loop") == 0);
    FAILS(open("loop", O_RDONLY), ELOOP);
    char target[3001];
    memset(target, 't', 3000);
    target[3000] = 0;
    OK(symlink(target, "far") == 0 && readlink("far", buffer, sizeof buffer) == 3000);
    OK(memcmp(target, buffer, 3000) == 0);
}

static void attributes(void) {
    int fd = make("a", "12345");
    OK(fchmod(fd, 0604) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0604);
    OK(chown("a", 1234, 4321) == 0 && stat("a", &st) == 0 && st.st_uid == 1234 && st.st_gid == 4321);
    OK(chown("a", -1, 77) == 0 && stat("a", &st) == 0 && st.st_uid == 1234 && st.st_gid == 77);
    struct timespec both[2] = {{1000000000, 123456789}, {-5, 999999999}};
    OK(utimensat(AT_FDCWD, "a", both, 0) == 0 && stat("a", &st) == 0);
    OK(st.st_atim.tv_sec == 1000000000 && st.st_atim.tv_nsec == 123456789);
    OK(st.st_mtim.tv_sec == -5 && st.st_mtim.tv_nsec == 999999999);
    struct timespec one[2] = {{0, UTIME_OMIT}, {77, 5}};
    OK(utimensat(AT_FDCWD, "a", one, 0) == 0 && stat("a", &st) == 0);
    OK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec == 77 && st.st_mtim.tv_nsec == 5);
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    OK(utimensat(AT_FDCWD, "a", now, 0) == 0 && stat("a", &st) == 0);
    OK(labs(st.st_atim.tv_sec - time(NULL)) < 100 && st.st_mtim.tv_sec == 77);
    OK(mkdir("g", 0755) == 0 && chown("g", 0, 55) == 0 && chmod("g", 02775) == 0);
    OK(mkdir("g/sub", 0755) == 0 && stat("g/sub", &st) == 0 && st.st_gid == 55 && (st.st_mode & 02000));
    umask(027);
    OK(mkdir("masked", 0777) == 0 && stat("masked", &st) == 0 && (st.st_mode & 07777) == 0750);
    int made = open("m", O_CREAT | O_WRONLY, 0666);
    OK(made >= 0 && fstat(made, &st) == 0 && (st.st_mode & 07777) == 0640);
    OK(close(fd) == 0 && close(made) == 0);
}

static void truncation(void) {
    int fd = make("a", "0123456789");
    OK(ftruncate(fd, 4) == 0 && fstat(fd, &st) == 0 && st.st_size == 4);
    OK(truncate("a", 8) == 0 && fstat(fd, &st) == 0 && st.st_size == 8);
    char buffer[9];
    OK(pread(fd, buffer, 9, 0) == 8 && memcmp(buffer, "0123\0\0\0\0", 8) == 0);
    OK(truncate("a", 5000000000LL) == 0 && fstat(fd, &st) == 0 && st.st_size == 5000000000LL);
    OK(pread(fd, buffer, 4, 4999999998LL) == 2 && buffer[0] == 0);
    FAILS(truncate("a", -1), EINVAL);
    OK(close(fd) == 0);
}

static void allocation(void) {
    int fd = make("a", "");
    OK(fallocate(fd, 0, 0, 300000) == 0 && fstat(fd, &st) == 0 && st.st_size == 300000);
    OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 300000, 4096) == 0 && fstat(fd, &st) == 0 && st.st_size == 300000);
    static char ones[300000], back[300000];
    memset(ones, 1, sizeof ones);
    OK(pwrite(fd, ones, sizeof ones, 0) == sizeof ones);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 200000) == 0);
    memset(ones + 5000, 0, 200000);
    OK(pread(fd, back, sizeof back, 0) == sizeof back && memcmp(ones, back, sizeof back) == 0);
    OK(close(fd) == 0);
}

static void holes(void) {
    int fd = make("a", "");
    OK(pwrite(fd, "x", 1, 4 << 20) == 1);
    OK(lseek(fd, 0, SEEK_DATA) == 4 << 20);
    OK(lseek(fd, 0, SEEK_HOLE) == 0);
    OK(lseek(fd, 4 << 20, SEEK_HOLE) == (4 << 20) + 1);
    FAILS(lseek(fd, (4 << 20) + 1, SEEK_DATA), ENXIO);
    OK(close(fd) == 0);
}

static void append(void) {
    int fd = make("a", "start");
    OK(close(fd) == 0);
    for (int p = 0; p < 4; p++) {
        pid_t child = fork();
        OK(child >= 0);
        if (child == 0) {
            int mine = open("a", O_WRONLY | O_APPEND);
            OK(mine >= 0);
            for (int i = 0; i < 200; i++) {
                char line[9];
                snprintf(line, sizeof line, "%d:%05d\n", p, i);
                OK(write(mine, line, 8) == 8);
            }
            exit(0);
        }
    }
    int status;
    while (wait(&status) > 0) OK(status == 0);
    OK(stat("a", &st) == 0 && st.st_size == 5 + 4 * 200 * 8);
    fd = open("a", O_RDONLY);
    char line[9] = "";
    int next[4] = {0};
    OK(lseek(fd, 5, SEEK_SET) == 5);
    while (read(fd, line, 8) == 8) {
        int p = line[0] - '0';
        OK(p >= 0 && p < 4 && atoi(line + 2) == next[p]++);
    }
    OK(next[0] == 200 && next[1] == 200 && next[2] == 200 && next[3] == 200);
}

static void mapping(void) {
    int fd = make("a", "");
    OK(ftruncate(fd, 100000) == 0);
    char *map = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    OK(map != MAP_FAILED);
    memcpy(map + 50000, "mapped", 6);
    OK(msync(map, 100000, MS_SYNC) == 0);
    char buffer[6];
    OK(pread(fd, buffer, 6, 50000) == 6 && memcmp(buffer, "mapped", 6) == 0);
    OK(pwrite(fd, "direct", 6, 60000) == 6 && memcmp(map + 60000, "direct", 6) == 0);
    OK(munmap(map, 100000) == 0 && close(fd) == 0);
    fd = open("a", O_RDONLY | O_DIRECT);
    void *aligned;
    OK(posix_memalign(&aligned, 4096, 4096) == 0);
    OK(pread(fd, aligned, 4096, 49152) == 4096 && memcmp((char *)aligned + 848, "mapped", 6) == 0);
    OK(close(fd) == 0);
}

static void xattrs(void) {
    char value[70000], list[1000];
    OK(close(make("a", "")) == 0);
    OK(setxattr("a", "user.one", "1", 1, 0) == 0);
    FAILS(setxattr("a", "user.one", "2", 1, XATTR_CREATE), EEXIST);
    FAILS(setxattr("a", "user.two", "2", 1, XATTR_REPLACE), ENODATA);
    memset(value, 7, sizeof value);
    OK(setxattr("a", "user.large", value, 60000, 0) == 0);
    memset(value, 0, sizeof value);
    OK(getxattr("a", "user.large", NULL, 0) == 60000);
    FAILS(getxattr("a", "user.large", value, 10), ERANGE);
    OK(getxattr("a", "user.large", value, sizeof value) == 60000 && value[59999] == 7);
    OK(setxattr("a", "user.empty", "", 0, 0) == 0 && getxattr("a", "user.empty", value, 9) == 0);
    FAILS(getxattr("a", "user.none", value, 9), ENODATA);
    OK(listxattr("a", list, sizeof list) == 9 + 11 + 11);
    OK(memmem(list, 31, "user.one", 9) && memmem(list, 31, "user.large", 11));
    OK(removexattr("a", "user.large") == 0 && listxattr("a", NULL, 0) == 9 + 11);
    FAILS(removexattr("a", "user.large"), ENODATA);
}

static void has_name(const char *wanted) {
    DIR *dir = opendir(".");
    OK(dir != NULL);
    struct dirent *e;
    while ((e = readdir(dir)) != NULL)
        if (strcmp(e->d_name, wanted) == 0) break;
    OK(e != NULL);
    OK(closedir(dir) == 0);
}

static void names(void) {
    char name[300];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    OK(close(make(name, "long")) == 0);
    content_is(name, "long");
    has_name(name);
    name[255] = 'n';
    name[256] = 0;
    FAILS(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
    FAILS(mkdir(name, 0755), ENAMETOOLONG);
    const char *utf8 = "gr\xc3\xbc\xc3\x9f\xe2\x82\xac \xf0\x9f\x90\xa7";
    OK(close(make(utf8, "utf-8")) == 0);
    content_is(utf8, "utf-8");
    has_name(utf8);
    OK(close(make(" space and\nnewline\t\\", "odd")) == 0);
    has_name(" space and\nnewline\t\\");
}

static void names_of_bytes(void) {
    const char *bytes = "\xff\xfe\x80 not utf-8 \xc3";
    OK(close(make(bytes, "bytes")) == 0);
    content_is(bytes, "bytes");
    has_name(bytes);
    OK(rename(bytes, "\xff") == 0);
    has_name("\xff");
    OK(unlink("\xff") == 0);
}

static int seen[20000];

static void note(struct dirent *e) {
    if (e->d_name[0] == 'f') {
        int i = atoi(e->d_name + 1);
        OK(i >= 0 && i < 20000);
        seen[i]++;
    }
}

static void big_directory(void) {
    char name[20];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "f%d", i);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
        OK(fd >= 0 && close(fd) == 0);
    }
    DIR *dir = opendir(".");
    OK(dir != NULL);
    struct dirent *e;
    long middle = -1;
    int count = 0, at_middle = 0;
    while ((e = readdir(dir)) != NULL) {
        note(e);
        if (++count == 10000) {
            middle = telldir(dir);
            at_middle = count;
        }
    }
    OK(count == 20002);
    for (int i = 0; i < 20000; i++) OK(seen[i] == 1);
    // From a position told before, exactly the rest comes, also when what was read is gone.
    seekdir(dir, middle);
    for (count = 0; (e = readdir(dir)) != NULL; count++) note(e);
    OK(count == 20002 - at_middle);
    rewinddir(dir);
    for (count = 0; (e = readdir(dir)) != NULL && count < 5000; count++)
        if (e->d_name[0] == 'f') OK(unlink(e->d_name) == 0);
    int rest = 0;
    for (; e != NULL; e = readdir(dir)) rest++;
    OK(rest == 20002 - 5000);
    OK(closedir(dir) == 0);
}

static void unnamed(void) {
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    OK(fd >= 0 && write(fd, "tmp", 3) == 3 && fstat(fd, &st) == 0 && st.st_nlink == 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0);
    content_is("named", "tmp");
    OK(close(fd) == 0);
}

static void copying(void) {
    static char bytes[3000000], back[3000000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7 + (i >> 9));
    int from = make("a", ""), to = make("b", "");
    OK(write(from, bytes, sizeof bytes) == sizeof bytes);
    off_t in = 100, out = 5;
    size_t left = 2000000;
    while (left > 0) {
        ssize_t n = copy_file_range(from, &in, to, &out, left, 0);
        OK(n > 0);
        left -= n;
    }
    OK(pread(to, back, 2000000, 5) == 2000000 && memcmp(back, bytes + 100, 2000000) == 0);
    OK(close(from) == 0 && close(to) == 0);
}

static void special(void) {
    OK(mkfifo("fifo", 0640) == 0 && stat("fifo", &st) == 0 && S_ISFIFO(st.st_mode));
    OK(mknod("null", S_IFCHR | 0666, 0x103) == 0 && stat("null", &st) == 0 && S_ISCHR(st.st_mode));
    OK(st.st_rdev == 0x103);
    OK(mknod("sock", S_IFSOCK | 0600, 0) == 0 && stat("sock", &st) == 0 && S_ISSOCK(st.st_mode));
    struct statvfs v;
    OK(statvfs(".", &v) == 0 && v.f_namemax == 255 && v.f_blocks > 0 && v.f_bavail <= v.f_blocks);
}

static void birth_time(void) {
    OK(close(make("a", "")) == 0);
    struct statx x;
    OK(statx(AT_FDCWD, "a", 0, STATX_BTIME | STATX_BASIC_STATS, &x) == 0);
    OK((x.stx_mask & STATX_BTIME) && labs((long)x.stx_btime.tv_sec - time(NULL)) < 100);
}

static void setuid_bits(void) {
    int fd = make("a", "x");
    OK(fchmod(fd, 06755) == 0);
    OK(chown("a", 99, 99) == 0 && stat("a", &st) == 0 && (st.st_mode & 07777) == 0755);
    OK(chmod("a", 06777) == 0 && stat("a", &st) == 0 && (st.st_mode & 07777) == 06777);
    OK(close(fd) == 0);
    pid_t child = fork();
    if (child == 0) {
        OK(setgid(98) == 0 && setuid(98) == 0);
        int mine = open("a", O_WRONLY);
        OK(mine >= 0 && write(mine, "y", 1) == 1 && close(mine) == 0);
        exit(0);
    }
    int status;
    OK(wait(&status) == child && status == 0);
    OK(stat("a", &st) == 0 && (st.st_mode & 07777) == 0777);
}

static void locks(void) {
    int fd = make("a", "12345");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 2};
    OK(fcntl(fd, F_SETLK, &lock) == 0);
    pid_t child = fork();
    if (child == 0) {
        FAILS(fcntl(fd, F_SETLK, &lock), EAGAIN);
        lock.l_start = 3;
        OK(fcntl(fd, F_SETLK, &lock) == 0);
        exit(0);
    }
    int status;
    OK(wait(&status) == child && status == 0);
    OK(close(fd) == 0);
}

#define CHECK(f) {#f, f}
static const struct {
    const char *name;
    void (*run)(void);
} CHECKS[] = {
    CHECK(files), CHECK(unlinked), CHECK(large), CHECK(directories), CHECK(renames), CHECK(rename_flags),
    CHECK(links), CHECK(symlinks), CHECK(attributes), CHECK(truncation), CHECK(allocation),
    CHECK(holes), CHECK(append), CHECK(mapping), CHECK(xattrs), CHECK(names),
    CHECK(names_of_bytes), CHECK(big_directory), CHECK(unnamed), CHECK(copying), CHECK(special),
    CHECK(birth_time), CHECK(setuid_bits), CHECK(locks),
};

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    umask(022);
    OK(argc == 3 && chdir(argv[2]) == 0);
    for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++)
        if (strcmp(CHECKS[i].name, argv[1]) == 0) {
            CHECKS[i].run();
            return 0;
        }
    printf("no check %s\n", argv[1]);
    return 1;
}
