// One program of a history: random calls on a few files of a mount that other programs use at the
// same time through other mounts; every call and its answer are logged with the time.
// usage: historian DIRECTORY WORKER SEED CALLS SECONDS FLAGS LOG
// FLAGS: m = mapped loads and stores too, l = locks too, L = locks alone, t = every other 7 s only one mount
// uses names, so that it comes to hold the directories, - = none. The plan depends on SEED, WORKER and FLAGS
// alone, but for the files that are locked and those turns: they go by the time.
// Log: "C ns" when the directory was opened anew, "I call ns what object args" when a call begins
// and "A call ns errno answer" when it is answered. Times are CLOCK_MONOTONIC.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

enum { FUSE_MAGIC = 0x65735546, PAGE = 4096, RECORD = 16, RECORDS_MAX = 250, NAMES = 4, MAPPED = 4 * PAGE, LOCKS = 6 };

// Registers of 8 bytes: four share a page, others have pages of their own, one is in another chunk.
static const off_t slots[] = {0, 8, 1000, 4088, PAGE, 3 * PAGE, (64 << 20) + PAGE};
enum { SLOTS = sizeof slots / sizeof slots[0], WHOLE = 4 };  // from WHOLE on alone in their page

static uint64_t state;
static const char *directory;
static int log_fd, at = -1, registers = -1, lists[2] = {-1, -1};
static char *map;
static long worker, current;
static int mapping, turns, suspicious;
static volatile sig_atomic_t guarded;
static sigjmp_buf broken;
static char *page;

static uint64_t next(void) {  // splitmix64
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t n) { return next() % n; }

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void say(const char *format, ...) {
    static char line[8192];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n > (int)sizeof line - 2) n = sizeof line - 2;
    line[n++] = '\n';
    if (write(log_fd, line, n) != n) exit(3);
}

static void begin(const char *what, const char *object, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("I %ld %lld %s %s %s", current, now(), what, object, text);
}

static void answer(int ok, const char *format, ...) {
    long long t = now();
    int error = ok ? 0 : errno ? errno : EIO;
    suspicious |= error == ENOTCONN || error == ECONNABORTED || error == EIO;
    char text[8000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("A %ld %lld %d %s", current, t, error, ok ? text : "");
}

#include "locks.h"

// ---- the mount, which may go and come back ----

static void let_go(void) {
    if (map != NULL) munmap(map, MAPPED);
    map = NULL;
    int *all[] = {&registers, &lists[0], &lists[1], &at};
    for (int i = 0; i < 4; i++) {
        if (*all[i] >= 0) close(*all[i]);
        *all[i] = -1;
    }
    lock_forget();
}

// Only a directory of FUSE will do: below the mount point lies another file system.
static void take_hold(void) {
    for (;;) {
        struct statfs fs;
        at = open(directory, O_RDONLY | O_DIRECTORY);
        if (at >= 0 && fstatfs(at, &fs) == 0 && fs.f_type == FUSE_MAGIC) break;
        if (at >= 0) close(at);
        at = -1;
        struct timespec pause = {0, 20000000};
        nanosleep(&pause, NULL);
    }
    say("C %lld", now());
}

static int register_fd(void) {
    if (registers < 0) registers = openat(at, "registers", O_RDWR);
    return registers;
}

static int list_fd(int which) {
    if (lists[which] < 0)
        lists[which] = openat(at, which ? "list1" : "list0", O_RDWR | O_APPEND);
    return lists[which];
}

static int mapped(void) {
    if (map == NULL && register_fd() >= 0) {
        void *got = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, registers, 0);
        if (got != MAP_FAILED) map = got;
    }
    return map != NULL;
}

static void on_bus_error(int signal) {
    if (guarded) siglongjmp(broken, signal);
    _exit(4);
}

// close(2) after a call; the first error stands.
static int closed(int fd, int ok) {
    int error = errno;
    if (fd >= 0 && close(fd) != 0 && ok) return 0;
    errno = error;
    return ok;
}

static void sync_it(const char *object, const char *name, int fd) {
    begin("sync", object, "");
    int mine = fd >= 0 ? -1 : openat(at, name, O_RDONLY);
    int ok = (fd >= 0 ? fd : mine) >= 0 && (below(2) ? fsync(fd >= 0 ? fd : mine) : fdatasync(fd >= 0 ? fd : mine)) == 0;
    answer(closed(mine, ok), "");
}

