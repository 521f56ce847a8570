/* When the board publishes what; the contents of diagnostics are in diagnostics.c. */
#include "board_link.h"
#include "diagnostics.h"
#include "takt_contract.h"
#include "takt_messages.h"

#define NS_PER_S 1000000000u
#define TWO_PI   6.283185307179586

#define DIAGNOSTIC_GAP_NS (NS_PER_S / TAKT_STATUS_COUNT) /* each status once a second, evenly spread */
#define CHANGE_GAP_NS     50000000u                      /* a flapping state must not flood the line */
#define MISS_GAP_NS       20000000u                 /* so that a few in a row leave the line to the others */
#define MISS_RESEND_NS    (3u * (uint64_t)NS_PER_S) /* the host confirms once a second and on change */

static takt_builtin_interfaces_Time_t ros_stamp(int64_t ros_ns)
{
    const takt_builtin_interfaces_Time_t stamp = {(int32_t)(ros_ns / (int64_t)NS_PER_S),
                                                  (uint32_t)(ros_ns % (int64_t)NS_PER_S)};
    return stamp;
}

/* ---- joint_states: once for each control cycle
 * ---------------------------------------------------------------- */

static size_t write_joint_states(const takt_board_status_t *status, int64_t stamp_ns, uint8_t *out,
                                 size_t capacity)
{
    const takt_string_t names[TAKT_WHEELS] = {takt_string("left_wheel_joint"),
                                              takt_string("right_wheel_joint")};
    double position_rad[TAKT_WHEELS];
    double speed_rad_s[TAKT_WHEELS];
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        position_rad[wheel] =
            (double)status->position_counts[wheel] * (TWO_PI / (double)TAKT_ROBOT_ENCODER_COUNTS_PER_REV);
        speed_rad_s[wheel] = (double)status->speed_rad_s[wheel];
    }
    const takt_sensor_msgs_JointState_t message = {
        .header = {ros_stamp(stamp_ns), takt_string("")},
        .name = names,
        .name_count = TAKT_WHEELS,
        .position = position_rad,
        .position_count = TAKT_WHEELS,
        .velocity = speed_rad_s,
        .velocity_count = TAKT_WHEELS,
    };
    takt_cdr_t cdr;
    takt_cdr_writer(&cdr, out, capacity);
    (void)takt_write_sensor_msgs_JointState(&cdr, &message);
    return takt_cdr_written(&cdr);
}

/* A rate that is a parameter, in control cycles: as often as asked for or the next slower one. */
static uint32_t cycles_for(const takt_board_t *board, unsigned parameter)
{
    const uint32_t rate_hz = (uint32_t)takt_parameters_value(&board->parameters, parameter);
    return (TAKT_CONTROL_RATE_HZ + rate_hz - 1u) / rate_hz;
}

/* Without ROS time or without a sample there is nothing true to say. */
static void publish_joint_states(takt_board_t *board, uint64_t now_ns)
{
    const takt_board_status_t *status = takt_board_status(board);
    takt_telemetry_t *telemetry = &board->telemetry;
    const uint32_t every = cycles_for(board, TAKT_PARAMETER_TOPICS_JOINT_STATES_RATE_HZ);
    if (status->cycles - telemetry->joint_cycle < every || !status->sample_present) {
        return;
    }
    telemetry->joint_cycle = status->cycles;
    const int64_t stamp_ns = takt_diagnostics_ros_ns(board, status->sample_ns, now_ns);
    if (stamp_ns <= 0) {
        return;
    }
    uint8_t cdr[TAKT_TOPICS_JOINT_STATES_MAX_CDR_BYTES];
    const size_t size = write_joint_states(status, stamp_ns, cdr, sizeof cdr);
    takt_client_publish(&board->client, TAKT_TOPIC_JOINT_STATES, cdr, size, now_ns);
}

/* ---- applied
 * ------------------------------------------------------------------------------------------------ */

static size_t write_applied(const takt_applied_t *applied, uint8_t *out, size_t capacity)
{
    const char *source = applied->disarmed ? "disarmed" : takt_gate_name(applied->verdict);
    const takt_sensor_msgs_TimeReference_t message = {
        .header = {ros_stamp(applied->cycle_ros_ns), takt_string("")},
        .time_ref = ros_stamp(applied->stamp_ns > 0 ? applied->stamp_ns : 0),
        .source = takt_string(source),
    };
    takt_cdr_t cdr;
    takt_cdr_writer(&cdr, out, capacity);
    (void)takt_write_sensor_msgs_TimeReference(&cdr, &message);
    return takt_cdr_written(&cdr);
}

static void publish_applied(takt_board_t *board, uint64_t now_ns)
{
    takt_applied_ring_t *ring = &board->applied;
    const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&ring->head, memory_order_acquire) ||
        now_ns < board->telemetry.next_applied_ns) {
        return;
    }
    uint8_t cdr[TAKT_TOPICS_APPLIED_MAX_CDR_BYTES];
    const size_t size = write_applied(&ring->items[tail % TAKT_APPLIED_RING], cdr, sizeof cdr);
    atomic_store_explicit(&ring->tail, tail + 1u, memory_order_release);
    const uint32_t rate_hz =
        (uint32_t)takt_parameters_value(&board->parameters, TAKT_PARAMETER_TOPICS_APPLIED_RATE_HZ);
    board->telemetry.next_applied_ns = now_ns + NS_PER_S / rate_hz;
    takt_client_publish(&board->client, TAKT_TOPIC_APPLIED, cdr, size, now_ns);
}

/* ---- diagnostics
 * -------------------------------------------------------------------------------------------- */

