/* Real-time scheduling on a host, as far as it is granted. */
#ifndef TAKT_POSIX_REALTIME_H
#define TAKT_POSIX_REALTIME_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Keeps all memory resident. A refusal is a warning on stderr with the fix, never an end. */
bool takt_lock_memory(void);

/* Starts a thread under SCHED_FIFO at `priority` (0: normal class). Where the right is missing it runs in the
 * normal class, with a warning. Returns false only if no thread could be started. `granted` receives the
 * priority. */
bool takt_start_thread(pthread_t *thread, void *(*run)(void *), void *argument, int priority, int *granted);

uint64_t takt_monotonic_ns(void);
uint64_t takt_thread_cpu_ns(void);

/* Until CLOCK_MONOTONIC reaches `at_ns`; an absolute time, so that lateness never adds up. */
void takt_sleep_until(uint64_t at_ns);

#endif
