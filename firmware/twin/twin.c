/* In-memory port: a board whose time, encoders and line are plain memory that the caller sets and reads.
 *
 * Flat functions over one opaque block, for the in-process twin and the tests, which reach them from Python.
 * Any number of boards may live in one process. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h> /* memcpy, memset */

#include "takt/board.h"
#include "takt_contract.h"

#define LINE_BYTES 8192u

typedef struct {
    uint8_t bytes[LINE_BYTES];
    size_t size;
} line_t;

typedef struct {
    takt_board_t board;
    takt_platform_t platform;
    uint64_t now_ns;
    uint64_t cpu_ns;
    uint64_t execution_ns; /* elapsed time that the present cycle is made to take */
    uint64_t execution_cpu_ns;
    takt_encoder_sample_t sample;
    takt_drive_t drive;
    uint32_t watchdog_feeds;
    line_t in;
    line_t out;
} takt_twin_t;

/* Mirrored by ros_nodes/takt/simulation/board.py, which checks the size. */
typedef struct {
    int64_t position_counts[TAKT_WHEELS];
    uint64_t clock_bound_ns;
    int64_t ros_offset_ns;
    float duty[TAKT_WHEELS];
    float setpoint_rad_s[TAKT_WHEELS];
    float speed_rad_s[TAKT_WHEELS];
    float photon_to_motor_p50_us;
    float photon_to_motor_p99_us;
    uint32_t cycle;
    uint32_t cycles;
    uint32_t misses[TAKT_MISS_CAUSES];
    uint32_t window_misses;
    uint32_t refused[TAKT_GATE_COUNT];
    uint32_t conditions;
    uint32_t ledger_pending;
    uint32_t boot_count;
    uint32_t photon_to_motor_count;
    uint32_t watchdog_feeds;
    uint32_t client_state;
    uint32_t clock_epoch;
    uint8_t rung;
    uint8_t cause;
    uint8_t fault;
    uint8_t hold_reason;
    uint8_t armed;
    uint8_t driver_enabled;
    uint8_t clock_locked;
    uint8_t reserved;
} takt_twin_view_t;

/* Exported functions; there is no other C caller, so no header. */
size_t takt_twin_size(void);
size_t takt_twin_view_size(void);
size_t takt_twin_retained_size(void);
void takt_twin_init(takt_twin_t *twin, void *retained, uint32_t key, uint16_t domain, bool watchdog_reset,
                    uint32_t miss_limit, uint64_t now_ns, uint32_t nonce);
void takt_twin_control_cycle(takt_twin_t *twin, uint64_t release_ns, uint64_t start_ns, uint64_t execution_ns,
                             uint64_t execution_cpu_ns);
uint64_t takt_twin_next_release(const takt_twin_t *twin, uint64_t now_ns);
void takt_twin_link_poll(takt_twin_t *twin, uint64_t now_ns);
size_t takt_twin_link_turn(takt_twin_t *twin, uint64_t now_ns, const uint8_t *bytes, size_t count);
size_t takt_twin_feed_link(takt_twin_t *twin, const uint8_t *bytes, size_t count);
size_t takt_twin_take_link(takt_twin_t *twin, uint8_t *out, size_t capacity);
void takt_twin_set_encoders(takt_twin_t *twin, int32_t left, int32_t right, uint64_t plant_ns,
                            uint64_t now_ns, uint16_t supply_mv, bool e_stop, bool motor_fault);
void takt_twin_view(const takt_twin_t *twin, uint64_t now_ns, takt_twin_view_t *view);
uint32_t takt_twin_ledger(const takt_twin_t *twin, uint32_t index, takt_ledger_record_t *record);
uint32_t takt_twin_confirm(takt_twin_t *twin, uint64_t identity);

static uint64_t twin_now(void *context)
{
    return ((const takt_twin_t *)context)->now_ns;
}

static uint64_t twin_cpu(void *context)
{
    return ((const takt_twin_t *)context)->cpu_ns;
}

