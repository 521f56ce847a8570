/* Keeping a value within limits. */
#ifndef TAKT_CLAMP_H
#define TAKT_CLAMP_H

/* `value` kept within `low` to `high`; NaN stays NaN. */
static inline float takt_clamp(float value, float low, float high)
{
    return value < low ? low : (value > high ? high : value);
}

#endif
