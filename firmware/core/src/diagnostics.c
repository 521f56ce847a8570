/* The board's diagnostic messages; see diagnostics.h. */
#include "diagnostics.h"

#include "takt/text.h"
#include "takt_contract.h"
#include "takt_messages.h"

#define MAX_VALUES  12u
#define VALUE_BYTES 24u /* longest value but for the contract's hash: 20 digits and a sign */
#define NS_PER_S    1000000000

/* One status under construction. */
typedef struct {
    takt_diagnostic_msgs_KeyValue_t values[MAX_VALUES];
    char texts[MAX_VALUES][VALUE_BYTES];
    uint32_t count;
} sheet_t;

static takt_text_t begin_value(sheet_t *sheet, const char *key)
{
    takt_text_t text;
    takt_text_init(&text, sheet->texts[sheet->count], VALUE_BYTES);
    sheet->values[sheet->count].key = takt_string(key);
    return text;
}

static void end_value(sheet_t *sheet, const takt_text_t *text)
{
    sheet->values[sheet->count].value = (takt_string_t){text->data, (uint32_t)text->size};
    sheet->count++;
}

static void put_u64(sheet_t *sheet, const char *key, uint64_t value)
{
    takt_text_t text = begin_value(sheet, key);
    takt_text_u64(&text, value);
    end_value(sheet, &text);
}

static void put_i64(sheet_t *sheet, const char *key, int64_t value)
{
    takt_text_t text = begin_value(sheet, key);
    takt_text_i64(&text, value);
    end_value(sheet, &text);
}

static void put_float(sheet_t *sheet, const char *key, float value, unsigned decimals)
{
    takt_text_t text = begin_value(sheet, key);
    takt_text_fixed(&text, value, decimals);
    end_value(sheet, &text);
}

/* `word` must outlive the sheet. */
static void put_word(sheet_t *sheet, const char *key, const char *word)
{
    sheet->values[sheet->count].key = takt_string(key);
    sheet->values[sheet->count].value = takt_string(word);
    sheet->count++;
}

static void put_bool(sheet_t *sheet, const char *key, bool value)
{
    put_word(sheet, key, value ? "true" : "false");
}

/* ---- statuses: each fills the sheet and returns level and message
 * -------------------------------------------- */

typedef struct {
    uint8_t level;
    const char *message;
} verdict_t;

static verdict_t fill_safety(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet)
{
    (void)now_ns;
    const takt_safety_t *safety = &takt_board_status(board)->safety;
    put_word(sheet, "rung", takt_rung_name(safety->rung));
    put_bool(sheet, "armed", safety->armed);
    put_word(sheet, "reason", takt_safety_reason(safety));
    put_word(sheet, "fault", takt_cause_name(safety->fault));
    put_word(sheet, "contract", TAKT_CONTRACT_HASH);
    uint8_t level = TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_OK;
    if (safety->fault != TAKT_CAUSE_NONE) {
        level = TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_ERROR;
    } else if (safety->rung != TAKT_RUNG_NOMINAL) {
        level = TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_WARN;
    }
    return (verdict_t){level, takt_safety_reason(safety)};
}

static verdict_t fill_clock(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet)
{
    const takt_clock_t *clock = takt_client_clock(&board->client);
    const bool locked = takt_clock_locked(clock, now_ns);
    const uint64_t bound_ns = takt_clock_bound_ns(clock, now_ns);
    put_bool(sheet, "locked", locked);
    put_u64(sheet, "epoch", takt_clock_epoch(clock));
    put_i64(sheet, "offset_ns", locked ? takt_clock_ros_ns(clock, now_ns) - (int64_t)now_ns : 0);
    if (bound_ns == UINT64_MAX) {
        put_word(sheet, "bound_us", "inf");
    } else {
        put_u64(sheet, "bound_us", (bound_ns + 999u) / 1000u);
    }
    put_float(sheet, "drift_ppm", (float)clock->drift_ppb * 1e-3f, 3u);
    return locked ? (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_OK, "locked"}
                  : (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_WARN, "not locked"};
}

static const char *client_state_name(takt_client_state_t state)
{
    switch (state) {
    case TAKT_CLIENT_CONNECTING:
        return "connecting";
    case TAKT_CLIENT_CREATING:
        return "creating";
    case TAKT_CLIENT_CONNECTED:
        return "connected";
    case TAKT_CLIENT_DISCONNECTED:
    default:
        return "disconnected";
    }
}

static verdict_t fill_link(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet)
{
    (void)now_ns;
    const takt_client_stats_t *stats = takt_client_stats(&board->client);
    const char *state = client_state_name(takt_client_state(&board->client));
    put_word(sheet, "state", state);
    put_u64(sheet, "rx", stats->rx);
    put_u64(sheet, "tx", stats->tx);
    put_u64(sheet, "crc_errors", stats->crc_errors);
    put_u64(sheet, "retransmits", stats->retransmits);
    put_u64(sheet, "reconnects", stats->reconnects);
    put_u64(sheet, "round_trip_us", stats->round_trip_us);
    put_u64(sheet, "dropped", stats->dropped);
    put_u64(sheet, "refused", stats->refused);
    return (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_OK, state};
}

