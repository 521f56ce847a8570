/* ROS time on the board (takt/clock.h).
 *
 * Each exchange says that ROS time minus board time was, at its middle, within half its round trip of its
 * offset. The accepted exchange is the one whose statement, widened by the drift limit times its age, is the
 * tightest: a slow or lopsided exchange widens the bound and does not move the clock. The drift comes from a
 * weighted regression over the best exchange of each interval; it counts only as far as it stands out of its
 * own uncertainty. */
#include "takt/clock.h"

#include <stddef.h>

#include "takt_contract.h"

#define NS_PER_MS       1000000
#define DRIFT_LIMIT_PPB ((int32_t)(TAKT_LINK_CLOCK_DRIFT_LIMIT_PPM)*1000)
#define BOUND_LIMIT_NS  ((uint64_t)(TAKT_LINK_CLOCK_BOUND_LIMIT_MS)*NS_PER_MS)
#define SLEW_DIVISOR    1000      /* corrections enter at 1000 ppm */
#define SLOWEST_NS      200000000 /* half a round trip beyond this teaches nothing */
#define LOCK_EXCHANGES  4u        /* consistent exchanges that an epoch needs before it is trusted */
#define POINT_MS        2000u     /* interval of the regression's points */
#define STALE_POINT_MS  60000u    /* a longer silence starts the regression anew */
#define INVERSE_ROUNDS  5u        /* a day away: 90 s, 0.1 s, 0.1 ms, 0.1 us, 0 */
#define POINT_NOISE_US  50.0f     /* of an exchange with the smallest round trip */

/* What a rate of `ppb` makes of `interval_ns`; in microseconds so that days do not overflow. */
static int64_t scaled(int64_t interval_ns, int32_t ppb)
{
    return interval_ns / 1000 * ppb / 1000000;
}

static int64_t slewed(const takt_clock_t *clock, int64_t since_anchor_ns)
{
    const int64_t most = since_anchor_ns > 0 ? since_anchor_ns / SLEW_DIVISOR : 0;
    if (clock->correction_ns > most) {
        return most;
    }
    return clock->correction_ns < -most ? -most : clock->correction_ns;
}

int64_t takt_clock_ros_ns(const takt_clock_t *clock, uint64_t board_ns)
{
    const int64_t elapsed_ns = (int64_t)(board_ns - clock->anchor_board_ns);
    return clock->anchor_ros_ns + elapsed_ns + scaled(elapsed_ns, clock->drift_ppb) +
           slewed(clock, elapsed_ns);
}

/* Each round leaves at most 1100 ppm of the error: slew and drift. */
uint64_t takt_clock_board_ns(const takt_clock_t *clock, int64_t ros_ns)
{
    uint64_t board_ns = clock->anchor_board_ns + (uint64_t)(ros_ns - clock->anchor_ros_ns);
    for (unsigned round = 0; round < INVERSE_ROUNDS; round++) {
        board_ns -= (uint64_t)(takt_clock_ros_ns(clock, board_ns) - ros_ns);
    }
    return board_ns;
}

/* Half the round trip of the accepted exchange, widened by its age. */
static uint64_t statement_bound(const takt_clock_t *clock, uint64_t board_ns)
{
    const int64_t age_ns = (int64_t)(board_ns - clock->accepted_board_ns);
    return clock->half_round_trip_ns + (uint64_t)scaled(age_ns > 0 ? age_ns : -age_ns, DRIFT_LIMIT_PPB);
}

uint64_t takt_clock_bound_ns(const takt_clock_t *clock, uint64_t board_ns)
{
    if (clock->exchanges == 0) {
        return UINT64_MAX;
    }
    const int64_t left_ns =
        clock->correction_ns - slewed(clock, (int64_t)(board_ns - clock->anchor_board_ns));
    return statement_bound(clock, board_ns) + (uint64_t)(left_ns > 0 ? left_ns : -left_ns);
}

bool takt_clock_locked(const takt_clock_t *clock, uint64_t now_ns)
{
    return clock->exchanges >= LOCK_EXCHANGES && !clock->suspect &&
           takt_clock_bound_ns(clock, now_ns) < BOUND_LIMIT_NS;
}

uint32_t takt_clock_epoch(const takt_clock_t *clock)
{
    return clock->epoch;
}

void takt_clock_filter_init(takt_clock_filter_t *filter)
{
    *filter = (takt_clock_filter_t){0};
}

