/* Setpoint shaping: speed, acceleration and jerk limits of one axis, and the stop ramp.
 *
 * An axis is the forward speed (m, m/s^2, ...) or the yaw rate (rad, ...); the maths is the same. */
#ifndef TAKT_SHAPING_H
#define TAKT_SHAPING_H

typedef struct {
    float speed;        /* largest magnitude of the setpoint, per s */
    float acceleration; /* per s^2 */
    float jerk;         /* per s^3; comfort only */
    float stop_rate;    /* deceleration of the stop ramp, per s^2: speed / stop_ramp */
} takt_axis_limits_t;

typedef struct {
    float value; /* the setpoint */
    float rate;  /* its present rate of change */
} takt_axis_t;

/* Moves the setpoint towards `wish` within all limits; returns the new setpoint. `dt_s` > 0. */
float takt_axis_follow(takt_axis_t *axis, const takt_axis_limits_t *limits, float wish, float dt_s);

/* The board's own reaction to a lost command: straight to zero at stop_rate, exempt from the jerk limit.
 * From top speed it takes the stop ramp's time, from less it takes less. */
float takt_axis_stop(takt_axis_t *axis, const takt_axis_limits_t *limits, float dt_s);

#endif
