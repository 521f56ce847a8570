/* Wheel speed controller: feed-forward and PID of one wheel.
 *
 * Derivative on the measurement, low-pass filtered, so that a new setpoint gives no kick; the integrator
 * moves only while the output is not clipped in the direction in which it would push (conditional
 * anti-windup); output and slew limits. The state keeps the terms, so that telemetry is a copy. */
#ifndef TAKT_PID_H
#define TAKT_PID_H

#include <stdbool.h>

typedef struct {
    float feed_forward;         /* duty per rad/s of setpoint */
    float kp;                   /* duty per rad/s of error */
    float ki;                   /* duty per rad of accumulated error */
    float kd;                   /* duty per rad/s^2 of measured acceleration */
    float derivative_filter_hz; /* corner of the derivative's low-pass */
    float output_limit;         /* largest duty, 0 to 1 */
    float slew_per_s;           /* largest change of duty per s */
} takt_pid_config_t;

typedef struct {
    float feed_forward_term;
    float proportional_term;
    float integral_term;
    float derivative_term;
    float acceleration; /* filtered rate of the measurement, rad/s^2 */
    float measured;     /* of the last step, rad/s */
    float output;       /* duty after all limits */
    bool primed;        /* `measured` holds a value */
} takt_pid_t;

/* Everything zero: output 0, nothing remembered. */
void takt_pid_reset(takt_pid_t *pid);

/* Takes over at `output`, the duty that acts now: the integrator is set such that the next step would give
 * that duty again at this setpoint and measurement. */
void takt_pid_resume(takt_pid_t *pid, const takt_pid_config_t *config, float setpoint_rad_s,
                     float measured_rad_s, float output);

/* One step of dt_s > 0. Returns the duty, at most slew_per_s * dt_s away from the last one. */
float takt_pid_step(takt_pid_t *pid, const takt_pid_config_t *config, float setpoint_rad_s,
                    float measured_rad_s, float dt_s);

#endif
