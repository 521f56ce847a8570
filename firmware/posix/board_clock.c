/* Board time on a host; see board_clock.h. */
#include "board_clock.h"

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

uint64_t takt_board_clock_now_ns(const takt_board_clock_t *clock)
{
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
