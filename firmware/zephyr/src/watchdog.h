/* The control loop's watchdog: a task watchdog channel with the hardware watchdog behind it. */
#ifndef TAKT_ZEPHYR_WATCHDOG_H
#define TAKT_ZEPHYR_WATCHDOG_H

/* Starts it; from here on it wants to be fed. 0 or a negative errno. */
int takt_watchdog_start(void);

/* Control thread, after a cycle in time. */
void takt_watchdog_feed(void);

#endif
