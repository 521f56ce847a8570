/* The control loop's watchdog; see watchdog.h.
 *
 * The chain: the kernel's timer bites when the loop is silent; the hardware bites when the kernel's timer is
 * dead too (interrupts locked, kernel broken). Feeding the channel feeds both. */
#include "watchdog.h"

#include <zephyr/device.h>
#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>
#include <zephyr/task_wdt/task_wdt.h>

#include "retained.h"
#include "takt_contract.h"

BUILD_ASSERT(CONFIG_TAKT_WATCHDOG_MS < TAKT_SAFETY_MOTOR_SILENCE_MS,
             "the watchdog bites before the motor driver gives up by itself");
#ifdef CONFIG_TASK_WDT_HW_FALLBACK
BUILD_ASSERT(CONFIG_TASK_WDT_MIN_TIMEOUT <= CONFIG_TAKT_WATCHDOG_MS, "the hardware stands close behind");
#endif

static int channel = -1;

static void bite(int channel_id, void *context)
{
    ARG_UNUSED(channel_id);
    ARG_UNUSED(context);
    takt_retained_watchdog_reset();
}

int takt_watchdog_start(void)
{
    const struct device *hardware = NULL;
#ifdef CONFIG_TASK_WDT_HW_FALLBACK
    hardware = DEVICE_DT_GET(DT_ALIAS(watchdog0));
    if (!device_is_ready(hardware)) {
        return -ENODEV;
    }
#endif
    const int status = task_wdt_init(hardware);
    if (status != 0) {
        return status;
    }
    channel = task_wdt_add(CONFIG_TAKT_WATCHDOG_MS, bite, NULL);
    return channel < 0 ? channel : 0;
}

void takt_watchdog_feed(void)
{
    (void)task_wdt_feed(channel);
}
