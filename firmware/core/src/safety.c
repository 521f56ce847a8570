/* Safety states; see takt/safety.h. */
#include "takt/safety.h"

#include <math.h>   /* isfinite */
#include <stddef.h> /* size_t */
#include <string.h> /* memset */

#include "takt/clamp.h"

/* When a condition trips to SAFE. Every condition also refuses an arm request while it holds. */
typedef enum { TRIPS_ALWAYS, TRIPS_WHILE_ARMED, TRIPS_NEVER } trips_when_t;

/* Which condition trips, and as what. First match wins; all faults stand before the recoverable causes.
 * Wheels that still turn merely have to come to rest: a board that was reset at speed brakes first and takes
 * over afterwards. */
static const struct {
    uint32_t condition;
    takt_cause_t cause;
    trips_when_t when;
} trips[] = {
    {TAKT_CONDITION_E_STOP, TAKT_CAUSE_E_STOP, TRIPS_ALWAYS},
    {TAKT_CONDITION_MOTOR_FAULT, TAKT_CAUSE_MOTOR_FAULT, TRIPS_ALWAYS},
    {TAKT_CONDITION_ENCODER_FAULT, TAKT_CAUSE_ENCODER_FAULT, TRIPS_WHILE_ARMED},
    {TAKT_CONDITION_BROWN_OUT, TAKT_CAUSE_BROWN_OUT, TRIPS_WHILE_ARMED},
    {TAKT_CONDITION_MISS_LIMIT, TAKT_CAUSE_MISS_LIMIT, TRIPS_WHILE_ARMED},
    {TAKT_CONDITION_ENCODER_SILENT, TAKT_CAUSE_ENCODER_SILENCE, TRIPS_WHILE_ARMED},
    {TAKT_CONDITION_LINK_SILENT, TAKT_CAUSE_LINK_SILENCE, TRIPS_WHILE_ARMED},
    {TAKT_CONDITION_WHEELS_TURNING, TAKT_CAUSE_WHEELS_TURNING, TRIPS_NEVER},
};

#define TRIPS (sizeof trips / sizeof trips[0])

static bool needs_clear_fault(takt_cause_t cause)
{
    return cause >= TAKT_CAUSE_E_STOP;
}

static void enter_safe(takt_safety_t *safety, takt_cause_t cause)
{
    safety->armed = false;
    safety->rung = TAKT_RUNG_SAFE;
    safety->cause = cause;
    safety->hold_reason = TAKT_GATE_EMPTY;
    if (needs_clear_fault(cause) && safety->fault == TAKT_CAUSE_NONE) {
        safety->fault = cause; /* the first fault is the one to be told; later ones often follow from it */
    }
}

void takt_safety_init(takt_safety_t *safety, bool watchdog_reset)
{
    memset(safety, 0, sizeof *safety);
    enter_safe(safety, watchdog_reset ? TAKT_CAUSE_WATCHDOG_RESET : TAKT_CAUSE_POWER_UP);
}

takt_cause_t takt_safety_arm_refusal(const takt_safety_t *safety, uint32_t conditions)
{
    takt_cause_t refusal = safety->fault;
    for (size_t i = 0; i < TRIPS && refusal == TAKT_CAUSE_NONE; i++) {
        if ((conditions & trips[i].condition) != 0) {
            refusal = trips[i].cause;
        }
    }
    return refusal;
}

takt_cause_t takt_safety_clear_refusal(const takt_safety_t *safety, uint32_t conditions)
{
    bool holds = false;
    for (size_t i = 0; i < TRIPS; i++) {
        holds = holds || ((conditions & trips[i].condition) != 0 && trips[i].cause == safety->fault);
    }
    return holds ? safety->fault : TAKT_CAUSE_NONE;
}

static void arm(takt_safety_t *safety, uint32_t conditions)
{
    if (!safety->armed && takt_safety_arm_refusal(safety, conditions) == TAKT_CAUSE_NONE) {
        safety->armed = true; /* the update that called picks the rung */
        safety->cause = TAKT_CAUSE_NONE;
    }
}

static void clear_fault(takt_safety_t *safety, uint32_t conditions)
{
    if (takt_safety_clear_refusal(safety, conditions) == TAKT_CAUSE_NONE) {
        safety->cause = safety->fault == TAKT_CAUSE_NONE ? safety->cause : TAKT_CAUSE_DISARMED;
        safety->fault = TAKT_CAUSE_NONE;
    }
}

