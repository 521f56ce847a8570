/* Parameters in flash: what ROS sets outlives the power.
 *
 * An erase stops a processor that runs from the same flash for up to 4 s, far longer than the watchdogs wait:
 * it happens only in takt_parameter_store_open, before they run. A running board appends to what is blank. */
#ifndef TAKT_ZEPHYR_PARAMETER_STORE_H
#define TAKT_ZEPHYR_PARAMETER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/parameters.h"

#ifdef CONFIG_TAKT_PARAMETER_STORE

/* Main thread, before the watchdog starts: restores what was kept (names and values that this contract does
 * not allow are left out) and sees to it that a whole run has blank flash to write to. 0 or a negative errno:
 * then nothing will be kept, which is no reason not to drive. */
int takt_parameter_store_open(takt_parameters_t *parameters);

/* Link thread: keeps the whole set once it has not changed for a second and the board is disarmed. */
void takt_parameter_store_poll(const takt_parameters_t *parameters, bool armed, uint32_t now_ms);

/* Saves that fit without an erase. */
unsigned takt_parameter_store_room(void);

#else /* the board has no flash to write to: parameters live as long as the power */

static inline int takt_parameter_store_open(takt_parameters_t *parameters)
{
    (void)parameters;
    return 0;
}

static inline void takt_parameter_store_poll(const takt_parameters_t *parameters, bool armed, uint32_t now_ms)
{
    (void)parameters;
    (void)armed;
    (void)now_ms;
}

#endif
#endif
