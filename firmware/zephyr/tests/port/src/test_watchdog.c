/* The task watchdog: quiet while it is fed, bites within its time once it is not. Time is simulated and
 * exact. */
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#include "retained.h"
#include "watchdog.h"

static int64_t bitten_at_ms = -1;

/* In place of the reset. */
void takt_retained_watchdog_reset(void)
{
    bitten_at_ms = k_uptime_get();
}

ZTEST_SUITE(watchdog, NULL, NULL, NULL, NULL, NULL);

ZTEST(watchdog, test_it_bites_a_loop_that_is_blocked_and_none_that_runs)
{
    zassert_ok(takt_watchdog_start());
    for (unsigned cycle = 0; cycle < 100; cycle++) {
        k_msleep(10);
        takt_watchdog_feed();
    }
    k_msleep(CONFIG_TAKT_WATCHDOG_MS - 5); /* one long cycle is no death */
    takt_watchdog_feed();
    zassert_equal(bitten_at_ms, -1);

    const int64_t fed_ms = k_uptime_get();
    k_busy_wait((CONFIG_TAKT_WATCHDOG_MS + 20) * 1000); /* no thread runs: only the interrupt can bite */
    zassert_true(bitten_at_ms >= 0, "it never bit");
    zassert_true(bitten_at_ms - fed_ms >= CONFIG_TAKT_WATCHDOG_MS);
    zassert_true(bitten_at_ms - fed_ms <= CONFIG_TAKT_WATCHDOG_MS + 1);
}