/* ---- drift
 * --------------------------------------------------------------------------------------------------- */

typedef struct {
    float weight, time, offset; /* sums of w, w t, w y */
    float time_time, time_offset;
} sums_t;

static uint32_t smallest_half_round_trip(const takt_clock_filter_t *filter)
{
    uint32_t smallest = UINT32_MAX;
    for (unsigned i = 0; i < filter->point_count; i++) {
        const uint32_t half = filter->points[i].half_round_trip_ns;
        smallest = half < smallest ? half : smallest;
    }
    return smallest;
}

/* Weighted sums over the points: t in s before the newest point, y in us. A point is as uncertain as its
 * round trip exceeds the smallest one. */
static sums_t weigh_points(const takt_clock_filter_t *filter)
{
    sums_t sums = {0};
    const uint32_t smallest = smallest_half_round_trip(filter);
    const uint32_t newest_ms = filter->points[filter->point_count - 1u].board_ms;
    for (unsigned i = 0; i < filter->point_count; i++) {
        const takt_clock_point_t *point = &filter->points[i];
        const float sigma_us = POINT_NOISE_US + (float)(point->half_round_trip_ns - smallest) * 1e-3f;
        const float weight = 1.0f / (sigma_us * sigma_us);
        const float time_s = (float)(int32_t)(point->board_ms - newest_ms) * 1e-3f;
        const float offset_us = (float)point->offset_ns * 1e-3f;
        sums.weight += weight;
        sums.time += weight * time_s;
        sums.offset += weight * offset_us;
        sums.time_time += weight * time_s * time_s;
        sums.time_offset += weight * time_s * offset_us;
    }
    return sums;
}

/* Slope of the points in ppb, shrunk by its uncertainty (two sigma) and held within the drift limit. */
static int32_t regress(const takt_clock_filter_t *filter, int32_t fallback_ppb)
{
    if (filter->point_count < 3) {
        return fallback_ppb;
    }
    const sums_t sums = weigh_points(filter);
    const float spread = sums.time_time - sums.time * sums.time / sums.weight;
    const float slope_ppm = (sums.time_offset - sums.time * sums.offset / sums.weight) / spread;
    const float certainty = 1.0f - 4.0f / (spread * slope_ppm * slope_ppm);
    if (!(certainty > 0.0f)) {
        return 0;
    }
    const float ppb = slope_ppm * certainty * 1e3f;
    if (ppb > (float)DRIFT_LIMIT_PPB) {
        return DRIFT_LIMIT_PPB;
    }
    return ppb < (float)-DRIFT_LIMIT_PPB ? -DRIFT_LIMIT_PPB : (int32_t)ppb;
}

/* Offsets count from the newest point on, so that they stay small. */
static void rebase(takt_clock_filter_t *filter, int64_t offset_ns)
{
    const int64_t moved_ns = offset_ns - filter->base_offset_ns;
    for (unsigned i = 0; i < filter->point_count; i++) {
        filter->points[i].offset_ns = (int32_t)(filter->points[i].offset_ns - moved_ns);
    }
    filter->base_offset_ns = offset_ns;
}

static void append_point(takt_clock_filter_t *filter, takt_clock_point_t point, int64_t offset_ns)
{
    if (filter->point_count == TAKT_CLOCK_POINTS) {
        for (unsigned i = 1; i < TAKT_CLOCK_POINTS; i++) {
            filter->points[i - 1u] = filter->points[i];
        }
        filter->point_count--;
    }
    rebase(filter, offset_ns);
    point.offset_ns = 0;
    filter->points[filter->point_count++] = point;
    filter->interval_start_ms = point.board_ms;
}

static void record_point(takt_clock_filter_t *filter, uint64_t board_ns, int64_t offset_ns, uint32_t half_ns)
{
    takt_clock_point_t point = {.board_ms = (uint32_t)(board_ns / NS_PER_MS), .half_round_trip_ns = half_ns};
    const uint32_t since_ms = point.board_ms - filter->interval_start_ms;
    if (since_ms > STALE_POINT_MS) {
        filter->point_count = 0;
    }
    if (filter->point_count == 0 || since_ms >= POINT_MS) {
        append_point(filter, point, offset_ns);
    } else if (half_ns < filter->points[filter->point_count - 1u].half_round_trip_ns) {
        point.offset_ns = (int32_t)(offset_ns - filter->base_offset_ns);
        filter->points[filter->point_count - 1u] = point;
    }
}

