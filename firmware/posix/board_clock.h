/* Board time on a host: CLOCK_MONOTONIC since the start, optionally running fast or slow, so that it is truly
 * another clock than the host's, as a crystal on a board would be. Or the plant's time since its first
 * sample: the board then runs as fast or as slowly as its simulation, and stands still when that does. */
#ifndef TAKT_POSIX_BOARD_CLOCK_H
#define TAKT_POSIX_BOARD_CLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool by_plant;
    pthread_mutex_t mutex; /* of `moved` */
    pthread_cond_t moved;
    _Atomic uint64_t plant_ns; /* plant time since its first sample; never steps back */
    uint64_t first_plant_ns;
    bool plant_heard;
    uint64_t start_ns; /* CLOCK_MONOTONIC at board time 0 */
    int64_t drift_ppb; /* board rate minus one; within +-1e6 */
} takt_board_clock_t;

void takt_board_clock_start(takt_board_clock_t *clock, int64_t drift_ppb);
uint64_t takt_board_clock_now_ns(const takt_board_clock_t *clock);

/* The monotonic time at which board time is at least `board_ns`. */
uint64_t takt_board_clock_to_monotonic_ns(const takt_board_clock_t *clock, uint64_t board_ns);

/* Instead of takt_board_clock_start. */
void takt_board_clock_start_by_plant(takt_board_clock_t *clock);

/* Listening thread: a sample with this plant time has come. A plant that begins anew goes on from here. */
void takt_board_clock_tell(takt_board_clock_t *clock, uint64_t plant_ns);

/* Waits until board time is at least `board_ns`, at most `limit_ms` of real time. False: not yet. */
bool takt_board_clock_wait(takt_board_clock_t *clock, uint64_t board_ns, unsigned limit_ms);

#endif
