/* Board time; see board_clock.h. */
#include "board_clock.h"

#include <zephyr/kernel.h>

uint64_t takt_board_clock_now_ns(void)
{
    static takt_cycle_counter_t counter;
    const unsigned int key = irq_lock(); /* both threads read; a reading is a few dozen instructions */
    const uint64_t cycles = takt_cycle_counter_extend(&counter, k_cycle_get_32());
    irq_unlock(key);
    return takt_cycles_to_ns(cycles, sys_clock_hw_cycles_per_sec());
}