// ---- registers ----

static void write_register(int slot, const char *object) {
    int64_t value = worker * 1000000 + current;
    off_t offset = slots[slot];
    int how = (int)below(8);
    int fd = -1, ok = 0;
    if (how == 0 && mapping && offset < MAPPED && mapped()) {
        begin("write", object, "%lld mapped", (long long)value);
        guarded = 1;
        if (sigsetjmp(broken, 1) == 0) {
            *(volatile int64_t *)(map + offset) = value;
            ok = 1;
        }
        guarded = 0;
        errno = EIO;
        answer(ok, "");
    } else if (how == 1) {
        begin("write", object, "%lld dsync", (long long)value);
        fd = openat(at, "registers", O_WRONLY | O_DSYNC);
        ok = fd >= 0 && pwrite(fd, &value, 8, offset) == 8;
        answer(closed(fd, ok), "");
    } else if (how == 2) {
        begin("write", object, "%lld opened", (long long)value);
        fd = openat(at, "registers", O_WRONLY);
        ok = fd >= 0 && pwrite(fd, &value, 8, offset) == 8;
        answer(closed(fd, ok), "");
    } else if (how <= 4 && slot >= WHOLE) {
        begin("write", object, "%lld direct", (long long)value);
        fd = openat(at, "registers", O_WRONLY | O_DIRECT);
        memset(page, 0, PAGE);
        memcpy(page, &value, 8);
        ok = fd >= 0 && pwrite(fd, page, PAGE, offset & ~(off_t)(PAGE - 1)) == PAGE;
        answer(closed(fd, ok), "");
    } else {
        begin("write", object, "%lld", (long long)value);
        ok = register_fd() >= 0 && pwrite(registers, &value, 8, offset) == 8;
        answer(ok, "");
    }
}

static void read_register(int slot, const char *object) {
    int64_t value = -1;
    off_t offset = slots[slot];
    int how = (int)below(8);
    int fd = -1, ok = 0;
    if (how == 0 && mapping && offset < MAPPED && mapped()) {
        begin("read", object, "mapped");
        guarded = 1;
        if (sigsetjmp(broken, 1) == 0) {
            value = *(volatile int64_t *)(map + offset);
            ok = 1;
        }
        guarded = 0;
        errno = EIO;
    } else if (how <= 2) {
        begin("read", object, "opened");
        fd = openat(at, "registers", O_RDONLY);
        ok = fd >= 0 && pread(fd, &value, 8, offset) == 8;
    } else if (how <= 4) {
        begin("read", object, "direct");
        fd = openat(at, "registers", O_RDONLY | O_DIRECT);
        ok = fd >= 0 && pread(fd, page, PAGE, offset & ~(off_t)(PAGE - 1)) == PAGE;
        memcpy(&value, page + offset % PAGE, 8);
    } else {
        begin("read", object, "");
        ok = register_fd() >= 0 && pread(registers, &value, 8, offset) == 8;
    }
    answer(closed(fd, ok), "%lld", (long long)value);
}

static void use_registers(void) {
    int slot = (int)below(SLOTS);
    char object[16];
    snprintf(object, sizeof object, "r%d", slot);
    uint64_t dice = below(20);
    if (dice == 0) {
        sync_it("r*", "registers", register_fd());
    } else if (dice < 9) {
        write_register(slot, object);
    } else {
        read_register(slot, object);
    }
}

// ---- lists ----

static void append_record(int which, const char *object, const char *name) {
    char record[RECORD + 1];
    long id = worker * 1000000 + current;
    snprintf(record, sizeof record, "%015ld\n", id);
    int fd = -1, ok;
    if (below(2)) {
        begin("append", object, "%ld", id);
        ok = list_fd(which) >= 0 && write(lists[which], record, RECORD) == RECORD;
    } else {
        begin("append", object, "%ld opened", id);
        fd = openat(at, name, O_WRONLY | O_APPEND);
        ok = fd >= 0 && write(fd, record, RECORD) == RECORD;
    }
    answer(closed(fd, ok), "");
}

