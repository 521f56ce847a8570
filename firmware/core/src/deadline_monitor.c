/* Deadline monitor; see takt/deadline_monitor.h. */
#include "takt/deadline_monitor.h"

#include <string.h> /* memset */

void takt_deadlines_init(takt_deadline_monitor_t *monitor)
{
    memset(monitor, 0, sizeof *monitor);
}

static uint64_t since(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

static void note(takt_deadline_monitor_t *monitor, const takt_deadline_config_t *config, bool missed)
{
    uint8_t *oldest = &monitor->window[monitor->window_at];
    monitor->window_misses -= *oldest;
    *oldest = missed ? 1u : 0u;
    monitor->window_misses += *oldest;
    monitor->window_at = monitor->window_at + 1u < config->window_cycles ? monitor->window_at + 1u : 0u;
}

static takt_skipped_t skip_between(takt_deadline_monitor_t *monitor, const takt_deadline_config_t *config,
                                   uint64_t release_ns)
{
    const uint64_t places = since(monitor->release_ns, release_ns) / config->period_ns;
    const takt_skipped_t skipped = {
        .count = places > 1u ? (uint32_t)(places - 1u) : 0u,
        .first = monitor->cycle + 1u,
        .first_release_ns = monitor->release_ns + config->period_ns,
    };
    for (uint32_t n = 0; n < skipped.count && n < config->window_cycles; n++) {
        note(monitor, config, true);
    }
    monitor->misses[TAKT_MISS_SKIPPED] += skipped.count;
    monitor->cycle += (uint32_t)places;
    return skipped;
}

takt_skipped_t takt_deadlines_begin(takt_deadline_monitor_t *monitor, const takt_deadline_config_t *config,
                                    uint64_t release_ns, uint64_t start_ns, uint64_t cpu_ns)
{
    takt_skipped_t skipped = {0};
    if (monitor->running) {
        skipped = skip_between(monitor, config, release_ns);
    }
    monitor->running = true;
    monitor->cycles++;
    monitor->release_ns = release_ns;
    monitor->start_ns = start_ns;
    monitor->start_cpu_ns = cpu_ns;
    takt_histogram_add(&monitor->release_jitter, since(release_ns, start_ns));
    return skipped;
}

/* Whose fault is it? The first of the three whose removal alone could not have been compensated by the
 * others. */
static takt_miss_cause_t find_cause(uint64_t late_start_ns, uint64_t cpu_ns, uint64_t period_ns)
{
    if (cpu_ns > period_ns) {
        return TAKT_MISS_OWN_OVERRUN;
    }
    if (late_start_ns + cpu_ns > period_ns) {
        return TAKT_MISS_LATE_RELEASE;
    }
    return TAKT_MISS_PREEMPTED;
}

takt_miss_t takt_deadlines_end(takt_deadline_monitor_t *monitor, const takt_deadline_config_t *config,
                               uint64_t end_ns, uint64_t cpu_ns)
{
    const uint64_t response_ns = since(monitor->release_ns, end_ns);
    takt_histogram_add(&monitor->execution, since(monitor->start_ns, end_ns));
    takt_histogram_add(&monitor->response, response_ns);

    takt_miss_t miss = {.missed = response_ns > config->period_ns, .cycle = monitor->cycle};
    note(monitor, config, miss.missed);
    if (miss.missed) {
        const uint64_t late_start_ns = since(monitor->release_ns, monitor->start_ns);
        miss.cause = find_cause(late_start_ns, since(monitor->start_cpu_ns, cpu_ns), config->period_ns);
        miss.release_ns = monitor->release_ns;
        miss.late_ns = response_ns - config->period_ns;
        monitor->misses[miss.cause]++;
    }
    return miss;
}

uint64_t takt_deadlines_next_release(const takt_deadline_monitor_t *monitor,
                                     const takt_deadline_config_t *config, uint64_t now_ns)
{
    const uint64_t period_ns = config->period_ns;
    const uint64_t elapsed_ns =
        since(monitor->release_ns, now_ns); /* before the first cycle: since board time 0 */
    const uint64_t places = elapsed_ns / period_ns + (elapsed_ns % period_ns != 0 ? 1u : 0u);
    const uint64_t least = monitor->running ? 1u : 0u; /* a release is not run twice */
    return monitor->release_ns + (places > least ? places : least) * period_ns;
}

bool takt_deadlines_limit_reached(const takt_deadline_monitor_t *monitor,
                                  const takt_deadline_config_t *config)
{
    return monitor->window_misses >= config->miss_limit;
}

uint32_t takt_deadlines_missed(const takt_deadline_monitor_t *monitor)
{
    uint32_t sum = 0;
    for (unsigned cause = 0; cause < TAKT_MISS_CAUSES; cause++) {
        sum += monitor->misses[cause];
    }
    return sum;
}

const char *takt_miss_cause_name(takt_miss_cause_t cause)
{
    static const char *const names[TAKT_MISS_CAUSES] = {"own_overrun", "late_release", "preempted",
                                                        "skipped"};
    return (unsigned)cause < TAKT_MISS_CAUSES ? names[cause] : "unknown";
}
