/* A set of parameter values into the control configuration; see takt/tuning.h. */
#include "takt/tuning.h"

#include <math.h>   /* fabsf */
#include <string.h> /* memcmp */

#define AT_ZERO_RAD_S 0.02f /* shaping nears its wish asymptotically; 1 mm/s at the rim */

takt_motion_t takt_tuning_motion(bool armed, const takt_outputs_t *outputs)
{
    bool at_zero = true;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        at_zero = at_zero && fabsf(outputs->setpoint_rad_s[wheel]) < AT_ZERO_RAD_S;
    }
    const bool turning = (outputs->conditions & TAKT_CONDITION_WHEELS_TURNING) != 0;
    return (takt_motion_t){.armed = armed, .standing = at_zero && !turning};
}

void takt_tuning_init(takt_tuning_t *tuning)
{
    tuning->version = 0;
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        tuning->values[i] = (float)takt_parameter_table[i].value;
    }
}

bool takt_tuning_may_change(uint8_t change, takt_motion_t motion)
{
    switch (change) {
    case TAKT_CHANGE_ALWAYS:
        return true;
    case TAKT_CHANGE_STANDING:
        return !motion.armed || motion.standing;
    case TAKT_CHANGE_DISARMED:
        return !motion.armed;
    default:
        return false;
    }
}

static bool differs(const takt_tuning_t *present, const takt_tuning_t *wanted, unsigned parameter)
{
    return memcmp(&present->values[parameter], &wanted->values[parameter], sizeof(float)) != 0;
}

/* Top speed and ramp belong together: from a lower top speed the stop ramp takes as long as ever. */
static void tune_axis(takt_axis_limits_t *axis, float speed, float acceleration, float jerk)
{
    axis->speed = speed;
    axis->acceleration = acceleration;
    axis->jerk = jerk;
    axis->stop_rate = speed / ((float)TAKT_SAFETY_STOP_RAMP_MS * 1e-3f);
}

static void apply(const float *values, takt_control_config_t *config)
{
    takt_pid_config_t *wheel = &config->wheel;
    wheel->feed_forward = values[TAKT_PARAMETER_CONTROL_FEED_FORWARD_PER_RAD_S];
    wheel->kp = values[TAKT_PARAMETER_CONTROL_KP_PER_RAD_S];
    wheel->ki = values[TAKT_PARAMETER_CONTROL_KI_PER_RAD];
    wheel->kd = values[TAKT_PARAMETER_CONTROL_KD_S_PER_RAD];
    wheel->derivative_filter_hz = values[TAKT_PARAMETER_CONTROL_DERIVATIVE_FILTER_HZ];
    wheel->output_limit = values[TAKT_PARAMETER_CONTROL_DUTY_LIMIT];
    wheel->slew_per_s = values[TAKT_PARAMETER_CONTROL_DUTY_SLEW_PER_S];
    tune_axis(&config->forward, values[TAKT_PARAMETER_LIMITS_SPEED_M_S],
              values[TAKT_PARAMETER_LIMITS_ACCELERATION_M_S2], values[TAKT_PARAMETER_LIMITS_JERK_M_S3]);
    tune_axis(&config->yaw, values[TAKT_PARAMETER_LIMITS_YAW_RATE_RAD_S],
              values[TAKT_PARAMETER_LIMITS_YAW_ACCELERATION_RAD_S2],
              values[TAKT_PARAMETER_LIMITS_YAW_JERK_RAD_S3]);
    config->kinematics.wheel_speed_limit_rad_s = values[TAKT_PARAMETER_LIMITS_WHEEL_SPEED_RAD_S];
}

bool takt_tuning_take(takt_tuning_t *present, const takt_tuning_t *wanted, takt_motion_t motion,
                      takt_control_config_t *config)
{
    if (wanted->version == present->version) {
        return false;
    }
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        if (differs(present, wanted, i) && !takt_tuning_may_change(takt_parameter_table[i].change, motion)) {
            return false;
        }
    }
    *present = *wanted;
    apply(present->values, config);
    return true;
}
