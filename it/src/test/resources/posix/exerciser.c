// Random I/O on one file of a mounted file system against a model in memory, in the way of fsx.
// usage: exerciser FILE SEED OPERATIONS [BASE [SAME]]
// The file is used from offset BASE on; SAME is a name of it on another mount, used in turn. Prints the last operations and exits 1 at the first
// difference; what an operation says is checked as well as what is in the file.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/falloc.h>

enum { LENGTH_MAX = 600 * 1024, OPERATION_MAX = 140 * 1024, SHOWN = 40, DIRECT = 4096 };

static const char *path, *same;
static off_t base;
static uint64_t state;
static long operation;
static int fd = -1, other = -1;
static unsigned char model[LENGTH_MAX];
static unsigned char *bytes;
static off_t size;  // of the model, counted from base; the file never ends before base
static char shown[SHOWN][160];

static uint64_t next(void) {  // splitmix64
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t n) { return next() % n; }

static void die(const char *format, ...) {
    va_list args;
    for (long i = operation - SHOWN + 1; i <= operation; i++)
        if (i >= 0) printf("%ld: %s\n", i, shown[i % SHOWN]);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    exit(1);
}

#define SAY(...) snprintf(shown[operation % SHOWN], sizeof shown[0], __VA_ARGS__)
#define OK(e)                                                                                \
    do {                                                                                     \
        errno = 0;                                                                           \
        if (!(e)) die("line %d: %s (errno %d: %s)", __LINE__, #e, errno, strerror(errno));   \
    } while (0)

// Sizes and places that meet the borders of sectors and pages more often than chance would.
static off_t place(off_t limit) {
    off_t at = (off_t)below(limit + 1);
    switch (below(4)) {
        case 0: at &= ~(off_t)4095; break;
        case 1: at = (at & ~(off_t)4095) + (off_t)below(3) - 1; break;
        default: break;
    }
    return at < 0 ? 0 : at > limit ? limit : at;
}

static off_t length(off_t limit) {
    off_t most = limit < OPERATION_MAX ? limit : OPERATION_MAX;
    if (most <= 0) return 0;
    off_t n;
    switch (below(5)) {
        case 0: n = 1 + (off_t)below(100); break;
        case 1: n = 4096 * (1 + (off_t)below(8)); break;
        case 2: n = 1 + (off_t)below(9000); break;
        default: n = 1 + (off_t)below(most); break;
    }
    return n > most ? most : n;
}

static void compare(const unsigned char *got, off_t at, off_t n, const char *how) {
    if (memcmp(got, model + at, n) == 0) return;
    off_t i = 0, last = n - 1;
    while (got[i] == model[at + i]) i++;
    while (got[last] == model[at + last]) last--;
    // Whose fault: the pages of the kernel, or what stands behind them?
    static unsigned char sector[DIRECT] __attribute__((aligned(DIRECT)));
    int direct = open(path, O_RDONLY | O_DIRECT);
    ssize_t again = direct < 0 ? -1 : pread(direct, sector, DIRECT, (base + at + i) & ~(off_t)4095);
    printf("read directly, of %zd bytes the first wrong one is %#x\n", again,
           sector[(base + at + i) % 4096]);
    die("%s of %ld bytes at %ld: differs from %ld (%#lx) to %ld: %#x for %#x; size %ld", how, (long)n,
        (long)at, (long)(at + i), (long)(at + i), (long)(at + last), got[i], model[at + i],
        (long)size);
}

static void size_is(int which) {
    struct stat st;
    OK(fstat(which, &st) == 0);
    if (st.st_size != base + size)
        die("size is %ld, not %ld", (long)(st.st_size - base), (long)size);
}

static void grow(off_t end) {
    if (end > size) size = end;
}

static void fill(off_t n) {
    unsigned char tag = (unsigned char)(operation * 31 + 1);
    for (off_t i = 0; i < n; i++) bytes[i] = (unsigned char)(tag + i * 7 + (i >> 8));
}

static void read_some(int which) {
    if (size == 0) return;
    off_t at = place(size - 1), n = length(LENGTH_MAX - at);
    SAY("read %ld at %ld", (long)n, (long)at);
    off_t wanted = n < size - at ? n : size - at;
    OK(pread(which, bytes, n, base + at) == wanted);
    compare(bytes, at, wanted, "read");
}

static void write_some(int which) {
    off_t at = below(3) ? place(size) : place(LENGTH_MAX - 1), n = length(LENGTH_MAX - at);
    if (n == 0) return;
    SAY("write %ld at %ld, size %ld", (long)n, (long)at, (long)size);
    fill(n);
    if (below(4) == 0) {
        struct iovec parts[2] = {{bytes, n / 3}, {bytes + n / 3, n - n / 3}};
        OK(pwritev(which, parts, 2, base + at) == n);
    } else {
        OK(pwrite(which, bytes, n, base + at) == n);
    }
    memcpy(model + at, bytes, n);
    grow(at + n);
}

static void append_some(void) {
    off_t n = length(LENGTH_MAX - size);
    if (n == 0) return;
    SAY("append %ld at %ld", (long)n, (long)size);
    int appender = open(path, O_WRONLY | O_APPEND);
    OK(appender >= 0);
    fill(n);
    OK(write(appender, bytes, n) == n);
    OK(lseek(appender, 0, SEEK_CUR) == base + size + n);
    OK(close(appender) == 0);
    memcpy(model + size, bytes, n);
    grow(size + n);
}

static void direct_some(void) {
    int direct = open(path, O_RDWR | O_DIRECT);
    OK(direct >= 0);
    off_t at = place(LENGTH_MAX - DIRECT) & ~(off_t)(DIRECT - 1);
    off_t n = (length(LENGTH_MAX - at) + DIRECT - 1) & ~(off_t)(DIRECT - 1);
    if (n > LENGTH_MAX - at) n = (LENGTH_MAX - at) & ~(off_t)(DIRECT - 1);
    if (below(2)) {
        SAY("direct write %ld at %ld, size %ld", (long)n, (long)at, (long)size);
        fill(n);
        OK(pwrite(direct, bytes, n, base + at) == n);
        memcpy(model + at, bytes, n);
        grow(at + n);
    } else if (at < size) {
        SAY("direct read %ld at %ld, size %ld", (long)n, (long)at, (long)size);
        off_t wanted = n < size - at ? n : size - at;
        OK(pread(direct, bytes, n, base + at) == wanted);
        compare(bytes, at, wanted, "direct read");
    }
    OK(close(direct) == 0);
}

static void map_some(int writing) {
    if (size == 0) return;
    off_t at = place(size - 1), n = length(size - at);
    off_t page = at & ~(off_t)4095;
    // The kernel learns what another mount has added when it is asked for the size, not when a page is touched.
    if (same != NULL) size_is(fd);
    SAY("map%s %ld at %ld, size %ld", writing ? "write" : "read", (long)n, (long)at, (long)size);
    unsigned char *map = mmap(NULL, n + at - page, PROT_READ | (writing ? PROT_WRITE : 0),
                              MAP_SHARED, fd, base + page);
    OK(map != MAP_FAILED);
    if (writing) {
        fill(n);
        memcpy(map + (at - page), bytes, n);
        memcpy(model + at, bytes, n);
        if (below(3) == 0) OK(msync(map, n + at - page, MS_SYNC) == 0);
    } else {
        compare(map + (at - page), at, n, "mapped read");
        // Behind the end a page reads as zeros.
        off_t end = page + ((at + n - page + 4095) & ~(off_t)4095);
        for (off_t i = size; i < end; i++)
            if (map[i - page] != 0) die("byte %#x behind the end at %ld", map[i - page], (long)i);
    }
    OK(munmap(map, n + at - page) == 0);
}

static void truncate_it(void) {
    off_t to = below(8) == 0 ? 0 : place(LENGTH_MAX);
    SAY("truncate from %ld to %ld", (long)size, (long)to);
    OK((below(2) ? ftruncate(fd, base + to) : truncate(path, base + to)) == 0);
    if (to < size) memset(model + to, 0, size - to);
    size = to;
}

static void allocate(int mode, const char *name) {
    off_t at = place(LENGTH_MAX - 1), n = length(LENGTH_MAX - at);
    if (n == 0) return;
    SAY("%s %ld at %ld, size %ld", name, (long)n, (long)at, (long)size);
    OK(fallocate(fd, mode, base + at, n) == 0);
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
        off_t end = at + n < size ? at + n : size;
        if (at < end) memset(model + at, 0, end - at);
    }
    if (!(mode & FALLOC_FL_KEEP_SIZE)) grow(at + n);
}

