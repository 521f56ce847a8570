/* Duty of one wheel to the on-times of its motor driver's two inputs: takt_motor_pulses.
 *
 * Drive and brake in turn ("slow decay"): the input of the wanted direction stays high, the other is low for
 * the duty's share of the period. The motor then sees duty times the supply, in proportion also for small
 * duties. */
#ifndef TAKT_ZEPHYR_MOTOR_PWM_H
#define TAKT_ZEPHYR_MOTOR_PWM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t forward_ns; /* of the period, high */
    uint32_t reverse_ns;
} takt_motor_pulses_t;

/* `duty` -1 to 1, held to it; not a number counts as 0. Not enabled, or duty 0: both inputs high, windings
 * shorted. */
static inline takt_motor_pulses_t takt_motor_pulses(float duty, bool enabled, uint32_t period_ns)
{
    takt_motor_pulses_t pulses = {.forward_ns = period_ns, .reverse_ns = period_ns};
    if (!enabled || !(duty < 0.0f || duty > 0.0f)) {
        return pulses;
    }
    const float size = duty < 0.0f ? -duty : duty;
    const uint32_t low_ns = size >= 1.0f ? period_ns : (uint32_t)(size * (float)period_ns);
    if (duty > 0.0f) {
        pulses.reverse_ns = period_ns - low_ns;
    } else {
        pulses.forward_ns = period_ns - low_ns;
    }
    return pulses;
}

/* `count` carried on to where a counter of 16 or 32 bits now stands; right up to half a turn of the counter
 * between two readings. */
static inline uint32_t takt_count_on(uint32_t count, uint32_t now, bool is_32_bit)
{
    return is_32_bit ? now : count + (uint32_t)(int32_t)(int16_t)(uint16_t)(now - count);
}

#endif