static void twin_read_encoder(void *context, takt_encoder_sample_t *sample)
{
    *sample = ((const takt_twin_t *)context)->sample;
}

/* Time passes inside a cycle where the work is done: after inputs were read, before the cycle ends. */
static void twin_drive(void *context, const takt_drive_t *drive)
{
    takt_twin_t *twin = context;
    twin->drive = *drive;
    twin->now_ns += twin->execution_ns;
    twin->cpu_ns += twin->execution_cpu_ns;
}

static void twin_feed_watchdog(void *context)
{
    ((takt_twin_t *)context)->watchdog_feeds++;
}

static size_t line_put(line_t *line, const uint8_t *bytes, size_t count)
{
    const size_t room = LINE_BYTES - line->size;
    const size_t taken = count < room ? count : room;
    memcpy(&line->bytes[line->size], bytes, taken);
    line->size += taken;
    return taken;
}

static size_t line_get(line_t *line, uint8_t *out, size_t capacity)
{
    const size_t taken = line->size < capacity ? line->size : capacity;
    memcpy(out, line->bytes, taken);
    memmove(line->bytes, &line->bytes[taken], line->size - taken);
    line->size -= taken;
    return taken;
}

static size_t twin_link_read(void *context, uint8_t *bytes, size_t capacity)
{
    return line_get(&((takt_twin_t *)context)->in, bytes, capacity);
}

static size_t twin_link_write(void *context, const uint8_t *bytes, size_t count)
{
    return line_put(&((takt_twin_t *)context)->out, bytes, count);
}

size_t takt_twin_size(void)
{
    return sizeof(takt_twin_t);
}

size_t takt_twin_view_size(void)
{
    return sizeof(takt_twin_view_t);
}

size_t takt_twin_retained_size(void)
{
    return sizeof(takt_ledger_store_t);
}

/* `retained` holds takt_twin_retained_size() bytes, 8-byte aligned, and must outlive the twin; `miss_limit` 0
 * takes the contract's for a board. */
void takt_twin_init(takt_twin_t *twin, void *retained, uint32_t key, uint16_t domain, bool watchdog_reset,
                    uint32_t miss_limit, uint64_t now_ns, uint32_t nonce)
{
    memset(twin, 0, sizeof *twin);
    twin->now_ns = now_ns;
    twin->platform = (takt_platform_t){
        .context = twin,
        .now_ns = twin_now,
        .cpu_ns = twin_cpu,
        .read_encoder = twin_read_encoder,
        .drive = twin_drive,
        .feed_watchdog = twin_feed_watchdog,
        .link_read = twin_link_read,
        .link_write = twin_link_write,
        .retained = retained,
        .nonce = nonce,
        .watchdog_reset = watchdog_reset,
        .miss_limit = miss_limit != 0 ? miss_limit : TAKT_SAFETY_MISS_LIMIT_BOARD,
    };
    const takt_board_config_t config = {.client_key = key, .domain = domain};
    takt_board_init(&twin->board, &twin->platform, &config);
}

void takt_twin_control_cycle(takt_twin_t *twin, uint64_t release_ns, uint64_t start_ns, uint64_t execution_ns,
                             uint64_t execution_cpu_ns)
{
    twin->now_ns = start_ns;
    twin->execution_ns = execution_ns;
    twin->execution_cpu_ns = execution_cpu_ns;
    takt_board_control_cycle(&twin->board, release_ns);
}

uint64_t takt_twin_next_release(const takt_twin_t *twin, uint64_t now_ns)
{
    return takt_board_next_release(&twin->board, now_ns);
}

void takt_twin_link_poll(takt_twin_t *twin, uint64_t now_ns)
{
    twin->now_ns = now_ns;
    takt_board_link_poll(&twin->board);
}

/* Bytes in and a poll in one call; returns how many bytes wait for takt_twin_take_link. */
size_t takt_twin_link_turn(takt_twin_t *twin, uint64_t now_ns, const uint8_t *bytes, size_t count)
{
    (void)line_put(&twin->in, bytes, count);
    takt_twin_link_poll(twin, now_ns);
    return twin->out.size;
}

