/* Differential drive, both ways. Wheel order everywhere: [0] left, [1] right; + is forward. */
#ifndef TAKT_KINEMATICS_H
#define TAKT_KINEMATICS_H

enum { TAKT_LEFT, TAKT_RIGHT, TAKT_WHEELS };

typedef struct {
    float wheel_radius_m;
    float wheel_separation_m;
    float wheel_speed_limit_rad_s;
} takt_kinematics_config_t;

typedef struct {
    float speed_m_s;
    float yaw_rate_rad_s;
} takt_body_t;

/* Wheel speeds for a body motion. Past the wheel limit both are scaled by one factor: slower, on the same
 * curve. */
void takt_body_to_wheels(const takt_kinematics_config_t *config, takt_body_t body,
                         float wheel_rad_s[TAKT_WHEELS]);

takt_body_t takt_wheels_to_body(const takt_kinematics_config_t *config, const float wheel_rad_s[TAKT_WHEELS]);

#endif
