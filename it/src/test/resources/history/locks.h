// The area of a history (historian.c) that locks: three sections of a file by OFD locks, or the whole
// of it by flock(2).

#include <sys/file.h>

// Files that are locked: all programs use the same of the first ones at a time, and leave it alone
// for long enough that its locks are delegated again; the others are nearly one mount's own.
enum { TURNS = 8, OWN = 3, LOCKED = TURNS + OWN, SECTIONS = 3, FLOCK = SECTIONS, HELD_MAX = 8 };
static const long long TURN_NS = 1000000000;

static int lock_fds[LOCKED];
static long lock_owners[LOCKED];  // of open handles, else 0

enum { NONE, SHARED, EXCLUSIVE };
static const char *const modes[] = {"un", "sh", "ex"};

// A program holds locks of one file and kind at a time, and waits only when it holds none: so no
// two wait for each other. The page of a section is read and written under its lock alone.
static int held_file = -1, held_whole, held_calls, held[SECTIONS], closing;

// All handles are gone, and what they held.
static void lock_forget(void) {
    for (int i = 0; i < LOCKED; i++) {
        if (lock_owners[i] != 0 && lock_fds[i] >= 0) close(lock_fds[i]);
        lock_owners[i] = 0;
    }
    held_file = -1;
    closing = 0;
}

// What is read and written passes the kernel's cache by and is on record when it is answered.
static int lock_open(int file) {
    static long opened;
    if (lock_owners[file] == 0) {
        char name[16];
        snprintf(name, sizeof name, "lock%d", file);
        int fd = openat(at, name, O_RDWR | O_DIRECT | O_DSYNC);
        if (fd < 0) return -1;
        lock_fds[file] = fd;
        lock_owners[file] = worker * 1000000 + ++opened;
    }
    return lock_fds[file];
}

static const char *lock_object(int file, int whole) {
    static char object[16];
    snprintf(object, sizeof object, "%c%d", whole ? 'f' : 'k', file);
    return object;
}

static int lock_fcntl(int fd, int command, struct flock *range, int mode, int mask) {
    memset(range, 0, sizeof *range);
    range->l_type = mode == SHARED ? F_RDLCK : mode == EXCLUSIVE ? F_WRLCK : F_UNLCK;
    int first = __builtin_ctz(mask);
    range->l_start = first * PAGE;
    range->l_len = __builtin_popcount(mask) * PAGE;
    return fcntl(fd, command, range);
}

// Sections in a row.
static int any_sections(void) {
    static const int masks[] = {1, 2, 4, 3, 6, 7};
    return masks[below(6)];
}

// The end of a handle that is not known to hold nothing, of which the mount may be told later.
static void lock_close(void) {
    begin("close", lock_object(held_file, held_whole), "%ld", lock_owners[held_file]);
    int ok = close(lock_fds[held_file]) == 0;
    lock_owners[held_file] = 0;
    held_file = -1;
    closing = 0;
    answer(ok, "");
}

static void unlock(int mask) {
    struct flock range;
    int fd = lock_fds[held_file];
    begin("unlock", lock_object(held_file, held_whole), "%ld %d", lock_owners[held_file], mask);
    int ok = held_whole ? flock(fd, LOCK_UN) == 0 : lock_fcntl(fd, F_OFD_SETLK, &range, NONE, mask) == 0;
    closing = !ok;
    answer(ok, "");
    int left = 0;
    for (int i = 0; i < SECTIONS; i++) {
        if (mask & 1 << i) held[i] = NONE;
        left |= held[i];
    }
    if (ok && !left) held_file = -1;
}

// Of the file in hand.
static void lock(int mask, int mode, int waits) {
    struct flock range;
    int fd = lock_fds[held_file], converts = held_whole && held[0];
    begin(converts ? "convert" : "lock", lock_object(held_file, held_whole), "%ld %d %s %s",
          lock_owners[held_file], mask, modes[mode], waits ? "wait" : "try");
    int ok = held_whole ? flock(fd, (mode == SHARED ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)) == 0
                        : lock_fcntl(fd, waits ? F_OFD_SETLKW : F_OFD_SETLK, &range, mode, mask) == 0;
    closing = !ok && errno != EAGAIN;
    int refused = !ok && errno == EAGAIN;
    answer(ok, "");
    int left = 0;
    for (int i = 0; i < SECTIONS; i++) {
        if (ok && mask & 1 << i) held[i] = mode;
        if (refused && held_whole) held[i] = NONE;  // flock(2) gives up first.
        left |= held[i];
    }
    if (!closing && !left) held_file = -1;
}

static void use_section(int section) {
    int fd = lock_fds[held_file];
    off_t offset = (off_t)(held_whole ? FLOCK : section) * PAGE;
    int64_t value = worker * 1000000 + current;
    const char *object = lock_object(held_file, held_whole);
    int ok;
    if (held[section] == EXCLUSIVE && below(2)) {
        begin("write", object, "%ld %d %lld", lock_owners[held_file], section, (long long)value);
        memset(page, 0, PAGE);
        memcpy(page, &value, 8);
        ok = pwrite(fd, page, PAGE, offset) == PAGE;
    } else {
        begin("read", object, "%ld %d", lock_owners[held_file], section);
        ok = pread(fd, page, PAGE, offset) == PAGE;
        memcpy(&value, page, 8);
    }
    closing = !ok;
    answer(ok, "%lld", (long long)value);
}

static void test_lock(int mask, int mode) {
    struct flock range;
    begin("test", lock_object(held_file, 0), "%ld %d %s", lock_owners[held_file], mask, modes[mode]);
    int ok = lock_fcntl(lock_fds[held_file], F_OFD_GETLK, &range, mode, mask) == 0;
    closing = !ok;
    answer(ok, "%s", modes[range.l_type == F_UNLCK ? NONE : range.l_type == F_RDLCK ? SHARED : EXCLUSIVE]);
}

static void take_lock(void) {
    int own = TURNS + (int)(worker % OWN);
    int file = below(4) == 0 ? own : (int)(now() / TURN_NS % TURNS);
    if (below(64) == 0) file = TURNS + (int)below(OWN);
    int whole = below(3) == 0, mask = whole ? (1 << SECTIONS) - 1 : any_sections();
    int mode = below(5) < 2 ? SHARED : EXCLUSIVE, waits = below(2) == 0, tests = below(6) == 0;
    if (lock_open(file) < 0) {
        int error = errno;
        begin("lock", lock_object(file, whole), "%ld 0 un try", worker * 1000000);
        errno = error;
        answer(0, "");
        return;
    }
    held_file = file;
    held_whole = whole;
    held_calls = 0;
    memset(held, 0, sizeof held);
    if (tests && !whole) {
        test_lock(mask, mode);
        if (!closing) held_file = -1;
    } else {
        lock(mask, mode, waits);
    }
}

static void use_locks(void) {
    uint64_t dice = below(16);
    int mask = any_sections(), mode = below(2) ? SHARED : EXCLUSIVE, all = (1 << SECTIONS) - 1;
    if (held_file < 0) {
        take_lock();
    } else if (closing) {
        lock_close();
    } else if (++held_calls > HELD_MAX || dice < 4) {
        unlock(all);
    } else if (dice < 12) {
        int section = (int)below(SECTIONS);
        while (!held_whole && !held[section]) section = (section + 1) % SECTIONS;
        use_section(held_whole ? 0 : section);
    } else if (held_whole) {
        lock(all, mode, dice < 14);
    } else if (dice == 12) {
        unlock(mask);
    } else if (dice == 13) {
        test_lock(mask, mode);
    } else {
        lock(mask, mode, 0);
    }
}