size_t takt_twin_feed_link(takt_twin_t *twin, const uint8_t *bytes, size_t count)
{
    return line_put(&twin->in, bytes, count);
}

size_t takt_twin_take_link(takt_twin_t *twin, uint8_t *out, size_t capacity)
{
    return line_get(&twin->out, out, capacity);
}

void takt_twin_set_encoders(takt_twin_t *twin, int32_t left, int32_t right, uint64_t plant_ns,
                            uint64_t now_ns, uint16_t supply_mv, bool e_stop, bool motor_fault)
{
    twin->sample = (takt_encoder_sample_t){
        .present = true,
        .sequence = twin->sample.sequence + 1u,
        .sample_ns = plant_ns,
        .received_ns = now_ns,
        .counts = {left, right},
        .supply_mv = supply_mv,
        .e_stop = e_stop,
        .motor_fault = motor_fault,
    };
}

static void view_control(const takt_board_t *board, takt_twin_view_t *view)
{
    const takt_control_t *control = &board->control;
    memcpy(view->position_counts, control->encoder.position_counts, sizeof view->position_counts);
    memcpy(view->speed_rad_s, control->encoder.speed_rad_s, sizeof view->speed_rad_s);
    memcpy(view->refused, control->refused, sizeof view->refused);
    view->rung = (uint8_t)control->safety.rung;
    view->cause = (uint8_t)control->safety.cause;
    view->fault = (uint8_t)control->safety.fault;
    view->hold_reason = (uint8_t)control->safety.hold_reason;
    view->armed = control->safety.armed ? 1u : 0u;
    view->cycle = board->deadlines.cycle;
    view->cycles = board->deadlines.cycles;
    memcpy(view->misses, board->deadlines.misses, sizeof view->misses);
    view->window_misses = board->deadlines.window_misses;
    view->photon_to_motor_p50_us = takt_histogram_quantile_us(&board->photon_to_motor, 0.50f);
    view->photon_to_motor_p99_us = takt_histogram_quantile_us(&board->photon_to_motor, 0.99f);
    view->photon_to_motor_count = takt_histogram_count(&board->photon_to_motor);
}

void takt_twin_view(const takt_twin_t *twin, uint64_t now_ns, takt_twin_view_t *view)
{
    const takt_clock_t *clock = takt_client_clock(&twin->board.client);
    memset(view, 0, sizeof *view);
    view_control(&twin->board, view);
    memcpy(view->duty, twin->drive.duty, sizeof view->duty);
    memcpy(view->setpoint_rad_s, twin->drive.setpoint_rad_s, sizeof view->setpoint_rad_s);
    view->driver_enabled = twin->drive.driver_enabled ? 1u : 0u;
    view->conditions = takt_board_status(&twin->board)->outputs.conditions;
    view->ledger_pending = takt_ledger_pending(&twin->board.ledger);
    view->boot_count = twin->board.ledger.boot_count;
    view->watchdog_feeds = twin->watchdog_feeds;
    view->client_state = (uint32_t)takt_client_state(&twin->board.client);
    view->clock_epoch = takt_clock_epoch(clock);
    view->clock_locked = takt_clock_locked(clock, now_ns) ? 1u : 0u;
    view->clock_bound_ns = takt_clock_bound_ns(clock, now_ns);
    view->ros_offset_ns = view->clock_locked != 0 ? takt_clock_ros_ns(clock, now_ns) - (int64_t)now_ns : 0;
}

/* Copies the record at `index` from the oldest unconfirmed one; returns how many wait. */
uint32_t takt_twin_ledger(const takt_twin_t *twin, uint32_t index, takt_ledger_record_t *record)
{
    const uint32_t pending = takt_ledger_pending(&twin->board.ledger);
    if (index < pending) {
        *record = *takt_ledger_at(&twin->board.ledger, index);
    }
    return pending;
}

uint32_t takt_twin_confirm(takt_twin_t *twin, uint64_t identity)
{
    return takt_ledger_confirm(&twin->board.ledger, identity);
}