// How many records were there.
static long read_list(int which, const char *object, const char *name) {
    static char text[64 * 1024], ids[8000];
    int fd = -1;
    ssize_t n = -1;
    if (below(3) == 0) {
        begin("read", object, "");
        if (list_fd(which) >= 0) n = pread(lists[which], text, sizeof text, 0);
    } else {
        begin("read", object, "opened");
        fd = openat(at, name, O_RDONLY);
        if (fd >= 0) n = read(fd, text, sizeof text);
    }
    int ok = closed(fd, n >= 0);
    size_t used = 0;
    ids[0] = 0;
    for (ssize_t i = 0; ok && i < n; i += RECORD) {
        char record[RECORD + 1] = {0};
        memcpy(record, text + i, n - i < RECORD ? n - i : RECORD);
        long id = n - i < RECORD || record[RECORD - 1] != '\n' ? -1 : atol(record);
        if (used < sizeof ids - 12) used += snprintf(ids + used, sizeof ids - used, "%s%ld", i ? "," : "", id);
    }
    answer(ok, "%s", ids);
    return ok ? n / RECORD : 0;
}

static void empty_list(int which, const char *object, const char *name) {
    int fd = -1, ok;
    uint64_t how = below(3);
    begin("empty", object, "%s", how == 0 ? "held" : how == 1 ? "opened" : "named");
    if (how == 0) {
        ok = list_fd(which) >= 0 && ftruncate(lists[which], 0) == 0;
    } else if (how == 1) {
        fd = openat(at, name, O_WRONLY | O_TRUNC);
        ok = fd >= 0;
    } else {
        fd = openat(at, name, O_WRONLY);
        ok = fd >= 0 && ftruncate(fd, 0) == 0;
    }
    answer(closed(fd, ok), "");
}

static void use_lists(void) {
    static long length[2];
    int which = (int)below(2);
    const char *object = which ? "l1" : "l0", *name = which ? "list1" : "list0";
    uint64_t dice = below(24);
    if (dice == 0 || length[which] > RECORDS_MAX) {
        length[which] = 0;
        empty_list(which, object, name);
    } else if (dice == 1) {
        sync_it(object, name, list_fd(which));
    } else if (dice < 6) {
        struct stat st;
        begin("bytes", object, "");
        int ok = below(2) && list_fd(which) >= 0 ? fstat(lists[which], &st) == 0 : fstatat(at, name, &st, 0) == 0;
        answer(ok, "%lld", ok ? (long long)st.st_size : 0);
    } else if (dice < 16) {
        append_record(which, object, name);
    } else {
        length[which] = read_list(which, object, name);
    }
}

// ---- sizes ----

static void use_size(void) {
    uint64_t dice = below(16);
    int fd = -1, ok;
    struct stat st;
    if (dice == 0) {
        sync_it("s0", "sized", -1);
    } else if (dice < 3) {
        off_t n = (off_t)below(20000);
        begin("resize", "s0", "%lld", (long long)n);
        fd = openat(at, "sized", O_WRONLY);
        ok = fd >= 0 && ftruncate(fd, n) == 0;
        answer(closed(fd, ok), "");
    } else if (dice < 6) {
        off_t end = 1 + (off_t)below(20000);
        begin("extend", "s0", "%lld", (long long)end);
        fd = openat(at, "sized", O_WRONLY);
        ok = fd >= 0 && pwrite(fd, "x", 1, end - 1) == 1;
        answer(closed(fd, ok), "");
    } else if (dice < 8) {
        size_t n = 1 + below(30);
        begin("grow", "s0", "%zu", n);
        fd = openat(at, "sized", O_WRONLY | O_APPEND);
        ok = fd >= 0 && write(fd, page, n) == (ssize_t)n;
        answer(closed(fd, ok), "");
    } else if (dice < 10) {
        begin("size", "s0", "sought");
        fd = openat(at, "sized", O_RDONLY);
        off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
        answer(closed(fd, end >= 0), "%lld", (long long)end);
    } else {
        begin("size", "s0", "");
        ok = fstatat(at, "sized", &st, 0) == 0;
        answer(ok, "%lld", ok ? (long long)st.st_size : 0);
    }
}

// ---- attributes: registers too ----

