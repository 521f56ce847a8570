/* A bare 100 Hz loop: nothing but an absolute sleep. Run beside the firmware at the same or a higher
 * priority, it tells a noisy machine from a slow program.
 *
 *   reference_loop [--fifo PRIORITY] [--seconds N] [--json FILE] [--stalls FILE]
 *
 * Ends after N seconds or on SIGINT or SIGTERM and writes its lateness as JSON to FILE, or to stdout.
 * --stalls: a line for each release that was more than 1 ms late, CLOCK_REALTIME of the release and lateness
 * in ns. */
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h> /* getpid */

#include "realtime.h"
#include "takt/histogram.h"

#define PERIOD_NS 10000000u
#define STALL_NS  1000000u
#define STALLS    4096u

typedef struct {
    takt_histogram_t lateness;
    uint64_t cycles;
    uint64_t skipped;
    uint64_t over_1_ms;
    uint64_t over_10_ms;
    uint64_t until_ns; /* 0: until told */
    struct {
        uint64_t at_ns;
        uint64_t late_ns;
    } stalls[STALLS]; /* the first ones */
    atomic_bool stop;
} loop_t;

static void note(loop_t *loop, uint64_t late_ns)
{
    takt_histogram_add(&loop->lateness, late_ns);
    loop->cycles++;
    if (late_ns > STALL_NS) {
        if (loop->over_1_ms < STALLS) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            const uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
            loop->stalls[loop->over_1_ms].at_ns = now_ns - late_ns;
            loop->stalls[loop->over_1_ms].late_ns = late_ns;
        }
        loop->over_1_ms++;
    }
    loop->over_10_ms += late_ns > PERIOD_NS ? 1u : 0u;
}

static void *run(void *argument)
{
    loop_t *loop = argument;
    uint64_t release_ns = (takt_monotonic_ns() / PERIOD_NS + 1u) * PERIOD_NS;
    while (!atomic_load(&loop->stop) && (loop->until_ns == 0 || release_ns < loop->until_ns)) {
        takt_sleep_until(release_ns);
        const uint64_t now_ns = takt_monotonic_ns();
        const uint64_t late_ns = now_ns > release_ns ? now_ns - release_ns : 0;
        note(loop, late_ns);
        loop->skipped += late_ns / PERIOD_NS;
        release_ns += (late_ns / PERIOD_NS + 1u) * PERIOD_NS;
    }
    kill(getpid(), SIGTERM); /* wakes main when the time is up */
    return NULL;
}

static int write_report(const loop_t *loop, int granted, const char *path)
{
    FILE *out = path != NULL ? fopen(path, "w") : stdout;
    if (out == NULL) {
        fprintf(stderr, "error: %s cannot be written. Fix: name a file in a folder that exists\n", path);
        return 2;
    }
    fprintf(out,
            "{\"period_ms\": 10.0, \"fifo_priority\": %d, \"cycles\": %llu, \"skipped\": %llu, "
            "\"over_1_ms\": %llu, "
            "\"over_10_ms\": %llu, \"lateness_us\": {\"p50\": %.1f, \"p95\": %.1f, \"p99\": %.1f, \"max\": "
            "%.1f}}\n",
            granted, (unsigned long long)loop->cycles, (unsigned long long)loop->skipped,
            (unsigned long long)loop->over_1_ms, (unsigned long long)loop->over_10_ms,
            (double)takt_histogram_quantile_us(&loop->lateness, 0.50f),
            (double)takt_histogram_quantile_us(&loop->lateness, 0.95f),
            (double)takt_histogram_quantile_us(&loop->lateness, 0.99f),
            (double)takt_histogram_max_us(&loop->lateness));
    return out != stdout && fclose(out) != 0 ? 2 : 0;
}

static int write_stalls(const loop_t *loop, const char *path)
{
    FILE *out = path != NULL ? fopen(path, "w") : NULL;
    if (out == NULL) {
        return path != NULL ? 2 : 0;
    }
    for (uint64_t n = 0; n < loop->over_1_ms && n < STALLS; n++) {
        fprintf(out, "%llu %llu\n", (unsigned long long)loop->stalls[n].at_ns,
                (unsigned long long)loop->stalls[n].late_ns);
    }
    return fclose(out) != 0 ? 2 : 0;
}

typedef struct {
    int fifo;
    double seconds;
    const char *json;
    const char *stalls;
} options_t;

static bool parse(int argc, char **argv, options_t *options)
{
    static const struct option table[] = {{"fifo", required_argument, NULL, 'f'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"json", required_argument, NULL, 'j'},
                                          {"stalls", required_argument, NULL, 't'},
                                          {NULL, 0, NULL, 0}};
    int found = 0;
    while ((found = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (found) {
        case 'f':
            options->fifo = atoi(optarg);
            break;
        case 's':
            options->seconds = atof(optarg);
            break;
        case 'j':
            options->json = optarg;
            break;
        case 't':
            options->stalls = optarg;
            break;
        default:
            return false;
        }
    }
    return optind == argc && options->fifo >= 0 && options->fifo <= 99 && options->seconds >= 0.0;
}

int main(int argc, char **argv)
{
    options_t options = {0};
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: reference_loop [--fifo 0..99] [--seconds N] [--json FILE] [--stalls FILE]\n");
        return 2;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    static loop_t loop;
    loop.until_ns = options.seconds > 0.0 ? takt_monotonic_ns() + (uint64_t)(options.seconds * 1e9) : 0u;
    pthread_t thread;
    int granted = 0;
    takt_lock_memory();
    if (!takt_start_thread(&thread, run, &loop, options.fifo, &granted)) {
        fprintf(stderr, "error: no thread could be started. Fix: raise the process limit\n");
        return 2;
    }
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    atomic_store(&loop.stop, true);
    pthread_join(thread, NULL);
    const int told = write_stalls(&loop, options.stalls);
    return told != 0 ? told : write_report(&loop, granted, options.json);
}
