/* Counts the control tick: a typical drive, and every combination of what can differ in one cycle.
 *
 * Each axis below is one thing that decides the tick's way through its branches. The product of all axes is
 * run, each combination from a state prepared for it; docs/firmware.md argues why nothing beyond it can cost
 * more. A random walk over extreme inputs then tries to beat the product. */
#include <math.h>
#include <string.h>

#include "marks.h"
#include "takt/control_tick.h"

#define MS       1000000u
#define NOW_NS   (60000ull * MS)
#define ROS_NS   1700000000000000000ll
#define PERIOD_S 0.01f

static takt_control_config_t config;
static takt_control_t control, prepared;
static takt_inputs_t inputs;
static takt_outputs_t outputs;

static void tick(void)
{
    bench_begin();
    outputs = takt_control_tick(&inputs, &config, &control);
    bench_end();
}

/* ---- inputs in which nothing is wrong */

static void fresh_sample(uint64_t number, int32_t counts)
{
    takt_encoder_sample_t *sample = &inputs.encoder;
    *sample = (takt_encoder_sample_t){.present = true, .sequence = (uint32_t)number + 1u, .supply_mv = 12000};
    sample->sample_ns = NOW_NS + number * 10u * MS;
    sample->received_ns = sample->sample_ns;
    sample->counts[TAKT_LEFT] = counts;
    sample->counts[TAKT_RIGHT] = counts;
}

static void good_inputs(uint64_t number)
{
    inputs = (takt_inputs_t){.now_ns = NOW_NS + number * 10u * MS, .dt_s = PERIOD_S, .agent_heard = true};
    inputs.agent_heard_ns = inputs.now_ns;
    inputs.ros = (takt_ros_time_t){true, ROS_NS + (int64_t)(number * 10u * MS), MS};
    inputs.requests.newest[TAKT_REQUEST_ARM] = 1;
    fresh_sample(number, 0);
}

static void command(uint32_t sequence, float speed_m_s, float yaw_rate_rad_s)
{
    inputs.command = (takt_command_t){
        .sequence = sequence,
        .received_ns = inputs.now_ns,
        .stamp_ns = inputs.ros.now_ns - 50 * (int64_t)MS,
        .speed_m_s = speed_m_s,
        .yaw_rate_rad_s = yaw_rate_rad_s,
    };
}

/* ---- typical: ten seconds of driving curves, a command every second cycle, the wheels a little behind */

static void typical(void)
{
    float turned = 0.0f;
    takt_control_init(&control, false);
    for (uint32_t n = 0; n < 1000u; n++) {
        good_inputs(n);
        turned += outputs.setpoint_rad_s[TAKT_LEFT] * 0.95f * PERIOD_S;
        fresh_sample(n, (int32_t)(turned / config.encoder.rad_per_count));
        command(n / 2u + 1u, 0.4f + 0.3f * sinf((float)n * 0.02f), sinf((float)n * 0.013f));
        tick();
    }
    bench_group("control_tick_typical", 1000u);
}

/* ---- the product */

enum { STATES = 5, REQUESTS = 5, GATES = 10, ENCODERS = 8, CONDITIONS = 6, MOTIONS = 4, DTS = 2 };

/* A state that some cycles have led to. 0: power-up. 1: a fault latched. 2: HOLD. 3 and 4: NOMINAL at speed.
 */
static void prepare(unsigned state)
{
    takt_control_init(&control, false);
    for (uint32_t n = 0; state > 0 && n < 80u; n++) {
        good_inputs(n);
        fresh_sample(n, (int32_t)n * 90);
        if (state >= 3u) {
            command(n + 1u, 0.8f, state == 4u ? 2.5f : 0.0f);
        }
        inputs.encoder.e_stop = state == 1u && n == 79u;
        outputs = takt_control_tick(&inputs, &config, &control);
    }
    good_inputs(80u);
    prepared = control;
}

static void choose_requests(unsigned choice)
{
    static const unsigned char asked[REQUESTS] = {0, 1u << TAKT_REQUEST_DISARM, 1u << TAKT_REQUEST_ARM,
                                                  1u << TAKT_REQUEST_CLEAR_FAULT, 7};
    for (unsigned kind = 0; kind < TAKT_REQUEST_COUNT; kind++) {
        if ((asked[choice] & (1u << kind)) !=
            0) { /* in the order that searches longest: the last kind first */
            inputs.requests.newest[kind] = 10u + (uint32_t)TAKT_REQUEST_COUNT - kind;
        }
    }
}

/* Every verdict of the gate, on a command that is news; at last an open and a stale one that is not. */
static void choose_gate(unsigned choice)
{
    command(1000u, 0.6f, -1.5f);
    switch (choice) {
    case TAKT_GATE_EMPTY:
        inputs.command.sequence = 0;
        break;
    case TAKT_GATE_NAN:
        inputs.command.yaw_rate_rad_s = NAN;
        break;
    case TAKT_GATE_CLOCK:
        inputs.ros.bound_ns = UINT64_MAX;
        break;
    case TAKT_GATE_ZERO:
        inputs.command.stamp_ns = 0;
        break;
    case TAKT_GATE_FUTURE:
        inputs.command.stamp_ns = inputs.ros.now_ns + 1000 * (int64_t)MS;
        break;
    case TAKT_GATE_STALE:
    case GATES - 1:
        inputs.command.stamp_ns = 1;
        break;
    case TAKT_GATE_SILENCE:
        inputs.command.received_ns = 0;
        break;
    default:
        break;
    }
    if (choice >= TAKT_GATE_COUNT) {
        control.held = inputs.command;
        inputs.command.sequence = control.taken;
        control.held.sequence = control.taken;
    }
}

