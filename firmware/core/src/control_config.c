/* takt_control_config_from_contract: the contract's numbers as the control tick wants them. */
#include "takt/control_tick.h"
#include "takt_contract.h"

#define TWO_PI      6.28318531f
#define NS_PER_MS   1000000u
#define ABSURD      10.0f /* a wish this many times above a limit is garbage */
#define CYCLES(ms)  ((uint32_t)(ms) * (uint32_t)TAKT_CONTROL_RATE_HZ / 1000u)
#define IMPLAUSIBLE 4.0f /* a wheel never turns this many times faster than its limit */

static takt_axis_limits_t axis(float speed, float acceleration, float jerk)
{
    const float stop_s = (float)TAKT_SAFETY_STOP_RAMP_MS * 1e-3f;
    const takt_axis_limits_t limits = {speed, acceleration, jerk, speed / stop_s};
    return limits;
}

static takt_pid_config_t wheel(void)
{
    const takt_pid_config_t config = {
        .feed_forward = TAKT_CONTROL_FEED_FORWARD_PER_RAD_S,
        .kp = TAKT_CONTROL_KP_PER_RAD_S,
        .ki = TAKT_CONTROL_KI_PER_RAD,
        .kd = TAKT_CONTROL_KD_S_PER_RAD,
        .derivative_filter_hz = TAKT_CONTROL_DERIVATIVE_FILTER_HZ,
        .output_limit = TAKT_CONTROL_DUTY_LIMIT,
        .slew_per_s = TAKT_CONTROL_DUTY_SLEW_PER_S,
    };
    return config;
}

static takt_encoder_config_t encoder(void)
{
    const uint64_t period_ns = 1000000000u / TAKT_CONTROL_RATE_HZ;
    const takt_encoder_config_t config = {
        .rad_per_count = TWO_PI / (float)TAKT_ROBOT_ENCODER_COUNTS_PER_REV,
        .window_ns = period_ns - period_ns / 5u, /* uneven arrival makes some gaps shorter than a period */
        .gap_ns = 20u * period_ns,
        .implausible_rad_s = IMPLAUSIBLE * TAKT_LIMITS_WHEEL_SPEED_RAD_S,
        .implausible_limit = 3u,
        .silent_cycles = 6u, /* the sixth cycle without a sample: more than 50 ms at 100 Hz */
    };
    return config;
}

static takt_wheel_check_config_t check(void)
{
    const float slowest_m_s2 = TAKT_LIMITS_ACCELERATION_M_S2 / TAKT_ROBOT_WHEEL_RADIUS_M;
    const takt_wheel_check_config_t config = {
        .feed_forward = TAKT_CONTROL_FEED_FORWARD_PER_RAD_S,
        .dead_effort = TAKT_SAFETY_ENCODER_DEAD_DUTY,
        .contrary_effort = TAKT_SAFETY_ENCODER_CONTRARY_DUTY,
        .slowing_rad_s = slowest_m_s2 / (float)TAKT_CONTROL_RATE_HZ,
        .turning_rad_s = 1.0f,
        .dead_cycles = CYCLES(TAKT_SAFETY_ENCODER_FAULT_MS),
        .stall_cycles = CYCLES(500u),
        .peak_decay = 0.97f,
        .contrary_cycles = CYCLES(TAKT_SAFETY_ENCODER_FAULT_MS) / 2u,
    };
    return config;
}

static takt_supply_config_t supply(void)
{
    const takt_supply_config_t config = {
        .low_mv = TAKT_SAFETY_SUPPLY_LOW_MV,
        .brown_out_mv = TAKT_SAFETY_SUPPLY_BROWN_OUT_MV,
        .low_cycles = CYCLES(1000u),
        .brown_out_cycles = CYCLES(100u),
    };
    return config;
}

takt_control_config_t takt_control_config_from_contract(void)
{
    const takt_control_config_t config = {
        .period_s = 1.0f / (float)TAKT_CONTROL_RATE_HZ,
        .link_silence_ns = (uint64_t)TAKT_SAFETY_LINK_SILENCE_MS * NS_PER_MS,
        .gate = {.max_age_ns = (uint64_t)TAKT_TOPICS_CMD_VEL_MAX_AGE_MS * NS_PER_MS,
                 .silence_ns = (uint64_t)TAKT_SAFETY_COMMAND_SILENCE_MS * NS_PER_MS,
                 .bound_limit_ns = (uint64_t)TAKT_LINK_CLOCK_BOUND_LIMIT_MS * NS_PER_MS,
                 .speed_absurd_m_s = ABSURD * TAKT_LIMITS_SPEED_M_S,
                 .yaw_rate_absurd_rad_s = ABSURD * TAKT_LIMITS_YAW_RATE_RAD_S},
        .forward = axis(TAKT_LIMITS_SPEED_M_S, TAKT_LIMITS_ACCELERATION_M_S2, TAKT_LIMITS_JERK_M_S3),
        .yaw = axis(TAKT_LIMITS_YAW_RATE_RAD_S, TAKT_LIMITS_YAW_ACCELERATION_RAD_S2,
                    TAKT_LIMITS_YAW_JERK_RAD_S3),
        .kinematics = {.wheel_radius_m = TAKT_ROBOT_WHEEL_RADIUS_M,
                       .wheel_separation_m = TAKT_ROBOT_WHEEL_SEPARATION_M,
                       .wheel_speed_limit_rad_s = TAKT_LIMITS_WHEEL_SPEED_RAD_S},
        .encoder = encoder(),
        .wheel = wheel(),
        .check = check(),
        .supply = supply(),
    };
    return config;
}
