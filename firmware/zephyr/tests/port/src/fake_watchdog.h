/* A hardware watchdog at the driver API: notes what it is told, and how long it was left alone. */
#ifndef TAKT_FAKE_WATCHDOG_H
#define TAKT_FAKE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/drivers/watchdog.h>

typedef struct {
    struct wdt_timeout_cfg installed;
    bool running;
    unsigned feeds;
    int64_t fed_ms;
} fake_watchdog_t;

const fake_watchdog_t *fake_watchdog(void);

/* A real one would have reset the processor by now. */
bool fake_watchdog_is_over(void);

#endif
