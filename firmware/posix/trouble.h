/* Trouble on demand while the firmware runs, one datagram "WHAT MILLISECONDS" each; only where --orders names
 * a socket. stretch: the next cycle computes so long; nap: it is kept from the processor; late: it begins so
 * much after its release; block: the link thread stands still. */
#ifndef TAKT_POSIX_TROUBLE_H
#define TAKT_POSIX_TROUBLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int socket; /* -1: none */
    atomic_uint stretch_ms;
    atomic_uint nap_ms;
    atomic_uint late_ms;
} takt_trouble_t;

/* Binds the socket `path`; NULL: no orders. Returns false, with cause and fix on stderr, if it cannot. */
bool takt_trouble_open(takt_trouble_t *trouble, const char *path);

/* Link thread: takes what has come. A block is carried out here. */
void takt_trouble_take(takt_trouble_t *trouble);

/* Control thread, between a release and its cycle. */
void takt_trouble_before_cycle(takt_trouble_t *trouble);

/* Control thread, within a cycle. */
void takt_trouble_in_cycle(takt_trouble_t *trouble);

#endif
