/* The control tick; see takt/control_tick.h. takt_control_tick at the end reads like the data path. */
#include "takt/control_tick.h"

#include <math.h> /* fabsf */

#define STANDING_RAD_S \
    1.0f /* slower wheels count as at rest: 5 cm/s at the rim, far above the encoder's noise */

void takt_control_init(takt_control_t *control, bool watchdog_reset)
{
    *control = (takt_control_t){0};
    takt_encoder_init(&control->encoder);
    takt_safety_init(&control->safety, watchdog_reset);
}

static float bounded_dt(float dt_s, float period_s)
{
    if (!(dt_s > 0.1f * period_s)) { /* also catches NaN */
        return 0.1f * period_s;
    }
    return dt_s > 5.0f * period_s ? 5.0f * period_s : dt_s;
}

/* Judges the held command anew in every cycle. A refused command is dropped and counted once; it takes a
 * newly received one to open the gate again. */
static takt_gate_t gate_command(takt_control_t *control, const takt_control_config_t *config,
                                const takt_inputs_t *inputs)
{
    if (inputs->command.sequence != control->taken) {
        control->held = inputs->command;
        control->taken = inputs->command.sequence;
    }
    const takt_gate_t verdict = takt_age_gate(&config->gate, &control->held, &inputs->ros, inputs->now_ns);
    if (verdict != TAKT_GATE_OPEN && verdict != TAKT_GATE_EMPTY) {
        control->refused[verdict]++;
        control->held.sequence = 0;
    }
    return verdict;
}

static bool wheels_turn(const takt_encoder_t *encoder)
{
    bool turn = false;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        turn = turn || fabsf(encoder->speed_rad_s[wheel]) > STANDING_RAD_S;
    }
    return turn;
}

/* Holds the wheels against the duty of the last cycle. True: one of them does not answer it. */
static bool check_wheels(takt_control_t *control, const takt_control_config_t *config)
{
    bool fault = control->encoder.fault;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        takt_wheel_check_t *check = &control->check[wheel];
        if (control->encoder.fault && control->encoder.wild[wheel]) {
            check->found = TAKT_WHEEL_IMPOSSIBLE;
        }
        if (!control->driving || !control->encoder.fresh) {
            continue;
        }
        const takt_wheel_view_t view = {
            .duty = control->wheel[wheel].output,
            .setpoint_rad_s = control->setpoint_rad_s[wheel],
            .speed_rad_s = control->encoder.speed_rad_s[wheel],
            .position_counts = control->encoder.position_counts[wheel],
        };
        if (takt_wheel_check_step(check, &config->check, &view)) {
            fault = true;
        }
    }
    return fault;
}

static uint32_t find_conditions(takt_control_t *control, const takt_control_config_t *config,
                                const takt_inputs_t *inputs)
{
    const bool link_silent =
        !inputs->agent_heard || (inputs->now_ns > inputs->agent_heard_ns &&
                                 inputs->now_ns - inputs->agent_heard_ns >= config->link_silence_ns);
    uint32_t conditions = 0;
    conditions |= inputs->encoder.present && inputs->encoder.e_stop ? TAKT_CONDITION_E_STOP : 0u;
    conditions |= inputs->encoder.present && inputs->encoder.motor_fault ? TAKT_CONDITION_MOTOR_FAULT : 0u;
    conditions |= check_wheels(control, config) ? TAKT_CONDITION_ENCODER_FAULT : 0u;
    conditions |= control->supply.brown_out ? TAKT_CONDITION_BROWN_OUT : 0u;
    conditions |= control->encoder.silent ? TAKT_CONDITION_ENCODER_SILENT : 0u;
    conditions |= inputs->miss_limit ? TAKT_CONDITION_MISS_LIMIT : 0u;
    conditions |= link_silent ? TAKT_CONDITION_LINK_SILENT : 0u;
    conditions |= wheels_turn(&control->encoder) ? TAKT_CONDITION_WHEELS_TURNING : 0u;
    return conditions;
}

