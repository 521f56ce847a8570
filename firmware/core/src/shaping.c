/* Setpoint shaping; see takt/shaping.h. */
#include "takt/shaping.h"

#include <math.h> /* fabsf, sqrtf, copysignf */

#include "takt/clamp.h"

static float within(float value, float limit)
{
    return takt_clamp(value, -limit, limit);
}

/* The largest rate towards the wish from which the rate can still be brought to zero, jerk limited, just when
 * the wish is reached. A rate r that falls by j*dt each step travels r^2/(2j) + r*dt/2 on a grid of dt;
 * solved for r. Never more than closes the error within this step. */
static float approach_rate(float error, const takt_axis_limits_t *limits, float dt_s)
{
    const float half_step = 0.5f * limits->jerk * dt_s;
    const float distance = fabsf(error);
    float rate = sqrtf(half_step * half_step + 2.0f * limits->jerk * distance) - half_step;
    if (rate > distance / dt_s) {
        rate = distance / dt_s;
    }
    return copysignf(rate > limits->acceleration ? limits->acceleration : rate, error);
}

float takt_axis_follow(takt_axis_t *axis, const takt_axis_limits_t *limits, float wish, float dt_s)
{
    const float error = within(wish, limits->speed) - axis->value;
    const float change = approach_rate(error, limits, dt_s) - axis->rate;
    axis->rate = within(axis->rate + within(change, limits->jerk * dt_s), limits->acceleration);
    axis->value = within(axis->value + axis->rate * dt_s, limits->speed);
    return axis->value;
}

float takt_axis_stop(takt_axis_t *axis, const takt_axis_limits_t *limits, float dt_s)
{
    const float step = limits->stop_rate * dt_s;
    axis->rate = 0.0f; /* a resumed command starts from here, at rest in the rate: no jump */
    /* A hair more than a step: rounding must not cost the ramp a further cycle. */
    axis->value = fabsf(axis->value) <= 1.001f * step ? 0.0f : axis->value - copysignf(step, axis->value);
    return axis->value;
}