static void use_attributes(void) {
    int64_t value = worker * 1000000 + current;
    struct stat st;
    char name[4200];
    snprintf(name, sizeof name, "%s/attributes", directory);
    uint64_t dice = below(12);
    if (dice < 2) {
        // Of a handle: a path could lead to the mount that came after.
        begin("write", "x0", "%lld", (long long)value);
        int fd = openat(at, "attributes", O_RDONLY);
        int ok = fd >= 0 && fsetxattr(fd, "user.value", &value, 8, 0) == 0;
        answer(closed(fd, ok), "");
    } else if (dice < 5) {
        begin("read", "x0", "");
        int fd = openat(at, "attributes", O_RDONLY);
        int ok = fd >= 0 && fgetxattr(fd, "user.value", &value, 8) == 8;
        answer(closed(fd, ok), "%lld", (long long)value);
    } else if (dice < 6) {
        struct timespec times[2] = {{0, UTIME_OMIT}, {1000000000, value}};
        begin("write", "t0", "%lld", (long long)value);
        int ok = utimensat(at, "attributes", times, 0) == 0;
        answer(ok, "");
    } else if (dice < 9) {
        begin("read", "t0", "");
        int ok = fstatat(at, "attributes", &st, 0) == 0;
        answer(ok, "%lld", ok ? (long long)st.st_mtim.tv_nsec : 0);
    } else if (dice < 10) {
        mode_t mode = (mode_t)below(0700);
        begin("write", "m0", "%d", (int)mode);
        answer(fchmodat(at, "attributes", mode, 0) == 0, "");
    } else {
        begin("read", "m0", "");
        int ok = fstatat(at, "attributes", &st, 0) == 0;
        answer(ok, "%d", ok ? (int)(st.st_mode & 07777) : 0);
    }
}

// ---- names in two directories ----

static void any_name(char *name) { sprintf(name, "d%d/%c", (int)below(2), 'a' + (int)below(NAMES)); }

static void list_names(void) {
    static char raw[32768], text[2000];
    int which = (int)below(2);
    begin("list", "n", "d%d", which);
    int fd = openat(at, which ? "d1" : "d0", O_RDONLY | O_DIRECTORY);
    // One call: a second one may show what came since.
    long n = fd < 0 ? -1 : syscall(SYS_getdents64, fd, raw, sizeof raw);
    int ok = closed(fd, n >= 0);
    size_t used = 0;
    text[0] = 0;
    for (long i = 0; ok && i < n;) {
        struct { uint64_t ino; int64_t off; unsigned short length; unsigned char type; char name[]; } *entry = (void *)(raw + i);
        if (entry->name[0] != '.')
            used += snprintf(text + used, sizeof text - used, "%sd%d/%s:%llu", used ? "," : "", which,
                             entry->name, (unsigned long long)entry->ino);
        i += entry->length;
    }
    answer(ok, "%s", text);
}

// linkat(2) looks the old name up and then links what it found, whatever the name has become: two
// calls on any file system, so two here. The number is the one that the first call found.
static void link_name(const char *from, const char *to) {
    struct statx found = {0};
    begin("lookup", "n", "%s", from);
    int fd = openat(at, from, O_PATH | O_NOFOLLOW);
    int ok = fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &found) == 0;
    answer(ok, "%llu", (unsigned long long)found.stx_ino);
    if (ok) {
        char path[64];
        sprintf(path, "/proc/self/fd/%d", fd);
        begin("link", "n", "%llu %s", (unsigned long long)found.stx_ino, to);
        answer(linkat(AT_FDCWD, path, at, to, AT_SYMLINK_FOLLOW) == 0, "");
    }
    if (fd >= 0) close(fd);
}

// Whether programs of other mounts leave the names alone, or this one does.
static int is_left_to_others(void) {
    enum { MOUNTS = 3 };
    long window = (long)(now() / 7000000000LL);
    return turns && window % 2 == 1 && window / 2 % MOUNTS != (worker - 1) % MOUNTS;
}