static void serve(takt_safety_t *safety, takt_request_t request, uint32_t conditions)
{
    if (request == TAKT_REQUEST_ARM) {
        arm(safety, conditions);
    } else if (request == TAKT_REQUEST_CLEAR_FAULT) {
        clear_fault(safety, conditions);
    } else if (safety->armed) {
        enter_safe(safety, TAKT_CAUSE_DISARMED);
    } else {
        /* disarmed twice */
    }
}

/* The oldest request not yet served, TAKT_REQUEST_COUNT if there is none. */
static takt_request_t oldest_pending(const takt_requests_t *served, const takt_requests_t *requests)
{
    unsigned oldest = TAKT_REQUEST_COUNT;
    for (unsigned kind = 0; kind < TAKT_REQUEST_COUNT; kind++) {
        if (requests->newest[kind] == served->newest[kind]) {
            continue;
        }
        if (oldest == TAKT_REQUEST_COUNT ||
            (int32_t)(requests->newest[kind] - requests->newest[oldest]) < 0) {
            oldest = kind;
        }
    }
    return (takt_request_t)oldest;
}

static void trip(takt_safety_t *safety, uint32_t conditions)
{
    for (size_t i = 0; i < TRIPS; i++) {
        const bool applies =
            trips[i].when == TRIPS_ALWAYS || (trips[i].when == TRIPS_WHILE_ARMED && safety->armed);
        if ((conditions & trips[i].condition) != 0 && applies) {
            enter_safe(safety, trips[i].cause);
            return;
        }
    }
}

static void pick_rung(takt_safety_t *safety, takt_gate_t gate)
{
    if (gate == TAKT_GATE_OPEN) {
        safety->rung = TAKT_RUNG_NOMINAL;
        return;
    }
    /* A dropped command leaves an empty gate behind; the reason it was dropped for is the one worth telling.
     */
    if (safety->rung == TAKT_RUNG_NOMINAL || gate != TAKT_GATE_EMPTY) {
        safety->hold_reason = gate;
    }
    safety->rung = TAKT_RUNG_HOLD;
}

void takt_safety_update(takt_safety_t *safety, const takt_requests_t *requests, uint32_t conditions,
                        takt_gate_t gate)
{
    for (unsigned n = 0; n < TAKT_REQUEST_COUNT; n++) {
        const takt_request_t request = oldest_pending(&safety->served, requests);
        if (request == TAKT_REQUEST_COUNT) {
            break;
        }
        serve(safety, request, conditions);
        safety->served.newest[request] = requests->newest[request];
    }
    trip(safety, conditions);
    if (safety->armed) {
        pick_rung(safety, gate);
    }
}

float takt_safety_duty(const takt_safety_t *safety, float duty, float limit)
{
    if (!safety->armed || safety->rung == TAKT_RUNG_SAFE || !isfinite(duty)) {
        return 0.0f;
    }
    return takt_clamp(duty, -limit, limit);
}

const char *takt_rung_name(takt_rung_t rung)
{
    static const char *const names[TAKT_RUNG_COUNT] = {"NOMINAL", "REDUCED", "HOLD", "SAFE"};
    return (unsigned)rung < TAKT_RUNG_COUNT ? names[rung] : "unknown";
}

const char *takt_cause_name(takt_cause_t cause)
{
    static const char *const names[TAKT_CAUSE_COUNT] = {
        "none",   "power_up",    "disarmed",      "link_silence", "encoder_silence", "wheels_turning",
        "e_stop", "motor_fault", "encoder_fault", "brown_out",    "miss_limit",      "watchdog_reset",
    };
    return (unsigned)cause < TAKT_CAUSE_COUNT ? names[cause] : "unknown";
}

const char *takt_safety_reason(const takt_safety_t *safety)
{
    switch (safety->rung) {
    case TAKT_RUNG_SAFE:
        return takt_cause_name(safety->cause);
    case TAKT_RUNG_HOLD:
        return takt_gate_name(safety->hold_reason);
    case TAKT_RUNG_NOMINAL:
    case TAKT_RUNG_REDUCED:
    case TAKT_RUNG_COUNT:
    default:
        return "ok";
    }
}