/* No sample, an old one, silence, the first, time backwards, a good one with the longest search, a wild one,
 * the wild one that makes a fault. */
static void choose_encoder(unsigned choice)
{
    takt_encoder_t *encoder = &control.encoder;
    takt_encoder_sample_t *sample = &inputs.encoder;
    fresh_sample(80u, encoder->history[0].counts[TAKT_LEFT] + 90);
    switch (choice) {
    case 0:
        sample->present = false;
        break;
    case 1:
        *sample = encoder->history[0];
        sample->present = true;
        break;
    case 2:
        sample->present = false;
        encoder->cycles_without_sample = config.encoder.silent_cycles - 1u;
        break;
    case 3:
        encoder->held = 0;
        break;
    case 4:
        sample->sample_ns = 1;
        break;
    case 5:
        for (unsigned i = 0; i < TAKT_ENCODER_HISTORY; i++) {
            encoder->history[i].sample_ns = sample->sample_ns - (i + 1u) * MS;
        }
        break;
    default:
        sample->counts[TAKT_LEFT] += 1000000;
        encoder->implausible_in_row = choice == 6u ? 0u : config.encoder.implausible_limit - 1u;
        break;
    }
}

static void choose_conditions(unsigned choice)
{
    inputs.encoder.e_stop = choice == 1u || choice == 5u;
    inputs.encoder.motor_fault = choice == 2u;
    inputs.miss_limit = choice == 3u;
    inputs.agent_heard = choice != 4u;
    if (choice == 5u) { /* known but long ago: both comparisons are made */
        inputs.agent_heard_ns = 0;
    }
}

/* Setpoint and controllers: at rest; clipped above; clipped below with the stop ramp still long; taking over.
 */
static void choose_motion(unsigned choice)
{
    static const float values[MOTIONS] = {0.0f, 0.8f, -0.8f, 0.3f};
    static const float duties[MOTIONS] = {0.0f, 1.0f, -1.0f, 0.2f};
    control.forward.value = values[choice];
    control.yaw.value = 3.0f * values[choice];
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        control.wheel[wheel].output = duties[choice];
        control.wheel[wheel].integral_term = duties[choice];
    }
    control.driving = control.driving && choice != 3u;
}

static void product(void)
{
    uint32_t count = 0;
    for (unsigned state = 0; state < STATES; state++) {
        prepare(state);
        for (unsigned n = 0; n < REQUESTS * GATES * ENCODERS * CONDITIONS * MOTIONS * DTS; n++) {
            unsigned rest = n;
            control = prepared;
            good_inputs(80u);
            choose_requests(rest % REQUESTS);
            rest /= REQUESTS;
            choose_gate(rest % GATES);
            rest /= GATES;
            choose_encoder(rest % ENCODERS);
            rest /= ENCODERS;
            choose_conditions(rest % CONDITIONS);
            rest /= CONDITIONS;
            choose_motion(rest % MOTIONS);
            inputs.dt_s = rest / MOTIONS == 0 ? PERIOD_S : 1.0f;
            tick();
            count++;
        }
    }
    bench_group("control_tick_product", count);
}

/* ---- a random walk */

static uint32_t draw(uint32_t below)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static float extreme(void)
{
    static const float values[] = {0.0f, -0.0f, 0.3f, -0.3f, 0.8f, -0.8f, 2.5f, -2.5f, 1e30f, NAN, INFINITY};
    return values[draw(sizeof values / sizeof values[0])];
}

static void walk(void)
{
    takt_control_init(&control, true);
    for (uint32_t n = 0; n < 50000u; n++) {
        const uint32_t requests_before[TAKT_REQUEST_COUNT] = {
            inputs.requests.newest[0], inputs.requests.newest[1], inputs.requests.newest[2]};
        good_inputs(n);
        memcpy(inputs.requests.newest, requests_before, sizeof requests_before);
        inputs.requests.newest[draw(TAKT_REQUEST_COUNT)] = draw(4u) == 0 ? n : 1u;
        fresh_sample(n, (int32_t)(draw(3u) == 0 ? draw(100000u) : n * 50u));
        inputs.encoder.present = draw(8u) != 0;
        inputs.encoder.e_stop = draw(64u) == 0;
        inputs.encoder.motor_fault = draw(64u) == 0;
        inputs.miss_limit = draw(64u) == 0;
        inputs.agent_heard = draw(32u) != 0;
        inputs.dt_s = draw(16u) == 0 ? extreme() : PERIOD_S;
        inputs.ros.locked = draw(16u) != 0;
        command(n / (1u + draw(3u)) + 1u, draw(4u) == 0 ? extreme() : 0.5f, draw(4u) == 0 ? extreme() : 1.0f);
        inputs.command.stamp_ns -= draw(8u) == 0 ? 1000 * (int64_t)MS : 0;
        tick();
    }
    bench_group("control_tick_walk", 50000u);
}

void bench_main(void)
{
    config = takt_control_config_from_contract();
    bench_calibrate();
    typical();
    product();
    walk();
}
