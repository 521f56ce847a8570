/* A byte line of the host port: a pty that this process offers, or a serial device that it opens.
 *
 * A pty is there for as long as the process lives, whoever opens and closes its other end: the process keeps
 * that end open too, so that a peer's leaving is no error. A device that goes away is opened again by
 * takt_line_service.
 *
 * One thread reads and writes; takt_line_service belongs to the link thread. */
#ifndef TAKT_POSIX_LINE_H
#define TAKT_POSIX_LINE_H

#include <limits.h> /* PATH_MAX */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    _Atomic int fd;   /* -1: away */
    atomic_bool lost; /* reader or writer met an error; service closes and reopens */
    int peer_fd;      /* our own hold on the pty's other end; -1 for a device */
    bool is_pty;
    unsigned baud;             /* of a device */
    char path[PATH_MAX];       /* symlink to the pty's other end, or the device */
    const char *name;          /* for messages */
    uint64_t next_open_ns;     /* monotonic */
    uint64_t blocked_since_ns; /* monotonic; 0: the last write went through */
} takt_line_t;

/* `spec` is pty:PATH or a device. False: cause and fix are on stderr. */
bool takt_line_open(takt_line_t *line, const char *name, const char *spec, unsigned baud);
void takt_line_close(takt_line_t *line);

/* Bytes that are there; never blocks. */
size_t takt_line_read(takt_line_t *line, uint8_t *bytes, size_t capacity);

/* Bytes taken; never blocks. A pty that nobody has read for a while is emptied, so that a peer which comes
 * back meets the present and not the past. */
size_t takt_line_write(takt_line_t *line, const uint8_t *bytes, size_t count);

/* Forgets what the pty's other end has not read yet. */
void takt_line_discard(takt_line_t *line);

/* Reopens a lost device, at most twice a second. */
void takt_line_service(takt_line_t *line);

#endif