/* ---- offset
 * -------------------------------------------------------------------------------------------------- */

static int64_t predicted_offset(const takt_clock_filter_t *filter, uint64_t board_ns)
{
    const takt_clock_t *clock = &filter->clock;
    return filter->accepted_offset_ns +
           scaled((int64_t)(board_ns - clock->accepted_board_ns), clock->drift_ppb);
}

static bool contradicts(const takt_clock_filter_t *filter, uint64_t middle_ns, int64_t offset_ns,
                        uint32_t half_ns)
{
    const int64_t difference_ns = offset_ns - predicted_offset(filter, middle_ns);
    const uint64_t apart_ns = (uint64_t)(difference_ns > 0 ? difference_ns : -difference_ns);
    return apart_ns > half_ns + statement_bound(&filter->clock, middle_ns);
}

static void start_epoch(takt_clock_filter_t *filter)
{
    const takt_clock_t old = filter->clock;
    filter->clock = (takt_clock_t){.epoch = old.epoch + 1u, .drift_ppb = old.drift_ppb};
    filter->point_count = 0;
}

/* Bends the line towards the accepted exchange without a step. Before the lock it may step; and where only
 * the slewing of a large correction would keep the clock from use, which is what remains of a start on a slow
 * line, it steps into a new epoch. */
static void aim(takt_clock_filter_t *filter, uint64_t now_ns)
{
    takt_clock_t *clock = &filter->clock;
    const int64_t shown_ns = takt_clock_ros_ns(clock, now_ns);
    clock->drift_ppb = regress(filter, clock->drift_ppb);
    const int64_t target_ns = (int64_t)now_ns + predicted_offset(filter, now_ns);
    const int64_t left_ns = target_ns - shown_ns;
    const uint64_t known_ns = statement_bound(clock, now_ns);
    const bool far = known_ns < BOUND_LIMIT_NS &&
                     known_ns + (uint64_t)(left_ns > 0 ? left_ns : -left_ns) >= BOUND_LIMIT_NS;
    const bool begun = clock->exchanges >= LOCK_EXCHANGES;
    const bool slew = begun && !far;
    if (begun && far) {
        clock->epoch++;
    }
    clock->anchor_board_ns = now_ns;
    clock->anchor_ros_ns = slew ? shown_ns : target_ns;
    clock->correction_ns = slew ? left_ns : 0;
}

static void take_exchange(takt_clock_filter_t *filter, uint64_t middle_ns, int64_t offset_ns,
                          uint32_t half_ns, uint64_t now_ns)
{
    takt_clock_t *clock = &filter->clock;
    if (clock->exchanges > 0 && contradicts(filter, middle_ns, offset_ns, half_ns)) {
        if (!clock->suspect) {
            clock->suspect = true;
            return;
        }
        clock->exchanges = 0;
    }
    clock->suspect = false;
    if (clock->exchanges == 0) {
        start_epoch(filter);
    }
    if (clock->exchanges == 0 || half_ns <= statement_bound(clock, middle_ns)) {
        record_point(filter, middle_ns, offset_ns, half_ns);
        filter->accepted_offset_ns = offset_ns;
        clock->accepted_board_ns = middle_ns;
        clock->half_round_trip_ns = half_ns;
    }
    aim(filter, now_ns);
    clock->exchanges = (uint8_t)(clock->exchanges < UINT8_MAX ? clock->exchanges + 1 : UINT8_MAX);
}

void takt_clock_filter_exchange(takt_clock_filter_t *filter, uint64_t sent_ns, int64_t agent_receive_ns,
                                int64_t agent_transmit_ns, uint64_t received_ns)
{
    const int64_t round_trip_ns = (int64_t)(received_ns - sent_ns);
    const int64_t held_ns = agent_transmit_ns - agent_receive_ns;
    if (round_trip_ns < 0 || held_ns < 0 || held_ns > round_trip_ns ||
        (round_trip_ns - held_ns) / 2 > SLOWEST_NS) {
        filter->rejected++;
        return;
    }
    const int64_t out_ns = agent_receive_ns - (int64_t)sent_ns;
    const int64_t back_ns = agent_transmit_ns - (int64_t)received_ns;
    take_exchange(filter, sent_ns + (uint64_t)round_trip_ns / 2u, out_ns + (back_ns - out_ns) / 2,
                  (uint32_t)((round_trip_ns - held_ns) / 2), received_ns);
}
