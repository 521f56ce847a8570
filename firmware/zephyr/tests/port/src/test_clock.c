/* Board time: never backwards, across the counter's wrap, and exact on the control grid. */
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include "board_clock.h"

ZTEST_SUITE(board_clock, NULL, NULL, NULL, NULL, NULL);

ZTEST(board_clock, test_the_total_goes_on_across_wraps)
{
    takt_cycle_counter_t counter = {0};
    uint64_t expected = 0;
    for (unsigned step = 0; step < 10; step++) {
        expected += 0x70000000u;
        zassert_equal(takt_cycle_counter_extend(&counter, (uint32_t)expected), expected);
    }
}

/* On QEMU the kernel's counter once stepped back by some cycles while its timer was restarted; taken for a
 * wrap, that moved board time six minutes on. */
ZTEST(board_clock, test_a_step_back_is_no_wrap)
{
    takt_cycle_counter_t counter = {0};
    zassert_equal(takt_cycle_counter_extend(&counter, 5000), 5000);
    zassert_equal(takt_cycle_counter_extend(&counter, 4990), 5000);
    zassert_equal(takt_cycle_counter_extend(&counter, 5010), 5010);
}

ZTEST(board_clock, test_the_grid_is_a_whole_number_of_nanoseconds)
{
    static const uint32_t rates_hz[] = {1000000, 12000000, 96000000, 168000000, 180000000, 480000000};
    for (unsigned i = 0; i < ARRAY_SIZE(rates_hz); i++) {
        for (uint64_t place = 1; place < 10000000000ull; place = place * 3 + 1) { /* up to three years */
            const uint64_t cycles = place * (rates_hz[i] / 100);
            zassert_equal(takt_cycles_to_ns(cycles, rates_hz[i]), place * 10000000ull, "%u Hz", rates_hz[i]);
            zassert_true(takt_cycles_to_ns(cycles - 1, rates_hz[i]) < place * 10000000ull);
        }
    }
}

ZTEST(board_clock, test_a_timer_on_the_grid_fires_on_the_grid)
{
    static struct k_timer timer;
    const uint64_t first_ns = (takt_board_clock_now_ns() / 10000000u + 2u) * 10000000u;
    k_timer_init(&timer, NULL, NULL);
    k_timer_start(&timer, K_TIMEOUT_ABS_TICKS((k_ticks_t)(first_ns / 100000u)), K_MSEC(10));
    for (uint64_t release_ns = first_ns; release_ns < first_ns + 1000000000u; release_ns += 10000000u) {
        zassert_equal(k_timer_status_sync(&timer), 1);
        const uint64_t now_ns = takt_board_clock_now_ns();
        zassert_true(now_ns >= release_ns && now_ns < release_ns + 100000u, "late by %lld",
                     (long long)(now_ns - release_ns));
    }
    k_timer_stop(&timer);
}
