/* The status LED: what a person beside the robot can see without a screen. Link thread.
 *   steady: driving may happen (NOMINAL)   slow blink: slowed or holding (REDUCED, HOLD)
 *   short flash once a second: disarmed (SAFE)   fast blink: a fault waits for clear_fault */
#ifndef TAKT_ZEPHYR_STATUS_LED_H
#define TAKT_ZEPHYR_STATUS_LED_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/safety.h"

/* Whether the light is on at `now_ms`. */
static inline bool takt_status_led_is_on(const takt_safety_t *safety, uint32_t now_ms)
{
    if (safety->fault != TAKT_CAUSE_NONE) {
        return now_ms % 200u < 100u;
    }
    switch (safety->rung) {
    case TAKT_RUNG_NOMINAL:
        return true;
    case TAKT_RUNG_SAFE:
        return now_ms % 1000u < 50u;
    default:
        return now_ms % 1000u < 500u;
    }
}

/* A board without a led0 alias has no status LED; 0 or a negative errno. */
int takt_status_led_open(void);
void takt_status_led_show(const takt_safety_t *safety, uint32_t now_ms);

#endif
