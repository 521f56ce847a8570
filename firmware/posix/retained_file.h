/* Retained memory of the host port: a mapped file, which outlives the process however it ends.
 *
 * Best on a memory file system (/dev/shm, /run): there, a write never waits for a disk. */
#ifndef TAKT_POSIX_RETAINED_FILE_H
#define TAKT_POSIX_RETAINED_FILE_H

#include "takt/ledger.h"

/* Maps `path`, made if it is not there; NULL path: memory of this process only. NULL return: cause and fix
 * are on stderr. Two boards never share a file. */
takt_ledger_store_t *takt_retained_open(const char *path);

#endif
