/* Retained memory in a file; see retained_file.h. */
#include "retained_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h> /* strerror */
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

static takt_ledger_store_t *map(int fd, int flags)
{
    void *memory = mmap(NULL, sizeof(takt_ledger_store_t), PROT_READ | PROT_WRITE, flags, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static takt_ledger_store_t *complain(const char *path, const char *fix)
{
    fprintf(stderr, "error: retained memory %s: %s. Fix: %s\n", path, strerror(errno), fix);
    return NULL;
}

takt_ledger_store_t *takt_retained_open(const char *path)
{
    if (path == NULL) {
        return map(-1, MAP_PRIVATE | MAP_ANONYMOUS);
    }
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* stays open: it holds the lock */
    if (fd < 0) {
        return complain(path, "name a file in a folder that exists and can be written");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return complain(path, "end the other firmware that uses it, or name another file");
    }
    if (ftruncate(fd, (off_t)sizeof(takt_ledger_store_t)) != 0) {
        return complain(path, "free some space there");
    }
    takt_ledger_store_t *store = map(fd, MAP_SHARED);
    return store != NULL ? store : complain(path, "name a file on a file system that can map files");
}
