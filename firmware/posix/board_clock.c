/* Board time on a host; see board_clock.h. */
#include "board_clock.h"

#include <time.h>

#include "realtime.h"

#define PPB 1000000000

/* value * factor_ppb / 1e9 without overflow for any uptime. */
static int64_t share(uint64_t value_ns, int64_t factor_ppb)
{
    const int64_t whole = (int64_t)(value_ns / PPB);
    const int64_t rest = (int64_t)(value_ns % PPB);
    return whole * factor_ppb + rest * factor_ppb / PPB;
}

void takt_board_clock_start(takt_board_clock_t *clock, int64_t drift_ppb)
{
    clock->start_ns = takt_monotonic_ns();
    clock->drift_ppb = drift_ppb;
}

void takt_board_clock_start_by_plant(takt_board_clock_t *clock)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&clock->mutex, NULL);
    pthread_cond_init(&clock->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    atomic_store(&clock->plant_ns, 0);
    clock->by_plant = true;
    clock->plant_heard = false;
}

void takt_board_clock_tell(takt_board_clock_t *clock, uint64_t plant_ns)
{
    pthread_mutex_lock(&clock->mutex);
    const uint64_t known_ns = atomic_load(&clock->plant_ns);
    if (!clock->plant_heard || plant_ns < clock->first_plant_ns + known_ns) {
        clock->plant_heard = true;
        clock->first_plant_ns = plant_ns - known_ns; /* wraps where it must: only the difference counts */
    }
    atomic_store(&clock->plant_ns, plant_ns - clock->first_plant_ns);
    pthread_cond_broadcast(&clock->moved);
    pthread_mutex_unlock(&clock->mutex);
}

static bool has_come(const takt_board_clock_t *clock, uint64_t board_ns)
{
    return clock->plant_heard && atomic_load(&clock->plant_ns) >= board_ns;
}

bool takt_board_clock_wait(takt_board_clock_t *clock, uint64_t board_ns, unsigned limit_ms)
{
    if (!clock->by_plant) {
        takt_sleep_until(takt_board_clock_to_monotonic_ns(clock, board_ns));
        return true;
    }
    const uint64_t end_ns = takt_monotonic_ns() + (uint64_t)limit_ms * 1000000u;
    const struct timespec end = {.tv_sec = (time_t)(end_ns / PPB), .tv_nsec = (long)(end_ns % PPB)};
    int status = 0;
    pthread_mutex_lock(&clock->mutex);
    while (status == 0 && !has_come(clock, board_ns)) {
        status = pthread_cond_timedwait(&clock->moved, &clock->mutex, &end);
    }
    const bool come = has_come(clock, board_ns);
    pthread_mutex_unlock(&clock->mutex);
    return come;
}

uint64_t takt_board_clock_now_ns(const takt_board_clock_t *clock)
{
    if (clock->by_plant) {
        return atomic_load(&clock->plant_ns);
    }
    const uint64_t elapsed_ns = takt_monotonic_ns() - clock->start_ns;
    return elapsed_ns + (uint64_t)share(elapsed_ns, clock->drift_ppb);
}

uint64_t takt_board_clock_to_monotonic_ns(const takt_board_clock_t *clock, uint64_t board_ns)
{
    if (clock->drift_ppb == 0) {
        return clock->start_ns + board_ns;
    }
    /* Divides by (1 + drift): a first guess, and what it misses by; 2 ns cover the rounding of both. */
    const uint64_t guess_ns = board_ns - (uint64_t)share(board_ns, clock->drift_ppb);
    const uint64_t reached_ns = guess_ns + (uint64_t)share(guess_ns, clock->drift_ppb);
    return clock->start_ns + guess_ns + (board_ns - reached_ns) + 2u;
}