static bool send_diagnostic(takt_board_t *board, takt_status_kind_t kind, uint64_t now_ns)
{
    if (!takt_client_has_room(&board->client, TAKT_TOPICS_DIAGNOSTICS_MAX_CDR_BYTES)) {
        return false;
    }
    uint8_t cdr[TAKT_TOPICS_DIAGNOSTICS_MAX_CDR_BYTES];
    const size_t size = takt_diagnostics_write(board, kind, now_ns, cdr, sizeof cdr);
    (void)takt_client_publish(&board->client, TAKT_TOPIC_DIAGNOSTICS, cdr, size, now_ns); /* has room */
    return true;
}

/* What a change of is told at once, as one number. */
static uint32_t safety_word(const takt_safety_t *safety)
{
    return (uint32_t)safety->rung | (uint32_t)safety->cause << 8 | (uint32_t)safety->fault << 16 |
           (uint32_t)safety->hold_reason << 24 | (safety->armed ? 0x80000000u : 0u);
}

static void publish_changes(takt_board_t *board, uint64_t now_ns)
{
    takt_telemetry_t *telemetry = &board->telemetry;
    if (now_ns < telemetry->next_change_ns) {
        return;
    }
    const takt_safety_t *safety = &takt_board_status(board)->safety;
    const bool locked = takt_clock_locked(takt_client_clock(&board->client), now_ns);
    if (safety_word(&telemetry->told_safety) != safety_word(safety) &&
        send_diagnostic(board, TAKT_STATUS_SAFETY, now_ns)) {
        telemetry->told_safety = *safety;
        telemetry->next_change_ns = now_ns + CHANGE_GAP_NS;
    }
    if (locked != telemetry->told_locked && send_diagnostic(board, TAKT_STATUS_CLOCK, now_ns)) {
        telemetry->told_locked = locked;
        telemetry->next_change_ns = now_ns + CHANGE_GAP_NS;
    }
}

/* Right after a connect the host wants to know everything; later once a second will do. */
static void publish_periodic(takt_board_t *board, uint64_t now_ns)
{
    takt_telemetry_t *telemetry = &board->telemetry;
    const bool due = telemetry->first_round > 0 || now_ns >= telemetry->next_diagnostic_ns;
    if (!due || !send_diagnostic(board, (takt_status_kind_t)telemetry->next_diagnostic, now_ns)) {
        return;
    }
    telemetry->next_diagnostic = (telemetry->next_diagnostic + 1u) % TAKT_STATUS_COUNT;
    telemetry->first_round = telemetry->first_round > 0 ? telemetry->first_round - 1u : 0u;
    const uint64_t grid_ns = telemetry->next_diagnostic_ns + DIAGNOSTIC_GAP_NS;
    telemetry->next_diagnostic_ns = grid_ns > now_ns ? grid_ns : now_ns + DIAGNOSTIC_GAP_NS;
}

/* ---- deadline misses: in order, each until the host confirms it
 * ---------------------------------------------- */

/* The contract's rate holds for every second, not for every gap: an overrun and the cycles that it skips are
 * told at once. */
static bool may_tell_miss(const takt_telemetry_t *telemetry, uint64_t now_ns)
{
    return now_ns >= telemetry->next_miss_ns && now_ns >= telemetry->miss_due_ns[telemetry->miss_place];
}

static void note_told_miss(takt_telemetry_t *telemetry, uint64_t now_ns)
{
    telemetry->miss_cursor++;
    telemetry->miss_sent_ns = now_ns;
    telemetry->next_miss_ns = now_ns + MISS_GAP_NS;
    telemetry->miss_due_ns[telemetry->miss_place] = now_ns + NS_PER_S;
    telemetry->miss_place = (telemetry->miss_place + 1u) % TAKT_TOPICS_DEADLINE_MISSES_RATE_HZ;
}

static void publish_misses(takt_board_t *board, uint64_t now_ns)
{
    takt_telemetry_t *telemetry = &board->telemetry;
    const uint32_t pending = takt_ledger_pending(&board->ledger);
    if (telemetry->miss_cursor > 0 && now_ns - telemetry->miss_sent_ns >= MISS_RESEND_NS) {
        telemetry->miss_cursor = 0; /* no confirmation came: from the oldest again */
    }
    if (telemetry->miss_cursor >= pending || !may_tell_miss(telemetry, now_ns) ||
        !takt_client_has_room(&board->client, TAKT_TOPICS_DEADLINE_MISSES_MAX_CDR_BYTES)) {
        return;
    }
    uint8_t cdr[TAKT_TOPICS_DEADLINE_MISSES_MAX_CDR_BYTES];
    const takt_ledger_record_t *record = takt_ledger_at(&board->ledger, telemetry->miss_cursor);
    const size_t size = takt_diagnostics_write_miss(board, record, now_ns, cdr, sizeof cdr);
    (void)takt_client_publish(&board->client, TAKT_TOPIC_DEADLINE_MISSES, cdr, size, now_ns); /* has room */
    note_told_miss(telemetry, now_ns);
}

static void start_over(takt_telemetry_t *telemetry)
{
    telemetry->next_diagnostic = 0;
    telemetry->first_round = TAKT_STATUS_COUNT;
    telemetry->miss_cursor = 0; /* what was on its way when the line broke may be lost */
}

void takt_telemetry_publish(takt_board_t *board, uint64_t now_ns)
{
    takt_telemetry_t *telemetry = &board->telemetry;
    const bool connected = takt_client_state(&board->client) == TAKT_CLIENT_CONNECTED;
    if (connected && !telemetry->connected) {
        start_over(telemetry);
    }
    telemetry->connected = connected;
    if (!connected) {
        return;
    }
    publish_applied(board, now_ns);
    publish_joint_states(board, now_ns);
    publish_changes(board, now_ns);
    publish_periodic(board, now_ns);
    publish_misses(board, now_ns);
}