static verdict_t fill_motors(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet)
{
    (void)now_ns;
    const takt_board_status_t *status = takt_board_status(board);
    const takt_outputs_t *outputs = &status->outputs;
    put_float(sheet, "duty_left", outputs->duty[TAKT_LEFT], 4u);
    put_float(sheet, "duty_right", outputs->duty[TAKT_RIGHT], 4u);
    put_float(sheet, "setpoint_left_rad_s", outputs->setpoint_rad_s[TAKT_LEFT], 3u);
    put_float(sheet, "setpoint_right_rad_s", outputs->setpoint_rad_s[TAKT_RIGHT], 3u);
    put_float(sheet, "speed_left_rad_s", status->speed_rad_s[TAKT_LEFT], 3u);
    put_float(sheet, "speed_right_rad_s", status->speed_rad_s[TAKT_RIGHT], 3u);
    put_bool(sheet, "driver_enabled", outputs->driver_enabled);
    put_u64(sheet, "supply_mv", status->supply_mv);
    put_word(sheet, "encoder_left", takt_wheel_fault_name(status->encoder_fault[TAKT_LEFT]));
    put_word(sheet, "encoder_right", takt_wheel_fault_name(status->encoder_fault[TAKT_RIGHT]));
    if (status->supply_low) {
        return (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_WARN, "low supply"};
    }
    return (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_OK, outputs->driver_enabled ? "on" : "off"};
}

static verdict_t fill_loop(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet)
{
    const takt_board_status_t *status = takt_board_status(board);
    const uint32_t *misses = status->misses;
    put_u64(sheet, "cycles", status->cycles);
    put_u64(sheet, "misses",
            (uint64_t)misses[TAKT_MISS_OWN_OVERRUN] + misses[TAKT_MISS_LATE_RELEASE] +
                misses[TAKT_MISS_PREEMPTED] + misses[TAKT_MISS_SKIPPED]);
    put_u64(sheet, "skipped", misses[TAKT_MISS_SKIPPED]);
    put_u64(sheet, "miss_own_overrun", misses[TAKT_MISS_OWN_OVERRUN]);
    put_u64(sheet, "miss_late_release", misses[TAKT_MISS_LATE_RELEASE]);
    put_u64(sheet, "miss_preempted", misses[TAKT_MISS_PREEMPTED]);
    put_u64(sheet, "miss_skipped", misses[TAKT_MISS_SKIPPED]);
    put_u64(sheet, "uptime_ms", now_ns / 1000000u);
    put_u64(sheet, "boot_count", takt_ledger_boots(&board->ledger));
    put_u64(sheet, "ledger_pending", takt_ledger_pending(&board->ledger));
    return status->window_misses == 0
               ? (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_OK, "in time"}
               : (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_WARN, "misses in the window"};
}

static void put_percentiles(sheet_t *sheet, const char *const keys[4], const takt_histogram_t *histogram,
                            unsigned decimals)
{
    put_float(sheet, keys[0], takt_histogram_quantile_us(histogram, 0.50f), decimals);
    put_float(sheet, keys[1], takt_histogram_quantile_us(histogram, 0.95f), decimals);
    put_float(sheet, keys[2], takt_histogram_quantile_us(histogram, 0.99f), decimals);
    put_float(sheet, keys[3], takt_histogram_max_us(histogram), decimals);
}

static verdict_t fill_timing(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet)
{
    static const char *const jitter[4] = {"release_jitter_p50_us", "release_jitter_p95_us",
                                          "release_jitter_p99_us", "release_jitter_max_us"};
    static const char *const execution[4] = {"execution_p50_us", "execution_p95_us", "execution_p99_us",
                                             "execution_max_us"};
    (void)now_ns;
    put_percentiles(sheet, jitter, &board->deadlines.release_jitter, 1u);
    put_percentiles(sheet, execution, &board->deadlines.execution, 1u);
    return (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_OK, ""};
}

static verdict_t fill_commands(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet)
{
    static const char *const photon[4] = {"photon_to_motor_p50_us", "photon_to_motor_p95_us",
                                          "photon_to_motor_p99_us", "photon_to_motor_max_us"};
    (void)now_ns;
    const uint32_t *refused = takt_board_status(board)->refused;
    put_u64(sheet, "refused_stale", refused[TAKT_GATE_STALE]);
    put_u64(sheet, "refused_future", refused[TAKT_GATE_FUTURE]);
    put_u64(sheet, "refused_zero", refused[TAKT_GATE_ZERO]);
    put_u64(sheet, "refused_clock", refused[TAKT_GATE_CLOCK]);
    put_u64(sheet, "refused_nan", refused[TAKT_GATE_NAN]);
    put_percentiles(sheet, photon, &board->photon_to_motor, 0u);
    put_u64(sheet, "photon_to_motor_count", takt_histogram_count(&board->photon_to_motor));
    return (verdict_t){TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_OK, ""};
}

