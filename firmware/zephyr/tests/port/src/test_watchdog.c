/* The task watchdog: quiet while it is fed, bites within its time once it is not; and the hardware watchdog
 * behind it, here a fake at the driver API. Time is simulated and exact. */
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include "fake_watchdog.h"
#include "retained.h"
#include "watchdog.h"

#define HARDWARE_MS (CONFIG_TASK_WDT_MIN_TIMEOUT + CONFIG_TASK_WDT_HW_FALLBACK_DELAY)

static int64_t bitten_at_ms;

/* In place of the reset. */
void takt_retained_watchdog_reset(void)
{
    bitten_at_ms = k_uptime_get();
}

static void *start(void)
{
    zassert_false(fake_watchdog()->running, "nothing starts it but takt_watchdog_start");
    zassert_ok(takt_watchdog_start());
    return NULL;
}

static void before(void *fixture)
{
    ARG_UNUSED(fixture);
    takt_watchdog_feed();
    bitten_at_ms = -1;
}

static void run_cycles(unsigned count)
{
    for (unsigned cycle = 0; cycle < count; cycle++) {
        k_msleep(10);
        zassert_false(fake_watchdog_is_over(), "the hardware would bite a loop that runs");
        takt_watchdog_feed();
    }
}

ZTEST_SUITE(watchdog, NULL, start, before, NULL, NULL);

ZTEST(watchdog, test_it_bites_a_loop_that_is_blocked_and_none_that_runs)
{
    run_cycles(100);
    k_msleep(CONFIG_TAKT_WATCHDOG_MS - 5); /* one long cycle is no death */
    takt_watchdog_feed();
    zassert_equal(bitten_at_ms, -1);

    const int64_t fed_ms = k_uptime_get();
    k_busy_wait((CONFIG_TAKT_WATCHDOG_MS + 20) * 1000); /* no thread runs: only the interrupt can bite */
    zassert_true(bitten_at_ms >= 0, "it never bit");
    zassert_true(bitten_at_ms - fed_ms >= CONFIG_TAKT_WATCHDOG_MS);
    zassert_true(bitten_at_ms - fed_ms <= CONFIG_TAKT_WATCHDOG_MS + 1);
}

ZTEST(watchdog, test_the_hardware_stands_behind_from_the_start_and_resets_by_itself)
{
    zassert_true(fake_watchdog()->running);
    zassert_equal(fake_watchdog()->installed.window.min, 0);
    zassert_equal(fake_watchdog()->installed.window.max, HARDWARE_MS);
    zassert_equal(fake_watchdog()->installed.flags, WDT_FLAG_RESET_SOC);
    zassert_is_null(fake_watchdog()->installed.callback, "no software stands between it and the reset");
}

ZTEST(watchdog, test_only_a_cycle_in_time_feeds_the_hardware)
{
    const unsigned before_cycles = fake_watchdog()->feeds;
    run_cycles(100);
    zassert_equal(fake_watchdog()->feeds - before_cycles, 100);
    k_msleep(CONFIG_TAKT_WATCHDOG_MS - 5);
    zassert_equal(fake_watchdog()->feeds - before_cycles, 100, "somebody else feeds it");
}

ZTEST(watchdog, test_a_kernel_without_a_timer_is_bitten_by_the_hardware)
{
    const unsigned fed = fake_watchdog()->feeds;
    const unsigned key = irq_lock(); /* the task watchdog's timer is dead */
    k_busy_wait((HARDWARE_MS + 10) * 1000);
    const bool over = fake_watchdog_is_over();
    const bool alone = bitten_at_ms == -1 && fake_watchdog()->feeds == fed;
    irq_unlock(key);
    zassert_true(alone, "interrupts were not locked");
    zassert_true(over, "the hardware would have let it live");
}

ZTEST(watchdog, test_after_the_bite_the_hardware_is_fed_no_more)
{
    k_busy_wait((CONFIG_TAKT_WATCHDOG_MS + 1) * 1000);
    zassert_true(bitten_at_ms >= 0);
    const unsigned fed = fake_watchdog()->feeds;
    k_msleep(2 * HARDWARE_MS);
    zassert_equal(fake_watchdog()->feeds, fed, "a reset that fails would never be followed by another");
    zassert_true(fake_watchdog_is_over());
}