static void use_names(void) {
    if (is_left_to_others()) return;
    char a[16], b[16];
    struct stat st;
    any_name(a);
    do any_name(b); while (strcmp(a, b) == 0);
    uint64_t dice = below(32);
    int ok, fd;
    if (dice < 6) {
        begin("create", "n", "%s", a);
        fd = openat(at, a, O_RDWR | O_CREAT | O_EXCL, 0644);
        ok = fd >= 0;
        unsigned long long inode = ok && fstat(fd, &st) == 0 ? st.st_ino : 0;
        if (fd >= 0) close(fd);
        answer(ok, "%llu", inode);
    } else if (dice < 10) {
        begin("unlink", "n", "%s", a);
        answer(unlinkat(at, a, 0) == 0, "");
    } else if (dice < 14) {
        begin("rename", "n", "%s %s", a, b);
        answer(renameat(at, a, at, b) == 0, "");
    } else if (dice < 16) {
        begin("noreplace", "n", "%s %s", a, b);
        answer(syscall(SYS_renameat2, at, a, at, b, RENAME_NOREPLACE) == 0, "");
    } else if (dice < 17) {
        begin("exchange", "n", "%s %s", a, b);
        answer(syscall(SYS_renameat2, at, a, at, b, RENAME_EXCHANGE) == 0, "");
    } else if (dice < 19) {
        link_name(a, b);
    } else if (dice < 20) {
        begin("sync", "n", "");
        ok = 1;
        for (int i = 0; i < 2 && ok; i++) {
            fd = openat(at, i ? "d1" : "d0", O_RDONLY | O_DIRECTORY);
            ok = closed(fd, fd >= 0 && fsync(fd) == 0);
        }
        answer(ok, "");
    } else if (dice < 25) {
        list_names();
    } else {
        begin("lookup", "n", "%s", a);
        ok = fstatat(at, a, &st, AT_SYMLINK_NOFOLLOW) == 0;
        answer(ok, "%llu", ok ? (unsigned long long)st.st_ino : 0);
    }
}

static void step(int area) {
    errno = 0;
    switch (area) {
        case 0: case 1: use_registers(); break;
        case 2: use_lists(); break;
        case 3: use_size(); break;
        case 4: use_attributes(); break;
        case 5: use_names(); break;
        default: use_locks(); break;
    }
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    directory = argv[1];
    worker = atol(argv[2]);
    state = strtoull(argv[3], NULL, 10) * 1000003 + (uint64_t)worker;
    long calls = atol(argv[4]);
    long long end = now() + atol(argv[5]) * 1000000000LL;
    mapping = strchr(argv[6], 'm') != NULL;
    turns = strchr(argv[6], 't') != NULL;
    int locks_alone = strchr(argv[6], 'L') != NULL;
    int areas = strchr(argv[6], 'l') != NULL ? 8 : 6;
    log_fd = open(argv[7], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
    if (log_fd < 0 || posix_memalign((void **)&page, PAGE, PAGE) != 0) return 2;
    memset(page, 0, PAGE);
    struct sigaction action = {.sa_handler = on_bus_error};
    sigaction(SIGBUS, &action, NULL);
    take_hold();
    int area = 0;
    for (current = 1; current <= calls && now() < end; current++) {
        if (below(4) == 0) area = (int)below(areas);
        // Who holds a lock goes on soon: others wait.
        if (locks_alone || closing || (held_file >= 0 && below(2))) area = LOCKS;
        uint64_t pause = below(3) ? 0 : below(3000);
        int reopens = below(16) == 0;
        step(area);
        if (reopens) {
            if (registers >= 0 && map == NULL) { close(registers); registers = -1; }
            if (lists[0] >= 0) { close(lists[0]); lists[0] = -1; }
            if (held_file < 0) lock_forget();
        }
        // What a dead mount has in the kernel's caches is still answered: ask what no cache has.
        struct statfs fs;
        if ((suspicious || current % 32 == 0) && fstatfs(at, &fs) != 0 &&
            (errno == ENOTCONN || errno == ECONNABORTED)) {
            let_go();
            take_hold();
        }
        suspicious = 0;
        if (pause > 0) {
            struct timespec t = {0, (long)pause * 1000};
            nanosleep(&t, NULL);
        }
    }
    while (held_file >= 0) {
        if (closing) lock_close(); else unlock((1 << SECTIONS) - 1);
        current++;
    }
    let_go();
    return 0;
}
