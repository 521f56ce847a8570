/* Safety: the rung of the board's ladder, arming, and what each state permits. It can only take away.
 *
 *   SAFE --arm--> HOLD <--fresh command / command lost--> NOMINAL          any trip, or arm(false) --> SAFE
 *
 * SAFE means disarmed, and it latches: only an arm request leaves it. Causes that hint at broken hardware or
 * missed time are faults on top: they need clear_fault first, which is a person's request. REDUCED belongs to
 * the host; the number is kept so that both computers speak of the same four rungs. */
#ifndef TAKT_SAFETY_H
#define TAKT_SAFETY_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/age_gate.h" /* takt_gate_t */

typedef enum {
    TAKT_RUNG_NOMINAL,
    TAKT_RUNG_REDUCED,
    TAKT_RUNG_HOLD,
    TAKT_RUNG_SAFE,
    TAKT_RUNG_COUNT
} takt_rung_t;

/* Why the board is SAFE. From TAKT_CAUSE_E_STOP on: faults, latched until clear_fault. */
typedef enum {
    TAKT_CAUSE_NONE,
    TAKT_CAUSE_POWER_UP,
    TAKT_CAUSE_DISARMED,        /* arm(false) */
    TAKT_CAUSE_LINK_SILENCE,    /* no valid message from the agent for too long */
    TAKT_CAUSE_ENCODER_SILENCE, /* samples stopped coming while armed: the edge went away, not the wheel */
    TAKT_CAUSE_WHEELS_TURNING,  /* never why a board is SAFE, only why it is not armed yet */
    TAKT_CAUSE_E_STOP,
    TAKT_CAUSE_MOTOR_FAULT,
    TAKT_CAUSE_ENCODER_FAULT, /* counts that cannot be true, or do not answer the duty, while armed */
    TAKT_CAUSE_BROWN_OUT,     /* too little supply to drive with while armed */
    TAKT_CAUSE_MISS_LIMIT,    /* K missed cycles in the window while armed */
    TAKT_CAUSE_WATCHDOG_RESET,
    TAKT_CAUSE_COUNT
} takt_cause_t;

/* Conditions of this cycle, one bit each. */
typedef enum {
    TAKT_CONDITION_E_STOP = 1u << 0,
    TAKT_CONDITION_MOTOR_FAULT = 1u << 1,
    TAKT_CONDITION_ENCODER_FAULT = 1u << 2,
    TAKT_CONDITION_MISS_LIMIT = 1u << 3,
    TAKT_CONDITION_ENCODER_SILENT = 1u << 4,
    TAKT_CONDITION_LINK_SILENT = 1u << 5,
    TAKT_CONDITION_WHEELS_TURNING = 1u << 6,
    TAKT_CONDITION_BROWN_OUT = 1u << 7
} takt_condition_t;

typedef enum {
    TAKT_REQUEST_DISARM,
    TAKT_REQUEST_CLEAR_FAULT,
    TAKT_REQUEST_ARM,
    TAKT_REQUEST_COUNT
} takt_request_t;

/* One number for each kind: drawn from one counter, so that the order of different requests is known too. */
typedef struct {
    uint32_t newest[TAKT_REQUEST_COUNT]; /* 0: never */
} takt_requests_t;

typedef struct {
    takt_rung_t rung;
    bool armed;
    takt_cause_t cause;      /* why SAFE; TAKT_CAUSE_NONE while armed */
    takt_cause_t fault;      /* latched; TAKT_CAUSE_NONE if none */
    takt_gate_t hold_reason; /* why HOLD: the verdict that closed the gate */
    takt_requests_t served;  /* requests acted upon or refused */
} takt_safety_t;

/* SAFE. `watchdog_reset`: latched as a fault. */
void takt_safety_init(takt_safety_t *safety, bool watchdog_reset);

/* Why an arm request would be refused now; TAKT_CAUSE_NONE: it would be granted. */
takt_cause_t takt_safety_arm_refusal(const takt_safety_t *safety, uint32_t conditions);

/* Why a clear_fault request would be refused now: the fault's condition still holds. */
takt_cause_t takt_safety_clear_refusal(const takt_safety_t *safety, uint32_t conditions);

/* One cycle: serves requests in the order in which they came, then trips on conditions, then picks the rung.
 */
void takt_safety_update(takt_safety_t *safety, const takt_requests_t *requests, uint32_t conditions,
                        takt_gate_t gate);

/* The last word before the motor driver: `duty` within `limit`, 0 if not armed or not a number. */
float takt_safety_duty(const takt_safety_t *safety, float duty, float limit);

const char *takt_rung_name(takt_rung_t rung);
const char *takt_cause_name(takt_cause_t cause); /* "none", "power_up", ... */

/* One word for the present rung: "ok", the gate's verdict in HOLD, the cause in SAFE. */
const char *takt_safety_reason(const takt_safety_t *safety);

#endif
