/* Differential drive; see takt/kinematics.h. */
#include "takt/kinematics.h"

#include <math.h> /* fabsf, fmaxf */

void takt_body_to_wheels(const takt_kinematics_config_t *config, takt_body_t body,
                         float wheel_rad_s[TAKT_WHEELS])
{
    const float sideways_m_s = 0.5f * config->wheel_separation_m * body.yaw_rate_rad_s;
    const float left = (body.speed_m_s - sideways_m_s) / config->wheel_radius_m;
    const float right = (body.speed_m_s + sideways_m_s) / config->wheel_radius_m;
    const float fastest = fmaxf(fabsf(left), fabsf(right));
    const float limit = config->wheel_speed_limit_rad_s;
    const float scale = fastest > limit ? limit / fastest : 1.0f;
    wheel_rad_s[TAKT_LEFT] = left * scale;
    wheel_rad_s[TAKT_RIGHT] = right * scale;
}

takt_body_t takt_wheels_to_body(const takt_kinematics_config_t *config, const float wheel_rad_s[TAKT_WHEELS])
{
    const float left_m_s = wheel_rad_s[TAKT_LEFT] * config->wheel_radius_m;
    const float right_m_s = wheel_rad_s[TAKT_RIGHT] * config->wheel_radius_m;
    const takt_body_t body = {
        .speed_m_s = 0.5f * (left_m_s + right_m_s),
        .yaw_rate_rad_s = (right_m_s - left_m_s) / config->wheel_separation_m,
    };
    return body;
}
