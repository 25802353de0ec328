// Uses a few files as fast as it can: recaller DIRECTORY SECONDS SEED
// Cached reads and writes of 100 bytes, mapped loads and stores, appends, stat, and new names; other programs do the same
// through other mounts. Prints how many calls it made and the longest in milliseconds; 1 and the call when one fails.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 4, SIZE = 64 * 1024, LOG_MAX = 1 << 20 };

static uint64_t state;

static uint64_t below(uint64_t n) {  // splitmix64
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

#define OK(e)                                                                                           \
    do {                                                                                                \
        if (!(e)) {                                                                                     \
            printf("line %d: %s (errno %d: %s)\n", __LINE__, #e, errno, strerror(errno));               \
            exit(1);                                                                                    \
        }                                                                                               \
    } while (0)

static int append(const char *bytes, size_t n) {
    int fd = open("log", O_WRONLY | O_APPEND | O_CREAT, 0644);
    OK(fd >= 0);
    struct stat st;
    OK(fstat(fd, &st) == 0);
    OK(st.st_size < LOG_MAX || ftruncate(fd, 0) == 0);
    OK(write(fd, bytes, n) == (ssize_t)n);
    return close(fd);
}

int main(int argc, char **argv) {
    OK(argc == 4 && chdir(argv[1]) == 0);
    double end = now() + atof(argv[2]) * 1e3, longest = 0;
    state = strtoull(argv[3], NULL, 10);
    int fds[FILES];
    volatile char *maps[FILES];
    char name[32], other[32], bytes[100];
    memset(bytes, 'a' + (int)(state % 26), sizeof bytes);
    for (int i = 0; i < FILES; i++) {
        sprintf(name, "f%d", i);
        fds[i] = open(name, O_RDWR);
        OK(fds[i] >= 0);
        maps[i] = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
        OK(maps[i] != MAP_FAILED);
    }
    long calls = 0;
    double at = now();
    while (at < end) {
        int i = (int)below(FILES);
        off_t offset = (off_t)below(SIZE - sizeof bytes);
        struct stat st;
        switch (below(7)) {
            case 0: OK(pwrite(fds[i], bytes, sizeof bytes, offset) == sizeof bytes); break;
            case 1: OK(pread(fds[i], bytes, sizeof bytes, offset) == sizeof bytes); break;
            case 2: maps[i][offset]++; break;
            case 3: (void)maps[i][offset]; break;
            case 4: OK(append(bytes, sizeof bytes) == 0); break;
            case 5:
                sprintf(name, "f%d", i);
                OK(stat(name, &st) == 0 && st.st_size == SIZE);
                break;
            default:
                sprintf(name, "n%s.%d", argv[3], i);
                sprintf(other, "m%d", i);
                int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
                OK(fd >= 0 && close(fd) == 0 && rename(name, other) == 0);
        }
        calls++;
        double done = now();
        if (done - at > longest) longest = done - at;
        at = done;
    }
    printf("%ld %.0f\n", calls, longest);
    return 0;
}
