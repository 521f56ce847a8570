/* Replay of the control tick; see replay.h. */
#include "replay.h"

#include <string.h> /* memcmp */

_Static_assert(sizeof(takt_replay_in_t) == 104, "no padding: a file of records is an array");
_Static_assert(sizeof(takt_replay_out_t) == 72, "no padding: a file of results is an array");

size_t takt_replay_size(void)
{
    return sizeof(takt_replay_t);
}

void takt_replay_init(takt_replay_t *replay)
{
    replay->config = takt_control_config_from_contract();
    takt_control_init(&replay->control, false);
}

static bool has(const takt_replay_in_t *in, uint32_t flag)
{
    return (in->flags & flag) != 0u;
}

static takt_encoder_sample_t sample_of(const takt_replay_in_t *in)
{
    const takt_encoder_sample_t sample = {
        .present = has(in, TAKT_REPLAY_SAMPLE),
        .sequence = in->sample_sequence,
        .sample_ns = in->sample_ns,
        .received_ns = in->now_ns,
        .counts = {in->counts[TAKT_LEFT], in->counts[TAKT_RIGHT]},
        .supply_mv = in->supply_mv,
        .e_stop = has(in, TAKT_REPLAY_E_STOP),
        .motor_fault = has(in, TAKT_REPLAY_MOTOR_FAULT),
    };
    return sample;
}

static takt_inputs_t inputs_of(const takt_replay_in_t *in)
{
    takt_inputs_t inputs = {
        .now_ns = in->now_ns,
        .dt_s = in->dt_s,
        .ros = {.locked = has(in, TAKT_REPLAY_LOCKED),
                .now_ns = in->ros_now_ns,
                .bound_ns = in->ros_bound_ns},
        .command = {.sequence = in->command_sequence,
                    .received_ns = in->received_ns,
                    .stamp_ns = in->stamp_ns,
                    .speed_m_s = in->speed_m_s,
                    .yaw_rate_rad_s = in->yaw_rate_rad_s},
        .agent_heard_ns = in->agent_heard_ns,
        .agent_heard = has(in, TAKT_REPLAY_AGENT_HEARD),
        .encoder = sample_of(in),
        .miss_limit = has(in, TAKT_REPLAY_MISS_LIMIT),
    };
    for (unsigned request = 0; request < TAKT_REQUEST_COUNT; request++) {
        inputs.requests.newest[request] = in->requests[request];
    }
    return inputs;
}

static void fill_result(const takt_control_t *control, const takt_outputs_t *outputs, takt_replay_out_t *out)
{
    *out = (takt_replay_out_t){
        .applied_stamp_ns = outputs->applied.stamp_ns,
        .conditions = outputs->conditions,
        .rung = (uint8_t)control->safety.rung,
        .cause = (uint8_t)control->safety.cause,
        .fault = (uint8_t)control->safety.fault,
        .hold_reason = (uint8_t)control->safety.hold_reason,
        .armed = control->safety.armed ? 1u : 0u,
        .driver_enabled = outputs->driver_enabled ? 1u : 0u,
        .applied_present = outputs->applied.present ? 1u : 0u,
        .applied_disarmed = outputs->applied.disarmed ? 1u : 0u,
        .applied_verdict = (uint8_t)outputs->applied.verdict,
    };
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        out->duty[wheel] = outputs->duty[wheel];
        out->setpoint_rad_s[wheel] = outputs->setpoint_rad_s[wheel];
        out->encoder_fault[wheel] = (uint8_t)control->check[wheel].found;
    }
    memcpy(out->refused, control->refused, sizeof out->refused);
}

void takt_replay_run(takt_replay_t *replay, const takt_replay_in_t *in, size_t count, takt_replay_out_t *out)
{
    for (size_t cycle = 0; cycle < count; cycle++) {
        if (has(&in[cycle], TAKT_REPLAY_RESET)) {
            takt_control_init(&replay->control, has(&in[cycle], TAKT_REPLAY_WATCHDOG));
        }
        const takt_inputs_t inputs = inputs_of(&in[cycle]);
        const takt_outputs_t outputs = takt_control_tick(&inputs, &replay->config, &replay->control);
        fill_result(&replay->control, &outputs, &out[cycle]);
    }
}

size_t takt_replay_compare(const takt_replay_out_t *got, const takt_replay_out_t *recorded, size_t count)
{
    size_t place = 0;
    while (place < count && memcmp(&got[place], &recorded[place], sizeof got[place]) == 0) {
        place++;
    }
    return place;
}
