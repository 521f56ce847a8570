/* What a port must provide: takt_platform_t. Nothing else stands between the core and a machine. */
#ifndef TAKT_PLATFORM_H
#define TAKT_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "takt/encoder.h"
#include "takt/ledger.h"

/* What the motor driver is told in one cycle. */
typedef struct {
    uint32_t cycle;
    uint64_t board_ns;                 /* start of the cycle */
    float duty[TAKT_WHEELS];           /* -1 to 1 of the supply voltage, + forward */
    float setpoint_rad_s[TAKT_WHEELS]; /* for the record */
    bool driver_enabled;               /* false: driver off, windings shorted */
    bool armed;
    uint8_t rung; /* takt_rung_t */
} takt_drive_t;

/* `context` is handed to every callback. Callbacks marked "control" are called by the control thread and must
 * be quick and never block; those marked "link" by the link thread; now_ns by both. NULL is allowed where it
 * says so. */
typedef struct {
    void *context;

    /* Board time in ns: steady, from about 0 at start-up, never wraps. */
    uint64_t (*now_ns)(void *context);

    /* Processor time of the control thread in ns. NULL: nothing can preempt it, elapsed time is its own
     * (control). */
    uint64_t (*cpu_ns)(void *context);

    /* Newest encoder sample; present = false until there is one (control). */
    void (*read_encoder)(void *context, takt_encoder_sample_t *sample);

    /* Duty out, in every cycle, also while disarmed (control). */
    void (*drive)(void *context, const takt_drive_t *drive);

    /* Only called after a cycle that ended in time. NULL: no watchdog (control). */
    void (*feed_watchdog)(void *context);

    /* Line to the agent: bytes that are there, up to `capacity`; bytes taken out of `count` (link). */
    size_t (*link_read)(void *context, uint8_t *bytes, size_t capacity);
    size_t (*link_write)(void *context, const uint8_t *bytes, size_t count);

    takt_ledger_store_t *retained; /* survives resets; content after power-up may be anything */
    uint32_t nonce;                /* as different at each power-up as the board can make it; 0: it cannot */
    bool watchdog_reset;           /* this start was forced by the watchdog */
    uint32_t miss_limit;           /* misses in the contract's window that mean SAFE */
} takt_platform_t;

#endif
