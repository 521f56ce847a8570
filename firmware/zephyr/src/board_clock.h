/* Board time: nanoseconds since the start from the kernel's 32-bit cycle counter: takt_board_clock_now_ns.
 *
 * The counter and the kernel's ticks come from one timer, so a k_timer on whole ticks fires on this clock's
 * grid. */
#ifndef TAKT_ZEPHYR_BOARD_CLOCK_H
#define TAKT_ZEPHYR_BOARD_CLOCK_H

#include <stdint.h>

#define TAKT_NS_PER_S 1000000000ull

typedef struct {
    uint64_t total; /* cycles since the start */
    uint32_t last;  /* counter at the last reading */
} takt_cycle_counter_t;

/* The total after the counter has come to `now`; right as long as readings are less than half a wrap apart. A
 * counter that steps back, as an emulated one may around the restart of its timer, stands still instead: time
 * never does. */
static inline uint64_t takt_cycle_counter_extend(takt_cycle_counter_t *counter, uint32_t now)
{
    const uint32_t step = now - counter->last;
    if (step <= UINT32_MAX / 2u) {
        counter->total += step;
        counter->last = now;
    }
    return counter->total;
}

/* Exact wherever `hz` divides a second's nanoseconds into whole multiples of the period; never overflows. */
static inline uint64_t takt_cycles_to_ns(uint64_t cycles, uint32_t hz)
{
    return cycles / hz * TAKT_NS_PER_S + cycles % hz * TAKT_NS_PER_S / hz;
}

/* Any context. The control cycle reads it 200 times a second, which is far more often than the counter wraps.
 */
uint64_t takt_board_clock_now_ns(void);

#endif
