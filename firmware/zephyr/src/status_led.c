/* The status LED; see status_led.h. */
#include "status_led.h"

#include <errno.h>

#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>

#if DT_NODE_EXISTS(DT_ALIAS(led0)) && defined(CONFIG_GPIO)
static const struct gpio_dt_spec led = GPIO_DT_SPEC_GET(DT_ALIAS(led0), gpios);

int takt_status_led_open(void)
{
    return gpio_is_ready_dt(&led) ? gpio_pin_configure_dt(&led, GPIO_OUTPUT_INACTIVE) : -ENODEV;
}

void takt_status_led_show(const takt_safety_t *safety, uint32_t now_ms)
{
    (void)gpio_pin_set_dt(&led, takt_status_led_is_on(safety, now_ms) ? 1 : 0);
}
#else
int takt_status_led_open(void)
{
    return 0;
}

void takt_status_led_show(const takt_safety_t *safety, uint32_t now_ms)
{
    (void)safety;
    (void)now_ms;
}
#endif
