/* Duty to pulses, and counters of 16 and 32 bits to one count. */
#include <math.h>

#include <zephyr/ztest.h>

#include "motor_pwm.h"

#define PERIOD_NS 50000u

ZTEST_SUITE(motor_pwm, NULL, NULL, NULL, NULL, NULL);

static void check(float duty, bool enabled, uint32_t forward_ns, uint32_t reverse_ns)
{
    const takt_motor_pulses_t pulses = takt_motor_pulses(duty, enabled, PERIOD_NS);
    zassert_equal(pulses.forward_ns, forward_ns, "duty %d/1000", (int)(duty * 1000.0f));
    zassert_equal(pulses.reverse_ns, reverse_ns, "duty %d/1000", (int)(duty * 1000.0f));
}

ZTEST(motor_pwm, test_the_winding_is_shorted_unless_it_is_driven)
{
    check(0.0f, true, PERIOD_NS, PERIOD_NS);
    check(-0.0f, true, PERIOD_NS, PERIOD_NS);
    check(0.7f, false, PERIOD_NS, PERIOD_NS);
    check(-1.0f, false, PERIOD_NS, PERIOD_NS);
    check(NAN, true, PERIOD_NS, PERIOD_NS);
}

ZTEST(motor_pwm, test_the_other_input_is_low_for_the_duty)
{
    check(0.5f, true, PERIOD_NS, PERIOD_NS / 2);
    check(-0.5f, true, PERIOD_NS / 2, PERIOD_NS);
    check(0.25f, true, PERIOD_NS, PERIOD_NS * 3 / 4);
    check(1.0f, true, PERIOD_NS, 0);
    check(-1.0f, true, 0, PERIOD_NS);
    check(2.0f, true, PERIOD_NS, 0);
    check(-INFINITY, true, 0, PERIOD_NS);
}

ZTEST(motor_pwm, test_a_16_bit_counter_goes_on_across_its_wrap_both_ways)
{
    uint32_t count = 0;
    uint32_t truth = 0;
    for (unsigned step = 0; step < 40; step++) {
        truth += step < 20 ? 30000u : (uint32_t)-25000;
        count = takt_count_on(count, truth & 0xFFFFu, false);
        zassert_equal(count, truth, "step %u", step);
    }
}

ZTEST(motor_pwm, test_a_32_bit_counter_is_the_count)
{
    zassert_equal(takt_count_on(5, 0xFFFFFFF0u, true), 0xFFFFFFF0u);
}
