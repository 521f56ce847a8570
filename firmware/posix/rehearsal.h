/* Rehearsals: trouble on demand, so that tests can see what the board does about it. Off unless asked for,
 * and not repeated after the watchdog has started the board anew. */
#ifndef TAKT_POSIX_REHEARSAL_H
#define TAKT_POSIX_REHEARSAL_H

#include <stdint.h>

/* "LENGTH@START"; length 0: none. */
typedef struct {
    uint32_t length_ms;
    uint32_t start; /* of a stretch: cycle; of a blocked link: ms of board time */
} takt_rehearsal_t;

/* Control thread: keeps the processor busy for the rehearsal's time if this is its cycle. */
void takt_rehearse_stretch(const takt_rehearsal_t *stretch, uint32_t cycle);

/* Link thread: sleeps for the rehearsal's time once it is due, and forgets it. */
void takt_rehearse_block(takt_rehearsal_t *block, uint64_t board_ns);

#endif
