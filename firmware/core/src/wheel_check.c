/* Wheel check; see takt/wheel_check.h. */
#include "takt/wheel_check.h"

#include <math.h> /* fabsf, fmaxf */

#define DITHER_COUNTS 1    /* with one of its two channels gone an encoder still toggles by one */
#define STEADY        0.8f /* not slower than this share of the cycle before: it was not braking */

void takt_wheel_check_reset(takt_wheel_check_t *check)
{
    *check = (takt_wheel_check_t){0};
}

static bool has_moved(takt_wheel_check_t *check, int64_t position_counts)
{
    if (position_counts < check->lowest_counts) {
        check->lowest_counts = position_counts;
    }
    if (position_counts > check->highest_counts) {
        check->highest_counts = position_counts;
    }
    return (check->highest_counts - check->lowest_counts) > DITHER_COUNTS;
}

/* The last cycle may hold counts from before a wire broke, so it is the one before it that must be steady. */
static bool stopped_abruptly(const takt_wheel_check_t *check, const takt_wheel_check_config_t *config)
{
    return (check->recent_rad_s[0] >= config->turning_rad_s) &&
           (check->recent_rad_s[0] >= (STEADY * check->recent_rad_s[1]));
}

static void note_motion(takt_wheel_check_t *check, const takt_wheel_check_config_t *config,
                        int64_t position_counts)
{
    if (has_moved(check, position_counts)) {
        check->lowest_counts = position_counts;
        check->highest_counts = position_counts;
        check->still = false;
    } else if (!check->still) {
        check->still = true;
        check->abrupt = stopped_abruptly(check, config);
    } else {
        /* still as before */
    }
}

static bool is_dead(takt_wheel_check_t *check, const takt_wheel_check_config_t *config,
                    const takt_wheel_view_t *view, float effort)
{
    note_motion(check, config, view->position_counts);
    /* Effort towards the setpoint only: an integrator that still pushes the other way is about to let go. */
    const bool excited = (fabsf(effort) >= config->dead_effort) && ((effort * view->setpoint_rad_s) > 0.0f);
    check->dead = (check->still && excited) ? (check->dead + 1u) : 0u;
    const bool slowed_first = !check->abrupt && (check->peak_rad_s >= config->turning_rad_s);
    return check->dead >= (slowed_first ? config->stall_cycles : config->dead_cycles);
}

static bool is_contrary(takt_wheel_check_t *check, const takt_wheel_check_config_t *config,
                        const takt_wheel_view_t *view, float effort)
{
    const float speed = fabsf(view->speed_rad_s);
    /* Slower ones rock: a robot that hits a wall at top speed is thrown back a little under full duty. */
    const bool against = ((effort * view->speed_rad_s) < 0.0f) &&
                         (fabsf(effort) >= config->contrary_effort) && (speed >= config->turning_rad_s);
    const bool slows = speed < (check->last_rad_s - config->slowing_rad_s);
    check->contrary = (against && !slows) ? (check->contrary + 1u) : 0u;
    return check->contrary >= config->contrary_cycles;
}

static takt_wheel_fault_t judge(takt_wheel_check_t *check, const takt_wheel_check_config_t *config,
                                const takt_wheel_view_t *view)
{
    const float effort = view->duty - (config->feed_forward * view->speed_rad_s);
    const bool dead = is_dead(check, config, view, effort);
    const bool contrary = is_contrary(check, config, view, effort);
    takt_wheel_fault_t fault = TAKT_WHEEL_OK;
    if (dead) {
        fault = check->abrupt ? TAKT_WHEEL_BROKEN_WIRE : TAKT_WHEEL_STALL;
    } else if (contrary) {
        fault =
            ((view->speed_rad_s * view->setpoint_rad_s) < 0.0f) ? TAKT_WHEEL_WRONG_SIGN : TAKT_WHEEL_RUNAWAY;
    } else {
        fault = TAKT_WHEEL_OK;
    }
    return fault;
}

static void remember(takt_wheel_check_t *check, const takt_wheel_check_config_t *config, float speed_rad_s)
{
    check->recent_rad_s[1] = check->recent_rad_s[0];
    check->recent_rad_s[0] = check->last_rad_s;
    check->last_rad_s = fabsf(speed_rad_s);
    check->peak_rad_s = fmaxf(check->last_rad_s, config->peak_decay * check->peak_rad_s);
}

bool takt_wheel_check_step(takt_wheel_check_t *check, const takt_wheel_check_config_t *config,
                           const takt_wheel_view_t *view)
{
    const takt_wheel_fault_t fault = judge(check, config, view);
    remember(check, config, view->speed_rad_s);
    if ((fault != TAKT_WHEEL_OK) && (check->found == TAKT_WHEEL_OK)) {
        check->found = fault;
    }
    return fault != TAKT_WHEEL_OK;
}

const char *takt_wheel_fault_name(takt_wheel_fault_t fault)
{
    static const char *const names[TAKT_WHEEL_FAULTS] = {"ok",         "stall",   "broken_wire",
                                                         "wrong_sign", "runaway", "impossible_speed"};
    return ((unsigned)fault < (unsigned)TAKT_WHEEL_FAULTS) ? names[fault] : "unknown";
}
