/* E-stop and motor fault; see stop_inputs.h. */
#include "stop_inputs.h"

#include <errno.h>

#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/kernel.h>

#define INPUTS DT_COMPAT_GET_ANY_STATUS_OKAY(takt_stop_inputs)

static const struct gpio_dt_spec e_stop = GPIO_DT_SPEC_GET_OR(INPUTS, e_stop_gpios, {0});
static const struct gpio_dt_spec motor_fault = GPIO_DT_SPEC_GET_OR(INPUTS, motor_fault_gpios, {0});
static bool outputs_refused;

static int open_input(const struct gpio_dt_spec *input)
{
    if (input->port == NULL) {
        return 0;
    }
    return gpio_is_ready_dt(input) ? gpio_pin_configure_dt(input, GPIO_INPUT) : -ENODEV;
}

static bool is_active(const struct gpio_dt_spec *input)
{
    return input->port != NULL && gpio_pin_get_dt(input) != 0;
}

int takt_stop_inputs_open(void)
{
    const int status = open_input(&e_stop);
    return status != 0 ? status : open_input(&motor_fault);
}

bool takt_stop_inputs_e_stop(void)
{
    return is_active(&e_stop);
}

bool takt_stop_inputs_motor_fault(void)
{
    return outputs_refused || is_active(&motor_fault);
}

void takt_stop_inputs_note_refusal(bool refused)
{
    outputs_refused = refused;
}
