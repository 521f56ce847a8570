/* A byte line of the host port: a pty or a local socket that this process offers, or a serial device that it
 * opens.
 *
 * A socket's bytes are there when the peer's write returns; a pty's only when a kernel worker of the normal
 * scheduling class has carried them over, which takes up to 100 ms on a loaded host.
 *
 * A pty is there for as long as the process lives, whoever opens and closes its other end: the process keeps
 * that end open too, so that a peer's leaving is no error. A device that goes away is opened again, and a
 * socket's peer let in, by takt_line_service.
 *
 * takt_line_service belongs to the thread that reads. */
#ifndef TAKT_POSIX_LINE_H
#define TAKT_POSIX_LINE_H

#include <limits.h> /* PATH_MAX */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { TAKT_LINE_DEVICE, TAKT_LINE_PTY, TAKT_LINE_SOCKET } takt_line_kind_t;

typedef struct {
    takt_line_kind_t kind;
    _Atomic int fd;        /* -1: away */
    atomic_bool lost;      /* reader or writer met an error; service closes and reopens */
    int own_fd;            /* our own hold on the pty's other end, or the listening socket; -1 for a device */
    unsigned baud;         /* of a device */
    char path[PATH_MAX];   /* symlink to the pty's other end, the socket, or the device */
    const char *name;      /* for messages */
    uint64_t next_open_ns; /* monotonic */
    uint64_t blocked_since_ns; /* monotonic; 0: the last write went through */
} takt_line_t;

/* `spec` is pty:PATH, unix:PATH or a device. False: cause and fix are on stderr. */
bool takt_line_open(takt_line_t *line, const char *name, const char *spec, unsigned baud);
void takt_line_close(takt_line_t *line);

/* Bytes that are there; never blocks. */
size_t takt_line_read(takt_line_t *line, uint8_t *bytes, size_t capacity);

/* Bytes taken; never blocks. A pty that nobody has read for a while is emptied, so that a peer which comes
 * back meets the present and not the past. */
size_t takt_line_write(takt_line_t *line, const uint8_t *bytes, size_t count);

/* Forgets what the pty's other end has not read yet. */
void takt_line_discard(takt_line_t *line);

/* Reopens a lost device, at most twice a second; lets a socket's next peer in. */
void takt_line_service(takt_line_t *line);

#endif
