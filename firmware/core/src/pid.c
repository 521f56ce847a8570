/* Wheel speed controller; see takt/pid.h. */
#include "takt/pid.h"

#include "takt/clamp.h"

#define TWO_PI 6.28318531f

/* First-order low-pass of the difference quotient, backward Euler: stable for every dt. */
static void filter_acceleration(takt_pid_t *pid, const takt_pid_config_t *config, float measured_rad_s,
                                float dt_s)
{
    if (pid->primed) {
        const float weight = TWO_PI * config->derivative_filter_hz * dt_s;
        const float raw = (measured_rad_s - pid->measured) / dt_s;
        pid->acceleration += (raw - pid->acceleration) * (weight / (1.0f + weight));
    }
    pid->measured = measured_rad_s;
    pid->primed = true;
}

static void compute_terms(takt_pid_t *pid, const takt_pid_config_t *config, float setpoint_rad_s,
                          float error_rad_s)
{
    pid->feed_forward_term = config->feed_forward * setpoint_rad_s;
    pid->proportional_term = config->kp * error_rad_s;
    pid->derivative_term = -config->kd * pid->acceleration;
}

static float sum_but_integral(const takt_pid_t *pid)
{
    return pid->feed_forward_term + pid->proportional_term + pid->derivative_term;
}

void takt_pid_reset(takt_pid_t *pid)
{
    *pid = (takt_pid_t){0};
}

void takt_pid_resume(takt_pid_t *pid, const takt_pid_config_t *config, float setpoint_rad_s,
                     float measured_rad_s, float output)
{
    takt_pid_reset(pid);
    pid->measured = measured_rad_s;
    pid->primed = true;
    pid->output = takt_clamp(output, -config->output_limit, config->output_limit);
    compute_terms(pid, config, setpoint_rad_s, setpoint_rad_s - measured_rad_s);
    pid->integral_term =
        takt_clamp(pid->output - sum_but_integral(pid), -config->output_limit, config->output_limit);
}

float takt_pid_step(takt_pid_t *pid, const takt_pid_config_t *config, float setpoint_rad_s,
                    float measured_rad_s, float dt_s)
{
    const float error = setpoint_rad_s - measured_rad_s;
    filter_acceleration(pid, config, measured_rad_s, dt_s);
    compute_terms(pid, config, setpoint_rad_s, error);

    const float growth = config->ki * error * dt_s;
    const float integral =
        takt_clamp(pid->integral_term + growth, -config->output_limit, config->output_limit);
    const float wish = sum_but_integral(pid) + integral;

    const float step = config->slew_per_s * dt_s;
    const float limited = takt_clamp(wish, -config->output_limit, config->output_limit);
    pid->output = takt_clamp(limited, pid->output - step, pid->output + step);

    /* Committed unless the output is clipped and the growth would push it further into the clip. */
    if (!((wish - pid->output) * growth > 0.0f)) {
        pid->integral_term = integral;
    }
    return pid->output;
}
