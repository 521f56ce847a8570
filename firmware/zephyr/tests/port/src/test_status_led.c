/* What the light says, as a share of a second that it is on, and how often it changes. */
#include <zephyr/ztest.h>

#include "status_led.h"

ZTEST_SUITE(status_led, NULL, NULL, NULL, NULL, NULL);

static void check(takt_rung_t rung, takt_cause_t fault, unsigned on_ms, unsigned changes)
{
    const takt_safety_t safety = {.rung = rung, .fault = fault};
    unsigned on = 0;
    unsigned changed = 0;
    for (uint32_t ms = 5000; ms < 6000; ms++) {
        on += takt_status_led_is_on(&safety, ms) ? 1u : 0u;
        changed += takt_status_led_is_on(&safety, ms) != takt_status_led_is_on(&safety, ms + 1u) ? 1u : 0u;
    }
    zassert_equal(on, on_ms, "rung %d", (int)rung);
    zassert_equal(changed, changes, "rung %d", (int)rung);
}

ZTEST(status_led, test_each_state_has_its_own_rhythm)
{
    check(TAKT_RUNG_NOMINAL, TAKT_CAUSE_NONE, 1000, 0);
    check(TAKT_RUNG_REDUCED, TAKT_CAUSE_NONE, 500, 2);
    check(TAKT_RUNG_HOLD, TAKT_CAUSE_NONE, 500, 2);
    check(TAKT_RUNG_SAFE, TAKT_CAUSE_NONE, 50, 2);
    check(TAKT_RUNG_SAFE, TAKT_CAUSE_WATCHDOG_RESET, 500, 10);
}
