/* The board's control side and start-up; see takt/board.h. The link side is in board_link.c. */
#include "takt/board.h"

#include <string.h> /* memset */

#include "board_link.h"
#include "takt_contract.h"

#define NS_PER_S 1000000000u

_Static_assert(TAKT_SAFETY_MISS_WINDOW_CYCLES <= TAKT_WINDOW_MAX, "the window fits its ring");

static takt_deadline_config_t deadline_config(const takt_platform_t *platform)
{
    const takt_deadline_config_t config = {
        .period_ns = NS_PER_S / TAKT_CONTROL_RATE_HZ,
        .window_cycles = TAKT_SAFETY_MISS_WINDOW_CYCLES,
        .miss_limit = platform->miss_limit,
    };
    return config;
}

static void fill_status(const takt_board_t *board, const takt_outputs_t *outputs,
                        const takt_encoder_sample_t *sample, takt_board_status_t *status)
{
    const takt_deadline_monitor_t *deadlines = &board->deadlines;
    status->cycle = deadlines->cycle;
    status->cycles = deadlines->cycles;
    memcpy(status->misses, deadlines->misses, sizeof status->misses);
    status->window_misses = deadlines->window_misses;
    status->outputs = *outputs;
    status->safety = board->control.safety;
    memcpy(status->position_counts, board->control.encoder.position_counts, sizeof status->position_counts);
    memcpy(status->speed_rad_s, board->control.encoder.speed_rad_s, sizeof status->speed_rad_s);
    status->sample_ns = sample->received_ns;
    status->sample_present = sample->present;
    status->supply_mv = sample->supply_mv;
    status->supply_low = board->control.supply.low;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        status->encoder_fault[wheel] = board->control.check[wheel].found;
    }
    memcpy(status->refused, board->control.refused, sizeof status->refused);
}

void takt_board_init(takt_board_t *board, const takt_platform_t *platform, const takt_board_config_t *config)
{
    memset(board, 0, sizeof *board);
    board->platform = platform;
    board->config = takt_control_config_from_contract();
    board->deadline_config = deadline_config(platform);
    takt_control_init(&board->control, platform->watchdog_reset);
    takt_tuning_init(&board->tuning);
    takt_deadlines_init(&board->deadlines);
    takt_ledger_open(&board->ledger, platform->retained, platform->nonce);
    takt_exchange_init(&board->orders_exchange);
    takt_exchange_init(&board->status_exchange);
    /* Before the first cycle nothing is known, which is reason enough not to arm. */
    const takt_outputs_t nothing = {.conditions = TAKT_CONDITION_ENCODER_SILENT | TAKT_CONDITION_LINK_SILENT};
    const takt_encoder_sample_t no_sample = {0};
    for (unsigned slot = 0; slot < TAKT_EXCHANGE_SLOTS; slot++) {
        fill_status(board, &nothing, &no_sample, &board->status[slot]);
    }
    takt_board_link_init(board, config);
}

static takt_ros_time_t ros_time(const takt_clock_t *clock, uint64_t now_ns)
{
    takt_ros_time_t ros = {.locked = takt_clock_locked(clock, now_ns)};
    if (ros.locked) {
        ros.now_ns = takt_clock_ros_ns(clock, now_ns);
        ros.bound_ns = takt_clock_bound_ns(clock, now_ns);
    }
    return ros;
}

static takt_inputs_t gather_inputs(takt_board_t *board, uint64_t now_ns)
{
    takt_exchange_take(&board->orders_exchange);
    const takt_orders_t *orders = &board->orders[board->orders_exchange.reading];
    (void)takt_tuning_take(&board->tuning, &orders->tuning, board->motion, &board->config);
    takt_inputs_t inputs = {
        .now_ns = now_ns,
        .dt_s = board->ran ? (float)(now_ns - board->last_start_ns) * 1e-9f : board->config.period_s,
        .ros = ros_time(&orders->clock, now_ns),
        .command = orders->command,
        .requests = orders->requests,
        .agent_heard_ns = orders->agent_heard_ns,
        .agent_heard = orders->agent_heard,
        .miss_limit = takt_deadlines_limit_reached(&board->deadlines, &board->deadline_config),
    };
    board->platform->read_encoder(board->platform->context, &inputs.encoder);
    board->last_start_ns = now_ns;
    board->ran = true;
    return inputs;
}