/* NOMINAL follows the command, HOLD ramps to a stop, SAFE stands at zero. */
static takt_body_t shape_setpoint(takt_control_t *control, const takt_control_config_t *config, float dt_s)
{
    takt_body_t body = {0.0f, 0.0f};
    switch (control->safety.rung) {
    case TAKT_RUNG_NOMINAL:
    case TAKT_RUNG_REDUCED:
        body.speed_m_s = takt_axis_follow(&control->forward, &config->forward, control->held.speed_m_s, dt_s);
        body.yaw_rate_rad_s =
            takt_axis_follow(&control->yaw, &config->yaw, control->held.yaw_rate_rad_s, dt_s);
        break;
    case TAKT_RUNG_HOLD:
        body.speed_m_s = takt_axis_stop(&control->forward, &config->forward, dt_s);
        body.yaw_rate_rad_s = takt_axis_stop(&control->yaw, &config->yaw, dt_s);
        break;
    case TAKT_RUNG_SAFE:
    case TAKT_RUNG_COUNT:
    default:
        control->forward = (takt_axis_t){0};
        control->yaw = (takt_axis_t){0};
        break;
    }
    return body;
}

/* Wheel loops run only while armed; on the first armed cycle they take over from the duty that acts then: 0.
 */
static void run_wheels(takt_control_t *control, const takt_control_config_t *config, float dt_s,
                       takt_outputs_t *outputs)
{
    const bool armed = control->safety.armed;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        takt_pid_t *pid = &control->wheel[wheel];
        const float measured = control->encoder.speed_rad_s[wheel];
        if (!armed) {
            takt_pid_reset(pid);
            continue;
        }
        if (!control->driving) {
            takt_pid_resume(pid, &config->wheel, outputs->setpoint_rad_s[wheel], measured, 0.0f);
            takt_wheel_check_reset(&control->check[wheel]);
        }
        const float wish = takt_pid_step(pid, &config->wheel, outputs->setpoint_rad_s[wheel], measured, dt_s);
        control->setpoint_rad_s[wheel] = outputs->setpoint_rad_s[wheel];
        outputs->duty[wheel] = takt_safety_duty(&control->safety, wish, config->wheel.output_limit);
    }
    control->driving = armed;
    outputs->driver_enabled = armed;
}

/* True for the first application of an observation, and for a refusal whose reason is new. */
static bool worth_reporting(takt_control_t *control, const takt_applied_t *fate)
{
    const bool changed = !control->fate.present || fate->verdict != control->fate.verdict ||
                         fate->disarmed != control->fate.disarmed;
    control->fate = *fate;
    if (fate->verdict != TAKT_GATE_OPEN || fate->disarmed) {
        return changed;
    }
    const bool is_first = !control->applied_any || fate->stamp_ns != control->applied_stamp_ns;
    control->applied_any = true;
    control->applied_stamp_ns = fate->stamp_ns;
    return is_first;
}

static void report_command(takt_control_t *control, const takt_inputs_t *inputs, takt_gate_t verdict,
                           takt_outputs_t *outputs)
{
    if (verdict == TAKT_GATE_EMPTY || verdict == TAKT_GATE_SILENCE) {
        return;
    }
    const takt_applied_t fate = {
        .present = true,
        .disarmed = verdict == TAKT_GATE_OPEN && !control->safety.armed,
        .verdict = verdict,
        .stamp_ns = control->held.stamp_ns,
        .cycle_ros_ns = inputs->ros.locked ? inputs->ros.now_ns : 0,
    };
    if (worth_reporting(control, &fate)) {
        outputs->applied = fate;
    }
}

takt_outputs_t takt_control_tick(const takt_inputs_t *inputs, const takt_control_config_t *config,
                                 takt_control_t *control)
{
    takt_outputs_t outputs = {0};
    const float dt_s = bounded_dt(inputs->dt_s, config->period_s);

    takt_encoder_update(&control->encoder, &config->encoder, &inputs->encoder);
    if (control->encoder.fresh) {
        takt_supply_update(&control->supply, &config->supply, inputs->encoder.supply_mv);
    }
    const takt_gate_t verdict = gate_command(control, config, inputs);
    outputs.conditions = find_conditions(control, config, inputs);
    takt_safety_update(&control->safety, &inputs->requests, outputs.conditions, verdict);
    const takt_body_t body = shape_setpoint(control, config, dt_s);
    takt_body_to_wheels(&config->kinematics, body, outputs.setpoint_rad_s);
    run_wheels(control, config, dt_s, &outputs);
    report_command(control, inputs, verdict, &outputs);
    return outputs;
}
