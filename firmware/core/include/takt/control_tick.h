/* One cycle of the wheel controller: encoder and command in, duty out. Pure: same inputs and state, same
 * outputs. */
#ifndef TAKT_CONTROL_TICK_H
#define TAKT_CONTROL_TICK_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/age_gate.h"
#include "takt/encoder.h"
#include "takt/kinematics.h"
#include "takt/pid.h"
#include "takt/safety.h"
#include "takt/shaping.h"
#include "takt/supply.h"
#include "takt/wheel_check.h"

typedef struct {
    float period_s; /* nominal; the measured one is held within period_s / 10 and 5 * period_s */
    uint64_t link_silence_ns;
    takt_age_gate_config_t gate;
    takt_axis_limits_t forward; /* m/s */
    takt_axis_limits_t yaw;     /* rad/s */
    takt_kinematics_config_t kinematics;
    takt_encoder_config_t encoder;
    takt_pid_config_t wheel;
    takt_wheel_check_config_t check;
    takt_supply_config_t supply;
} takt_control_config_t;

typedef struct {
    uint64_t now_ns; /* board time of this cycle's start */
    float dt_s;      /* measured time since the start of the last cycle */
    takt_ros_time_t ros;
    takt_command_t command;        /* newest received */
    takt_requests_t requests;      /* newest received */
    uint64_t agent_heard_ns;       /* board time of the newest valid message from the agent */
    bool agent_heard;              /* false: never yet */
    takt_encoder_sample_t encoder; /* newest; also supply, e-stop and motor fault */
    bool miss_limit;               /* K cycles of the window were missed */
} takt_inputs_t;

/* What became of a command. One for each observation at its first application, or for a new reason of
 * refusal. */
typedef struct {
    bool present;
    bool disarmed;        /* the gate was open but the board is not armed */
    takt_gate_t verdict;  /* TAKT_GATE_OPEN: applied */
    int64_t stamp_ns;     /* ROS time of the observation */
    int64_t cycle_ros_ns; /* ROS time of the cycle; 0 if the clock is not locked */
} takt_applied_t;

typedef struct {
    float duty[TAKT_WHEELS];           /* -1 to 1 of the supply, + forward */
    float setpoint_rad_s[TAKT_WHEELS]; /* that the wheel loops follow now */
    bool driver_enabled;               /* false: driver off, windings shorted */
    uint32_t conditions;               /* takt_condition_t bits of this cycle */
    takt_applied_t applied;
} takt_outputs_t;

typedef struct {
    takt_command_t held; /* sequence 0: dropped or never had one */
    uint32_t taken;      /* sequence of the newest command taken over */
    takt_encoder_t encoder;
    takt_axis_t forward;
    takt_axis_t yaw;
    takt_pid_t wheel[TAKT_WHEELS];
    takt_wheel_check_t check[TAKT_WHEELS];
    takt_supply_t supply;
    takt_safety_t safety;
    float setpoint_rad_s[TAKT_WHEELS]; /* of the last cycle */
    bool driving;                      /* the driver was enabled in the last cycle */
    takt_applied_t fate;               /* of the last command; `present` false before the first */
    bool applied_any;                  /* applied_stamp_ns holds a stamp */
    int64_t applied_stamp_ns;          /* observation applied last */
    uint32_t refused[TAKT_GATE_COUNT]; /* commands refused, by verdict */
} takt_control_t;

/* Default state: SAFE, disarmed, duty 0. */
void takt_control_init(takt_control_t *control, bool watchdog_reset);

takt_outputs_t takt_control_tick(const takt_inputs_t *inputs, const takt_control_config_t *config,
                                 takt_control_t *control);

/* The configuration that the contract this firmware was built from describes. */
takt_control_config_t takt_control_config_from_contract(void);

#endif