static void drive(const takt_board_t *board, const takt_outputs_t *outputs, uint64_t now_ns)
{
    const takt_drive_t order = {
        .cycle = board->deadlines.cycle,
        .board_ns = now_ns,
        .duty = {outputs->duty[TAKT_LEFT], outputs->duty[TAKT_RIGHT]},
        .setpoint_rad_s = {outputs->setpoint_rad_s[TAKT_LEFT], outputs->setpoint_rad_s[TAKT_RIGHT]},
        .driver_enabled = outputs->driver_enabled,
        .armed = board->control.safety.armed,
        .rung = (uint8_t)board->control.safety.rung,
    };
    board->platform->drive(board->platform->context, &order);
}

/* One sample for each observation, at its first application. A full ring (the link thread is blocked) loses
 * the report, not the sample in the histogram. */
static void record_applied(takt_board_t *board, const takt_applied_t *applied)
{
    if (!applied->present) {
        return;
    }
    if (applied->verdict == TAKT_GATE_OPEN && !applied->disarmed &&
        applied->cycle_ros_ns > applied->stamp_ns) {
        takt_histogram_add(&board->photon_to_motor, (uint64_t)(applied->cycle_ros_ns - applied->stamp_ns));
    }
    takt_applied_ring_t *ring = &board->applied;
    const uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) < TAKT_APPLIED_RING) {
        ring->items[head % TAKT_APPLIED_RING] = *applied;
        atomic_store_explicit(&ring->head, head + 1u, memory_order_release);
    }
}

static void publish_status(takt_board_t *board, const takt_inputs_t *inputs, const takt_outputs_t *outputs)
{
    fill_status(board, outputs, &inputs->encoder, &board->status[board->status_exchange.writing]);
    takt_exchange_publish(&board->status_exchange);
}

static uint64_t cpu_ns(const takt_platform_t *platform, uint64_t now_ns)
{
    return platform->cpu_ns != NULL ? platform->cpu_ns(platform->context) : now_ns;
}

static uint64_t begin_cycle(takt_board_t *board, uint64_t release_ns)
{
    const takt_platform_t *platform = board->platform;
    const uint64_t start_ns = platform->now_ns(platform->context);
    const takt_skipped_t skipped = takt_deadlines_begin(&board->deadlines, &board->deadline_config,
                                                        release_ns, start_ns, cpu_ns(platform, start_ns));
    takt_ledger_append_skipped(&board->ledger, &skipped, release_ns, board->deadline_config.period_ns);
    return start_ns;
}

static void end_cycle(takt_board_t *board)
{
    const takt_platform_t *platform = board->platform;
    const uint64_t end_ns = platform->now_ns(platform->context);
    const takt_miss_t miss =
        takt_deadlines_end(&board->deadlines, &board->deadline_config, end_ns, cpu_ns(platform, end_ns));
    if (miss.missed) {
        takt_ledger_append(&board->ledger, &miss);
    } else if (platform->feed_watchdog != NULL) {
        platform->feed_watchdog(platform->context);
    }
    takt_ledger_settle(&board->ledger);
}

void takt_board_control_cycle(takt_board_t *board, uint64_t release_ns)
{
    const uint64_t start_ns = begin_cycle(board, release_ns);
    const takt_inputs_t inputs = gather_inputs(board, start_ns);
    const takt_outputs_t outputs = takt_control_tick(&inputs, &board->config, &board->control);
    board->motion = takt_tuning_motion(board->control.safety.armed, &outputs);
    drive(board, &outputs, start_ns);
    record_applied(board, &outputs.applied);
    publish_status(board, &inputs, &outputs);
    end_cycle(board);
}

uint64_t takt_board_next_release(const takt_board_t *board, uint64_t now_ns)
{
    return takt_deadlines_next_release(&board->deadlines, &board->deadline_config, now_ns);
}
