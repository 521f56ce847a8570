/* Replay: the control tick driven by recorded cycles, the same on every port: takt_replay_run.
 *
 * A record holds all that a cycle depends on, and a result all that it decides, as plain little-endian fields
 * without padding, so that a file of records is an array in memory on any of our processors. Equal records
 * give equal results to the last bit; firmware/replay/README.md tells how each port shows it. */
#ifndef TAKT_REPLAY_H
#define TAKT_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "takt/control_tick.h"

/* takt_replay_in_t.flags */
#define TAKT_REPLAY_RESET       0x01u /* before this cycle: power-up */
#define TAKT_REPLAY_WATCHDOG    0x02u /* the reset was the watchdog's */
#define TAKT_REPLAY_LOCKED      0x04u /* ROS time is known */
#define TAKT_REPLAY_AGENT_HEARD 0x08u
#define TAKT_REPLAY_SAMPLE      0x10u /* an encoder sample is present */
#define TAKT_REPLAY_E_STOP      0x20u
#define TAKT_REPLAY_MOTOR_FAULT 0x40u
#define TAKT_REPLAY_MISS_LIMIT  0x80u

typedef struct {
    uint64_t now_ns;
    int64_t ros_now_ns;
    uint64_t ros_bound_ns;
    int64_t stamp_ns;
    uint64_t received_ns;
    uint64_t agent_heard_ns;
    uint64_t sample_ns;
    int32_t counts[TAKT_WHEELS];
    uint32_t command_sequence;
    uint32_t sample_sequence;
    uint32_t requests[TAKT_REQUEST_COUNT];
    float dt_s;
    float speed_m_s;
    float yaw_rate_rad_s;
    uint16_t supply_mv;
    uint16_t flags;
    uint32_t reserved; /* makes the size a multiple of 8 */
} takt_replay_in_t;

typedef struct {
    int64_t applied_stamp_ns; /* of the report, 0 if there is none */
    float duty[TAKT_WHEELS];
    float setpoint_rad_s[TAKT_WHEELS];
    uint32_t refused[TAKT_GATE_COUNT];
    uint32_t conditions;
    uint8_t rung;
    uint8_t cause;
    uint8_t fault;
    uint8_t hold_reason;
    uint8_t armed;
    uint8_t driver_enabled;
    uint8_t applied_present;
    uint8_t applied_disarmed;
    uint8_t applied_verdict;
    uint8_t encoder_fault[TAKT_WHEELS];
    uint8_t reserved;
} takt_replay_out_t;

typedef struct {
    takt_control_config_t config; /* the contract's; may be changed before the first cycle */
    takt_control_t control;
} takt_replay_t;

/* For callers that do not know the type. */
size_t takt_replay_size(void);

/* Power-up, with the contract's configuration. */
void takt_replay_init(takt_replay_t *replay);

/* One result for each of `count` records. */
void takt_replay_run(takt_replay_t *replay, const takt_replay_in_t *in, size_t count, takt_replay_out_t *out);

/* Place of the first result that differs from the one recorded, in any bit; `count` if none does. */
size_t takt_replay_compare(const takt_replay_out_t *got, const takt_replay_out_t *recorded, size_t count);

#endif