static void copy_some(void) {
    if (size == 0) return;
    off_t from = place(size - 1), n = length(size - from);
    if (n == 0) return;
    off_t to = place(LENGTH_MAX - n);
    if (to < from + n && from < to + n) return;
    // The kernel ends a copy where it last saw the file end, without asking. So cp(1) asks for the size first.
    if (same != NULL) size_is(fd);
    SAY("copy %ld from %ld to %ld, size %ld", (long)n, (long)from, (long)to, (long)size);
    loff_t in = base + from, out = base + to;
    for (off_t left = n; left > 0;) {
        ssize_t done = copy_file_range(fd, &in, below(2) || same != NULL ? fd : other, &out, left, 0);
        OK(done > 0 && done <= left);
        left -= done;
    }
    memcpy(model + to, model + from, n);
    grow(to + n);
}

static void seek_some(void) {
    if (size == 0) return;
    off_t at = place(size - 1);
    SAY("seek from %ld, size %ld", (long)at, (long)size);
    off_t data = lseek(fd, base + at, SEEK_DATA);
    if (data < 0) {
        if (errno != ENXIO) die("SEEK_DATA: %s", strerror(errno));
        data = base + size;
    }
    data -= base;
    OK(data >= at && data <= size);
    for (off_t i = at; i < data; i++)
        if (model[i] != 0) die("SEEK_DATA from %ld passes byte %#x at %ld", (long)at, model[i], (long)i);
    off_t hole = lseek(fd, base + at, SEEK_HOLE);
    OK(hole >= base + at && hole <= base + size);
}

