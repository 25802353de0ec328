// Writes eight bytes of a page past the kernel's cache and reads them back, while a thread stores into the next
// eight through a mapping: mapper FILE SECONDS
// Says how much was done; 1 when a write or a store was undone.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, READS = 3 };

static volatile uint64_t *page;
static volatile int over;
static int cached;
static uint64_t stores, stores_lost;

// Has the page written back and filled again for each store: so it is filled beside most writes.
static void *store(void *nothing) {
    while (!over) {
        page[1] = ++stores;
        msync((void *)page, PAGE, MS_SYNC);
        posix_fadvise(cached, 0, PAGE, POSIX_FADV_DONTNEED);
        madvise((void *)page, PAGE, MADV_DONTNEED);
        if (page[1] != stores) stores_lost++;
    }
    return nothing;
}

static void check(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(2);
    }
}

int main(int argc, char **argv) {
    check(argc == 3, "mapper FILE SECONDS");
    cached = open(argv[1], O_RDWR | O_CREAT, 0644);
    check(cached >= 0 && ftruncate(cached, PAGE) == 0, "open");
    int direct = open(argv[1], O_RDWR | O_DIRECT);
    check(direct >= 0, "open O_DIRECT");
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, cached, 0);
    check(page != MAP_FAILED, "mmap");
    pthread_t storer;
    check(pthread_create(&storer, NULL, store, NULL) == 0, "pthread_create");
    uint64_t writes = 0, lost = 0;
    for (time_t end = time(NULL) + atoi(argv[2]); time(NULL) < end;) {
        uint64_t wrote = ++writes;
        check(pwrite(direct, &wrote, sizeof wrote, 0) == sizeof wrote, "pwrite");
        for (int i = 0; i < READS; i++) {
            uint64_t is = 0;
            check(pread(direct, &is, sizeof is, 0) == sizeof is, "pread");
            if (is != wrote) {
                lost++;
                break;
            }
        }
    }
    over = 1;
    pthread_join(storer, NULL);
    printf("%lu writes, %lu lost; %lu stores, %lu lost\n", writes, lost, stores, stores_lost);
    return lost + stores_lost != 0 || stores < 10;
}
