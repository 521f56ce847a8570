/* The wheel controller alone, for measurements of its quality from Python: takt_wheel_loop_*. */
#include <stddef.h>

#include "takt/control_tick.h"

typedef struct {
    takt_pid_config_t config;
    takt_pid_t pid;
} takt_wheel_loop_t;

/* Exported functions; there is no other C caller, so no header. */
size_t takt_wheel_loop_size(void);
void takt_wheel_loop_init(takt_wheel_loop_t *loop, float feed_forward, float kp, float ki, float kd);
void takt_wheel_loop_resume(takt_wheel_loop_t *loop, float setpoint_rad_s, float measured_rad_s,
                            float output);
float takt_wheel_loop_step(takt_wheel_loop_t *loop, float setpoint_rad_s, float measured_rad_s, float dt_s);

size_t takt_wheel_loop_size(void)
{
    return sizeof(takt_wheel_loop_t);
}

/* The contract's limits with these gains. */
void takt_wheel_loop_init(takt_wheel_loop_t *loop, float feed_forward, float kp, float ki, float kd)
{
    loop->config = takt_control_config_from_contract().wheel;
    loop->config.feed_forward = feed_forward;
    loop->config.kp = kp;
    loop->config.ki = ki;
    loop->config.kd = kd;
    takt_pid_reset(&loop->pid);
}

void takt_wheel_loop_resume(takt_wheel_loop_t *loop, float setpoint_rad_s, float measured_rad_s, float output)
{
    takt_pid_resume(&loop->pid, &loop->config, setpoint_rad_s, measured_rad_s, output);
}

float takt_wheel_loop_step(takt_wheel_loop_t *loop, float setpoint_rad_s, float measured_rad_s, float dt_s)
{
    return takt_pid_step(&loop->pid, &loop->config, setpoint_rad_s, measured_rad_s, dt_s);
}
