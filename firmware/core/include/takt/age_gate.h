/* Age gate: decides in every cycle whether the held command may still move the robot.
 *
 * Time comes in as an argument. "Now" is ROS time as the board knows it, with a bound on its error. */
#ifndef TAKT_AGE_GATE_H
#define TAKT_AGE_GATE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TAKT_GATE_OPEN,    /* the command may be applied */
    TAKT_GATE_EMPTY,   /* there is no command */
    TAKT_GATE_NAN,     /* not a number, infinite, or far beyond anything the robot can do */
    TAKT_GATE_CLOCK,   /* ROS time is not known well enough to judge an age */
    TAKT_GATE_ZERO,    /* the stamp was never set */
    TAKT_GATE_FUTURE,  /* the stamp lies further ahead than the clock's error bound */
    TAKT_GATE_STALE,   /* older than max_age_ns, clock bound included */
    TAKT_GATE_SILENCE, /* no newly received command for silence_ns */
    TAKT_GATE_COUNT
} takt_gate_t;

typedef struct {
    uint64_t max_age_ns;     /* oldest observation a command may rest on */
    uint64_t silence_ns;     /* longest time between two received commands */
    uint64_t bound_limit_ns; /* a clock less certain than this counts as unlocked */
    float speed_absurd_m_s;  /* beyond these a command is garbage, not a wish */
    float yaw_rate_absurd_rad_s;
} takt_age_gate_config_t;

typedef struct {
    uint32_t sequence;    /* counts received commands; 0: none yet */
    uint64_t received_ns; /* board time */
    int64_t stamp_ns;     /* ROS time of the newest observation the command rests on */
    float speed_m_s;      /* + forward */
    float yaw_rate_rad_s; /* + to the left */
} takt_command_t;

/* ROS time at one instant of board time. */
typedef struct {
    bool locked;
    int64_t now_ns;
    uint64_t bound_ns;
} takt_ros_time_t;

/* The verdict on `command` at board time `now_ns`. Pure. */
takt_gate_t takt_age_gate(const takt_age_gate_config_t *config, const takt_command_t *command,
                          const takt_ros_time_t *ros, uint64_t now_ns);

/* Short lower-case word for reports: "stale", "clock", ... */
const char *takt_gate_name(takt_gate_t verdict);

#endif