static void open_again(void) {
    SAY("close and open");
    OK(close(fd) == 0);
    fd = open(path, O_RDWR);
    OK(fd >= 0);
    OK(close(other) == 0);
    other = open(same != NULL ? same : path, O_RDWR);
    OK(other >= 0);
}

// The next calls go through the other mount.
static void swap(void) {
    const char *name = path;
    int handle = fd;
    path = same;
    same = name;
    fd = other;
    other = handle;
}

static void forget(void) {
    SAY("sync and forget pages");
    OK(fdatasync(fd) == 0);
    OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
}

static void check_all(const char *when) {
    SAY("check %s", when);
    size_is(fd);
    for (off_t at = 0; at < size; at += OPERATION_MAX) {
        off_t n = size - at < OPERATION_MAX ? size - at : OPERATION_MAX;
        OK(pread(fd, bytes, n, base + at) == n);
        compare(bytes, at, n, when);
    }
}

static void step(void) {
    SAY("nothing");
    if (same != NULL && below(3) == 0) swap();
    switch (below(24)) {
        case 0: case 1: case 2: read_some(fd); break;
        case 3: read_some(other); break;
        case 4: case 5: case 6: write_some(fd); break;
        case 7: write_some(other); break;
        case 8: append_some(); break;
        case 9: direct_some(); break;
        case 10: case 11: map_some(0); break;
        case 12: case 13: map_some(1); break;
        case 14: truncate_it(); break;
        case 15: allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch"); break;
        case 16: allocate(FALLOC_FL_ZERO_RANGE, "zero"); break;
        case 17: allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, "zero, size kept,"); break;
        case 18: allocate(below(2) ? FALLOC_FL_KEEP_SIZE : 0, "allocate"); break;
        case 19: copy_some(); break;
        case 20: seek_some(); break;
        case 21: if (below(3) == 0) open_again(); break;
        case 22: if (below(3) == 0) forget(); break;
        default:
            if (below(6) == 0) {
                SAY("fsync");
                OK(fsync(fd) == 0);
            }
            break;
    }
    size_is(below(2) ? fd : other);
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    path = argv[1];
    state = strtoull(argv[2], NULL, 10);
    long operations = strtol(argv[3], NULL, 10);
    base = argc > 4 ? strtoll(argv[4], NULL, 10) : 0;
    same = argc > 5 ? argv[5] : NULL;
    OK(posix_memalign((void **)&bytes, DIRECT, LENGTH_MAX) == 0);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    OK(fd >= 0);
    other = open(same != NULL ? same : path, O_RDWR);
    OK(other >= 0);
    OK(ftruncate(fd, base) == 0);
    for (operation = 0; operation < operations; operation++) {
        step();
        if (operation % 500 == 499) check_all("what is read now and then");
    }
    check_all("what is read at the end");
    open_again();
    forget();
    check_all("what is read from the store");
    OK(close(fd) == 0 && close(other) == 0);
    return 0;
}
