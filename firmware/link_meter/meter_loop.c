/* The meter in real time: pings on an absolute grid, everything that comes in between is taken at once. */
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "meter.h"

#define NS_PER_S 1000000000u
#define RUN_NS   1000000u    /* the client's timers */
#define DRAIN_NS 2000000000u /* without a pong after the last ping: what is not back is lost */

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t takt_meter_now_ns(int64_t drift_ppb)
{
    const uint64_t now_ns = read_clock(CLOCK_MONOTONIC);
    return now_ns + (uint64_t)((int64_t)(now_ns / 1000u) * drift_ppb / 1000000);
}

static void wait_for(int fd, uint64_t until_ns)
{
    const uint64_t now_ns = read_clock(CLOCK_MONOTONIC);
    const uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0u;
    struct timespec limit = {.tv_sec = (time_t)(left_ns / NS_PER_S), .tv_nsec = (long)(left_ns % NS_PER_S)};
    struct pollfd input = {.fd = fd, .events = POLLIN};
    ppoll(&input, 1, &limit, NULL);
}

static void take_input(takt_meter_t *meter, const takt_meter_plan_t *plan)
{
    uint8_t bytes[4096];
    const ssize_t count = read(plan->fd, bytes, sizeof bytes);
    if (count > 0) {
        takt_meter_receive(meter, bytes, (size_t)count, takt_meter_now_ns(plan->drift_ppb));
    }
}

typedef struct {
    takt_meter_clock_t *readings;
    size_t room;
    int64_t shown_ns;
    uint32_t epoch;
} clock_record_t;

/* Between two readings of the truth, so that a pause in the middle does not count as the clock's error. */
static void note_clock(const takt_meter_t *meter, int64_t drift_ppb, clock_record_t *record,
                       takt_meter_result_t *result)
{
    const takt_clock_t *clock = takt_client_clock(&meter->client);
    const int64_t before_ns = (int64_t)read_clock(CLOCK_REALTIME);
    const uint64_t board_ns = takt_meter_now_ns(drift_ppb);
    const int64_t after_ns = (int64_t)read_clock(CLOCK_REALTIME);
    if (!takt_clock_locked(clock, board_ns) || result->clocks >= record->room ||
        after_ns - before_ns > 20000) {
        return;
    }
    const int64_t shown_ns = takt_clock_ros_ns(clock, board_ns);
    result->backward_steps += record->epoch == takt_clock_epoch(clock) && shown_ns < record->shown_ns;
    record->shown_ns = shown_ns;
    record->epoch = takt_clock_epoch(clock);
    record->readings[result->clocks++] = (takt_meter_clock_t){
        .error_ns = shown_ns - before_ns - (after_ns - before_ns) / 2,
        .bound_ns = takt_clock_bound_ns(clock, board_ns),
    };
}

/* As many as the stream and the window take. */
static uint32_t publish_some(takt_meter_t *meter, const takt_meter_plan_t *plan, uint32_t most)
{
    const takt_meter_count_t *count = &meter->counts[plan->reliable != 0 ? 1 : 0];
    const uint64_t open = count->published - count->next;
    if (plan->window != 0) {
        const uint64_t room = open < plan->window ? plan->window - open : 0u;
        most = room < most ? (uint32_t)room : most;
    }
    return takt_meter_publish(meter, plan->reliable != 0, most, plan->size,
                              takt_meter_now_ns(plan->drift_ppb));
}

void takt_meter_loop(takt_meter_t *meter, const takt_meter_plan_t *plan, float *round_trips_us,
                     size_t round_trip_room, takt_meter_clock_t *clocks, size_t clock_room,
                     takt_meter_result_t *result)
{
    const uint64_t start_ns = read_clock(CLOCK_MONOTONIC);
    const takt_meter_count_t *count = &meter->counts[plan->reliable != 0 ? 1 : 0];
    const uint64_t wanted = count->heard + plan->count;
    clock_record_t record = {.readings = clocks, .room = clock_room};
    uint64_t due_ns = start_ns + plan->period_ns;
    uint64_t run_ns = start_ns;
    uint64_t now_ns = start_ns;
    uint64_t moved_ns = start_ns;
    uint64_t heard = count->heard;
    uint32_t sent = 0;
    *result = (takt_meter_result_t){0};
    meter->fd = plan->fd;
    meter->round_trips_us = round_trips_us;
    meter->round_trip_room = round_trip_room;
    meter->round_trip_count = 0;
    while (now_ns - start_ns < plan->limit_ns && (plan->count == 0 || sent < plan->count ||
                                                  (count->heard < wanted && now_ns - moved_ns < DRAIN_NS))) {
        if (sent < plan->count && plan->period_ns == 0) {
            sent += publish_some(meter, plan, plan->count - sent);
        } else if (sent < plan->count && now_ns >= due_ns) {
            due_ns += plan->period_ns;
            sent++;
            takt_meter_publish(meter, plan->reliable != 0, 1, plan->size, takt_meter_now_ns(plan->drift_ppb));
            if (now_ns - start_ns >= plan->clock_from_ns) {
                note_clock(meter, plan->drift_ppb, &record, result);
            }
        }
        if (now_ns >= run_ns) {
            run_ns = now_ns + RUN_NS;
            takt_meter_run(meter, takt_meter_now_ns(plan->drift_ppb));
        }
        const bool paced = plan->period_ns != 0 && sent < plan->count && due_ns < run_ns;
        wait_for(plan->fd, paced ? due_ns : run_ns);
        take_input(meter, plan);
        now_ns = read_clock(CLOCK_MONOTONIC);
        moved_ns = count->heard != heard || sent < plan->count ? now_ns : moved_ns;
        if (heard != count->heard && result->first_pong_ns == 0) {
            result->first_pong_ns = now_ns - start_ns;
        }
        heard = count->heard;
    }
    result->round_trips = meter->round_trip_count;
    result->elapsed_ns = now_ns - start_ns;
    meter->round_trips_us = NULL;
    meter->fd = -1;
}
