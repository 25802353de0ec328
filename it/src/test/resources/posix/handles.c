// handles save MOUNT PATH FILE: writes the handle of MOUNT/PATH to FILE.
// handles show MOUNT FILE: opens what the handle in FILE names and prints its content or its entries.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
} it;

static int save(const char *mount, const char *path, const char *file) {
    int id;
    it.handle.handle_bytes = MAX_HANDLE_SZ;
    int dir = open(mount, O_RDONLY | O_DIRECTORY);
    FILE *out = fopen(file, "w");
    if (dir < 0 || !out || name_to_handle_at(dir, path, &it.handle, &id, 0) != 0) {
        return perror(path), 1;
    }
    return fwrite(&it, sizeof it, 1, out) != 1 || fclose(out) != 0;
}

static int show(const char *mount, const char *file) {
    char bytes[4096];
    struct stat st;
    int dir = open(mount, O_RDONLY | O_DIRECTORY);
    FILE *in = fopen(file, "r");
    if (dir < 0 || !in || fread(&it, sizeof it, 1, in) != 1) {
        return perror(file), 1;
    }
    int fd = open_by_handle_at(dir, &it.handle, O_RDONLY);
    if (fd < 0) {
        return puts(strerrorname_np(errno)), 0;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (openat(fd, "..", O_PATH) < 0) {
            return perror(".."), 1;
        }
        DIR *entries = fdopendir(fd);
        struct dirent *entry;
        while (entries && (entry = readdir(entries))) {
            if (entry->d_name[0] != '.') {
                puts(entry->d_name);
            }
        }
        return 0;
    }
    ssize_t count = read(fd, bytes, sizeof bytes);
    return count < 0 || fwrite(bytes, 1, count, stdout) != (size_t) count;
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "save") == 0) {
        return save(argv[2], argv[3], argv[4]);
    }
    return argc == 4 ? show(argv[2], argv[3]) : 2;
}
