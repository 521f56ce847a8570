/* Watchdog of the host port; see watchdog.h. */
#include "watchdog.h"

#include "realtime.h"

#define WAKE_NS (TAKT_WATCHDOG_WAKE_MS * 1000000u)

static void *watch(void *argument)
{
    takt_watchdog_t *watchdog = argument;
    uint32_t seen = atomic_load(&watchdog->feeds);
    uint32_t hungry = 0;
    while (!atomic_load(&watchdog->stop)) {
        takt_sleep_until(takt_monotonic_ns() + WAKE_NS); /* from now: after a stall the others come first */
        const uint32_t feeds = atomic_load(&watchdog->feeds);
        hungry = feeds == seen ? hungry + 1u : 0u;
        seen = feeds;
        if (hungry >= watchdog->limit_wakes && !atomic_load(&watchdog->stop)) {
            watchdog->bite(watchdog->context);
            break;
        }
    }
    return NULL;
}

bool takt_watchdog_start(takt_watchdog_t *watchdog, uint32_t limit_ms, int priority, void (*bite)(void *),
                         void *context)
{
    int granted = 0;
    watchdog->limit_wakes = limit_ms / TAKT_WATCHDOG_WAKE_MS;
    watchdog->bite = bite;
    watchdog->context = context;
    return limit_ms == 0u || takt_start_thread(&watchdog->thread, watch, watchdog, priority, &granted);
}

void takt_watchdog_feed(takt_watchdog_t *watchdog)
{
    atomic_fetch_add(&watchdog->feeds, 1u);
}

void takt_watchdog_stop(takt_watchdog_t *watchdog)
{
    atomic_store(&watchdog->stop, true);
    if (watchdog->limit_wakes != 0u) {
        pthread_join(watchdog->thread, NULL);
    }
}
