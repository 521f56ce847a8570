/* Watchdog of the host port: a thread above the control thread that acts when cycles in time stop coming.
 *
 * It counts its own wake-ups since the last feed and not time: when the whole machine stands still both
 * threads do, and nobody is to blame. */
#ifndef TAKT_POSIX_WATCHDOG_H
#define TAKT_POSIX_WATCHDOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TAKT_WATCHDOG_WAKE_MS 10u

typedef struct {
    _Atomic uint32_t feeds;
    atomic_bool stop;
    uint32_t limit_wakes; /* wake-ups without a feed until it bites */
    void (*bite)(void *context);
    void *context;
    pthread_t thread;
} takt_watchdog_t;

/* Bites after `limit_ms` without a feed, once; `bite` runs in the watchdog's thread. 0: no watchdog, true.
 * False: the thread could not be started. */
bool takt_watchdog_start(takt_watchdog_t *watchdog, uint32_t limit_ms, int priority, void (*bite)(void *),
                         void *context);

/* Control thread: a cycle ended in time. */
void takt_watchdog_feed(takt_watchdog_t *watchdog);

void takt_watchdog_stop(takt_watchdog_t *watchdog);

#endif
