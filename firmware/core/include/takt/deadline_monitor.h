/* Deadline monitor: every cycle against its own place on an absolute grid.
 *
 * Releases lie on a grid of one period. A cycle's deadline is the next release. A cycle that ends after its
 * deadline is a miss, and so is every release that passed while a cycle was still running (or before its
 * thread woke up): it is skipped, counted, and never caught up on. The grid is never shifted. */
#ifndef TAKT_DEADLINE_MONITOR_H
#define TAKT_DEADLINE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/histogram.h"

typedef enum {
    TAKT_MISS_OWN_OVERRUN,  /* the cycle's own processor time exceeds the period */
    TAKT_MISS_LATE_RELEASE, /* it started so late that even its own processor time did not fit any more */
    TAKT_MISS_PREEMPTED,    /* it would have fitted, had others not run in between */
    TAKT_MISS_SKIPPED,      /* it never ran */
    TAKT_MISS_CAUSES
} takt_miss_cause_t;

#define TAKT_WINDOW_MAX 128u /* cycles that the window can hold */

typedef struct {
    uint64_t period_ns;
    uint32_t window_cycles; /* at most TAKT_WINDOW_MAX */
    uint32_t miss_limit;    /* misses in the window that mean SAFE */
} takt_deadline_config_t;

typedef struct {
    bool missed;
    takt_miss_cause_t cause;
    uint32_t cycle;      /* place on the grid, from 0 */
    uint64_t release_ns; /* board time at which it should have started */
    uint64_t late_ns;    /* end after the deadline; skipped: until the grid was taken up again */
} takt_miss_t;

typedef struct {
    uint32_t count; /* releases that passed; 0: none */
    uint32_t first; /* grid place of the first */
    uint64_t first_release_ns;
} takt_skipped_t;

typedef struct {
    uint64_t release_ns; /* of the present or last cycle */
    uint64_t start_ns;
    uint64_t start_cpu_ns;
    uint32_t cycle;                    /* grid place of the present or last cycle */
    uint32_t cycles;                   /* that ran */
    bool running;                      /* at least one cycle began */
    uint32_t misses[TAKT_MISS_CAUSES]; /* cumulative */
    uint8_t window[TAKT_WINDOW_MAX];   /* 1: missed; ring over grid places */
    uint32_t window_at;
    uint32_t window_misses;
    takt_histogram_t release_jitter;
    takt_histogram_t execution;
    takt_histogram_t response;
} takt_deadline_monitor_t;

void takt_deadlines_init(takt_deadline_monitor_t *monitor);

/* A cycle released at `release_ns` (on the grid of the first one) starts. `cpu_ns` is the thread's processor
 * time. Returns the releases that were skipped since the last cycle, already counted. */
takt_skipped_t takt_deadlines_begin(takt_deadline_monitor_t *monitor, const takt_deadline_config_t *config,
                                    uint64_t release_ns, uint64_t start_ns, uint64_t cpu_ns);

/* The cycle ends. Where processor time is not known, pass the same clock as for start_ns and end_ns: all that
 * took long then counts as the cycle's own, which is true for a thread that nothing can preempt. */
takt_miss_t takt_deadlines_end(takt_deadline_monitor_t *monitor, const takt_deadline_config_t *config,
                               uint64_t end_ns, uint64_t cpu_ns);

/* The release to wait for: the first one that has not passed at `now_ns`; a cycle that ends exactly on its
 * deadline is in time and so is the next release. */
uint64_t takt_deadlines_next_release(const takt_deadline_monitor_t *monitor,
                                     const takt_deadline_config_t *config, uint64_t now_ns);

bool takt_deadlines_limit_reached(const takt_deadline_monitor_t *monitor,
                                  const takt_deadline_config_t *config);
uint32_t takt_deadlines_missed(const takt_deadline_monitor_t *monitor); /* all causes */
const char *takt_miss_cause_name(takt_miss_cause_t cause);

#endif
