/* Real-time scheduling on a host; see realtime.h. */
#include "realtime.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h> /* strerror */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define NS_PER_S 1000000000u

bool takt_lock_memory(void)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) {
        return true;
    }
    fprintf(stderr,
            "warning: memory is not locked (%s); page faults may delay cycles. "
            "Fix: run as root or give the user an unlimited memlock limit\n",
            strerror(errno));
    return false;
}

static int create_fifo(pthread_t *thread, void *(*run)(void *), void *argument, int priority)
{
    pthread_attr_t attributes;
    const struct sched_param parameters = {.sched_priority = priority};
    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
    pthread_attr_setschedparam(&attributes, &parameters);
    const int error = pthread_create(thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return error;
}

bool takt_start_thread(pthread_t *thread, void *(*run)(void *), void *argument, int priority, int *granted)
{
    *granted = priority;
    if (priority > 0) {
        const int error = create_fifo(thread, run, argument, priority);
        if (error == 0) {
            return true;
        }
        fprintf(stderr,
                "warning: SCHED_FIFO %d is not granted (%s); cycles may be late. "
                "Fix: run as root or give the user an rtprio limit of %d\n",
                priority, strerror(error), priority);
    }
    *granted = 0;
    prctl(PR_SET_TIMERSLACK, 1UL); /* inherited; without it normal threads wake 50 us late by design */
    return pthread_create(thread, NULL, run, argument) == 0;
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t takt_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t takt_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void takt_sleep_until(uint64_t at_ns)
{
    const struct timespec time = {.tv_sec = (time_t)(at_ns / NS_PER_S), .tv_nsec = (long)(at_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
    }
}