static const struct {
    const char *name;
    verdict_t (*fill)(const takt_board_t *board, uint64_t now_ns, sheet_t *sheet);
} statuses[TAKT_STATUS_COUNT] = {
    [TAKT_STATUS_SAFETY] = {"base: safety", fill_safety},
    [TAKT_STATUS_CLOCK] = {"base: clock", fill_clock},
    [TAKT_STATUS_LINK] = {"base: link", fill_link},
    [TAKT_STATUS_MOTORS] = {"base: motors", fill_motors},
    [TAKT_STATUS_LOOP] = {"base: loop", fill_loop},
    [TAKT_STATUS_TIMING] = {"base: timing", fill_timing},
    [TAKT_STATUS_COMMANDS] = {"base: commands", fill_commands},
};

/* ---- messages
 * ----------------------------------------------------------------------------------------------- */

static size_t write_array(const sheet_t *sheet, const char *name, verdict_t verdict, int64_t stamp_ns,
                          uint8_t *out, size_t capacity)
{
    const takt_diagnostic_msgs_DiagnosticStatus_t status = {
        .level = verdict.level,
        .name = takt_string(name),
        .message = takt_string(verdict.message),
        .hardware_id = takt_string("base"),
        .values = sheet->values,
        .values_count = sheet->count,
    };
    const takt_diagnostic_msgs_DiagnosticArray_t message = {
        .header.stamp = {(int32_t)(stamp_ns / NS_PER_S), (uint32_t)(stamp_ns % NS_PER_S)},
        .header.frame_id = takt_string(""),
        .status = &status,
        .status_count = 1u,
    };
    takt_cdr_t cdr;
    takt_cdr_writer(&cdr, out, capacity);
    (void)takt_write_diagnostic_msgs_DiagnosticArray(&cdr, &message);
    return takt_cdr_written(&cdr);
}

int64_t takt_diagnostics_ros_ns(const takt_board_t *board, uint64_t at_ns, uint64_t now_ns)
{
    const takt_clock_t *clock = takt_client_clock(&board->client);
    return takt_clock_locked(clock, now_ns) ? takt_clock_ros_ns(clock, at_ns) : 0;
}

size_t takt_diagnostics_write(const takt_board_t *board, takt_status_kind_t kind, uint64_t now_ns,
                              uint8_t *out, size_t capacity)
{
    sheet_t sheet = {.count = 0};
    const verdict_t verdict = statuses[kind].fill(board, now_ns, &sheet);
    const int64_t stamp_ns = takt_diagnostics_ros_ns(board, now_ns, now_ns);
    return write_array(&sheet, statuses[kind].name, verdict, stamp_ns, out, capacity);
}

static takt_miss_cause_t only_cause(const takt_ledger_record_t *record)
{
    unsigned cause = 0;
    while (cause + 1u < TAKT_MISS_CAUSES && record->counts[cause] == 0) {
        cause++;
    }
    return (takt_miss_cause_t)cause;
}

static void fill_gap(const takt_ledger_record_t *record, sheet_t *sheet)
{
    put_u64(sheet, "first_boot", record->first >> 32);
    put_u64(sheet, "first_sequence", record->first & UINT32_MAX);
    put_u64(sheet, "own_overrun", record->counts[TAKT_MISS_OWN_OVERRUN]);
    put_u64(sheet, "late_release", record->counts[TAKT_MISS_LATE_RELEASE]);
    put_u64(sheet, "preempted", record->counts[TAKT_MISS_PREEMPTED]);
    put_u64(sheet, "skipped", record->counts[TAKT_MISS_SKIPPED]);
}

size_t takt_diagnostics_write_miss(const takt_board_t *board, const takt_ledger_record_t *record,
                                   uint64_t now_ns, uint8_t *out, size_t capacity)
{
    sheet_t sheet = {.count = 0};
    const bool gap = takt_ledger_is_gap(record);
    const char *cause = gap ? "gap" : takt_miss_cause_name(only_cause(record));
    put_u64(&sheet, "boot", record->last >> 32);
    put_u64(&sheet, "sequence", record->last & UINT32_MAX);
    put_u64(&sheet, "previous", record->previous);
    put_word(&sheet, "cause", cause);
    put_u64(&sheet, "cycle", record->cycle);
    put_u64(&sheet, "late_ns", record->late_ns);
    if (gap) {
        fill_gap(record, &sheet);
    } else {
        put_u64(&sheet, "release_ns", record->release_ns);
    }
    /* Board time of an earlier boot means nothing to this boot's clock. */
    const bool ours = (record->first >> 32) == board->ledger.boot_count;
    const int64_t stamp_ns = ours ? takt_diagnostics_ros_ns(board, record->release_ns, now_ns) : 0;
    const verdict_t verdict = {TAKT_DIAGNOSTIC_MSGS_DIAGNOSTICSTATUS_WARN, cause};
    return write_array(&sheet, "base: miss", verdict, stamp_ns < 0 ? 0 : stamp_ns, out, capacity);
}
