/* Drives two boards in memory with random input of every kind; built with sanitizers. Checks what must hold
 * whatever comes: no duty without arming, duty within limits and finite, commands never from beyond the gate.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../firmware/twin/twin.c"

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t below(uint64_t limit)
{
    return next_random() % limit;
}

static void require(bool holds, const char *what, unsigned step)
{
    if (!holds) {
        fprintf(stderr, "step %u: %s\n", step, what);
        exit(1);
    }
}

/* Commands and requests go in behind the link, so that the control side sees far more of them than a line
 * brings. */
static void push_orders(takt_twin_t *twin)
{
    static const float odd[] = {0.0f, 0.8f, -0.8f, 7.9f, 1e30f, -1e-30f, NAN, INFINITY, -INFINITY};
    takt_orders_t *orders = &twin->board.next_orders;
    orders->command.sequence++;
    orders->command.received_ns = twin->now_ns + below(3) - 1u;
    orders->command.speed_m_s = odd[below(9)];
    orders->command.yaw_rate_rad_s = odd[below(9)];
    orders->command.stamp_ns = (int64_t)(below(4) == 0 ? next_random() : 1000000000000u + twin->now_ns);
    orders->requests.newest[below(TAKT_REQUEST_COUNT)] = ++twin->board.request_count;
    takt_orders_t *slot = &twin->board.orders[twin->board.orders_exchange.writing];
    *slot = *orders;
    slot->agent_heard = below(50) != 0;
    slot->agent_heard_ns = twin->now_ns;
    slot->clock = (takt_clock_t){.anchor_board_ns = twin->now_ns,
                                 .anchor_ros_ns = (int64_t)(1000000000000u + twin->now_ns),
                                 .accepted_board_ns = twin->now_ns,
                                 .half_round_trip_ns = 100000,
                                 .epoch = 1,
                                 .exchanges = (uint8_t)(below(20) == 0 ? 0u : 200u)};
    takt_exchange_publish(&twin->board.orders_exchange);
}

static void check(const takt_twin_t *twin, unsigned step)
{
    const takt_drive_t *drive = &twin->drive;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        require(isfinite(drive->duty[wheel]) && fabsf(drive->duty[wheel]) <= TAKT_CONTROL_DUTY_LIMIT, "duty",
                step);
        require(drive->armed || drive->duty[wheel] == 0.0f, "duty without arming", step);
        require(isfinite(drive->setpoint_rad_s[wheel]) &&
                    fabsf(drive->setpoint_rad_s[wheel]) <= 1.001f * TAKT_LIMITS_WHEEL_SPEED_RAD_S,
                "setpoint", step);
    }
    require(drive->armed == drive->driver_enabled, "driver", step);
    require(drive->armed == (drive->rung != TAKT_RUNG_SAFE), "rung", step);
}

int main(int argc, char **argv)
{
    const unsigned steps = argc > 1 ? (unsigned)atoi(argv[1]) : 20000u;
    static takt_twin_t twins[2];
    static _Alignas(8) takt_ledger_store_t stores[2];
    const uint32_t miss_limits[2] = {0,
                                     90}; /* the contract's trips all the time here; the other one drives */
    unsigned armed = 0;
    for (unsigned n = 0; n < 2; n++) {
        takt_twin_init(&twins[n], &stores[n], 1u + n, 255, false, miss_limits[n], 0, n);
    }
    for (unsigned step = 0; step < steps; step++) {
        const unsigned n = (unsigned)below(2);
        takt_twin_t *twin = &twins[n];
        uint8_t noise[300];
        for (size_t i = 0; i < sizeof noise; i++) {
            noise[i] = (uint8_t)(below(8) == 0 ? 0x7E : next_random());
        }
        takt_twin_feed_link(twin, noise, below(sizeof noise));
        if (below(10) != 0) {
            const bool wild = below(200) == 0;
            takt_twin_set_encoders(twin, (int32_t)(wild ? next_random() : step), (int32_t)step,
                                   twin->now_ns + below(5), twin->now_ns, 12000, below(2000) == 0,
                                   below(2000) == 0);
        }
        if (below(3) != 0) {
            push_orders(twin);
        }
        const uint64_t release = takt_twin_next_release(twin, twin->now_ns);
        const uint64_t late = below(50) == 0 ? below(40000000) : below(1000);
        takt_twin_control_cycle(twin, release, release + late, below(100) == 0 ? below(30000000) : 0,
                                below(20000000));
        check(twin, step);
        armed += twin->drive.armed ? 1u : 0u;
        takt_twin_link_poll(twin, twin->now_ns + below(1000000));
        takt_twin_take_link(twin, noise, sizeof noise);
        takt_twin_confirm(twin, below(5) == 0
                                    ? next_random()
                                    : ((uint64_t)twin->board.ledger.boot_count << 32) + below(step + 1u));
        if (below(3000) == 0) {
            takt_twin_init(twin, &stores[n], 1u + n, 255, below(4) == 0, miss_limits[n], twin->now_ns, n);
        }
    }
    require(armed > steps / 20u, "the boards were hardly ever armed: nothing was tried", steps);
    printf("armed in %u of %u cycles\n", armed, steps);
    return 0;
}
