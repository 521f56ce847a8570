/* A hardware watchdog that never bites; see fake_watchdog.h. */
#include "fake_watchdog.h"

#include <zephyr/device.h>
#include <zephyr/kernel.h>

#define DT_DRV_COMPAT takt_fake_watchdog

static fake_watchdog_t fake;

static int setup(const struct device *watchdog, uint8_t options)
{
    ARG_UNUSED(watchdog);
    ARG_UNUSED(options);
    fake.running = true;
    fake.fed_ms = k_uptime_get();
    return 0;
}

static int disable(const struct device *watchdog)
{
    ARG_UNUSED(watchdog);
    return -EPERM; /* as the independent watchdog: once it runs nothing stops it */
}

static int install_timeout(const struct device *watchdog, const struct wdt_timeout_cfg *config)
{
    ARG_UNUSED(watchdog);
    fake.installed = *config;
    return 0;
}

static int feed(const struct device *watchdog, int channel)
{
    ARG_UNUSED(watchdog);
    ARG_UNUSED(channel);
    fake.feeds++;
    fake.fed_ms = k_uptime_get();
    return 0;
}

static const struct wdt_driver_api api = {
    .setup = setup, .disable = disable, .install_timeout = install_timeout, .feed = feed};

static int start(const struct device *watchdog)
{
    ARG_UNUSED(watchdog);
    return 0;
}

DEVICE_DT_INST_DEFINE(0, start, NULL, NULL, NULL, POST_KERNEL, 50, &api);

const fake_watchdog_t *fake_watchdog(void)
{
    return &fake;
}

bool fake_watchdog_is_over(void)
{
    return fake.running && k_uptime_get() - fake.fed_ms > (int64_t)fake.installed.window.max;
}
