/* Board time on a host: CLOCK_MONOTONIC since the start, optionally running fast or slow, so that it is truly
 * another clock than the host's, as a crystal on a board would be. */
#ifndef TAKT_POSIX_BOARD_CLOCK_H
#define TAKT_POSIX_BOARD_CLOCK_H

#include <stdint.h>

typedef struct {
    uint64_t start_ns; /* CLOCK_MONOTONIC at board time 0 */
    int64_t drift_ppb; /* board rate minus one; within +-1e6 */
} takt_board_clock_t;

void takt_board_clock_start(takt_board_clock_t *clock, int64_t drift_ppb);
uint64_t takt_board_clock_now_ns(const takt_board_clock_t *clock);

/* The monotonic time at which board time is at least `board_ns`. */
uint64_t takt_board_clock_to_monotonic_ns(const takt_board_clock_t *clock, uint64_t board_ns);

#endif
