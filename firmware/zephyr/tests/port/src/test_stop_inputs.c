/* E-stop and motor fault on emulated pins. */
#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/gpio/gpio_emul.h>
#include <zephyr/ztest.h>

#include "stop_inputs.h"

#define INPUTS DT_PATH(stop_inputs)

static const struct gpio_dt_spec button = GPIO_DT_SPEC_GET(INPUTS, e_stop_gpios);
static const struct gpio_dt_spec fault = GPIO_DT_SPEC_GET(INPUTS, motor_fault_gpios);

static void set(const struct gpio_dt_spec *pin, int level)
{
    zassert_ok(gpio_emul_input_set(pin->port, pin->pin, level));
}

/* The button closed to ground, the drivers' open drain at rest. */
static void before(void *fixture)
{
    ARG_UNUSED(fixture);
    zassert_ok(takt_stop_inputs_open());
    takt_stop_inputs_note_refusal(false);
    set(&button, 0);
    set(&fault, 1);
}

ZTEST_SUITE(stop_inputs, NULL, NULL, before, NULL, NULL);

ZTEST(stop_inputs, test_at_rest_nothing_stops)
{
    zassert_false(takt_stop_inputs_e_stop());
    zassert_false(takt_stop_inputs_motor_fault());
}

ZTEST(stop_inputs, test_a_pressed_button_and_a_broken_wire_stop)
{
    set(&button, 1); /* both leave the pull-up alone */
    zassert_true(takt_stop_inputs_e_stop());
    zassert_false(takt_stop_inputs_motor_fault());
    set(&button, 0);
    zassert_false(takt_stop_inputs_e_stop(), "staying stopped is the safety state's business");
}

ZTEST(stop_inputs, test_a_driver_that_pulls_low_and_a_pwm_that_refuses_are_faults)
{
    set(&fault, 0);
    zassert_true(takt_stop_inputs_motor_fault());
    set(&fault, 1);
    takt_stop_inputs_note_refusal(true);
    zassert_true(takt_stop_inputs_motor_fault());
    takt_stop_inputs_note_refusal(false);
    zassert_false(takt_stop_inputs_motor_fault());
}
