/* Builds the board's diagnostic messages (one status each) as CDR; no state, no schedule. */
#ifndef TAKT_DIAGNOSTICS_H
#define TAKT_DIAGNOSTICS_H

#include <stddef.h>
#include <stdint.h>

#include "takt/board.h"

/* In the order in which they are sent. Names on the wire: "base: safety", ... */
typedef enum {
    TAKT_STATUS_SAFETY,
    TAKT_STATUS_CLOCK,
    TAKT_STATUS_LINK,
    TAKT_STATUS_MOTORS,
    TAKT_STATUS_LOOP,     /* counters of the control loop */
    TAKT_STATUS_TIMING,   /* its percentiles: a status of its own since one message holds 480 bytes */
    TAKT_STATUS_COMMANDS, /* commands refused, photon to motor */
    TAKT_STATUS_COUNT
} takt_status_kind_t;

/* Each returns the size of the CDR, 0 if it did not fit. */
size_t takt_diagnostics_write(const takt_board_t *board, takt_status_kind_t kind, uint64_t now_ns,
                              uint8_t *out, size_t capacity);
size_t takt_diagnostics_write_miss(const takt_board_t *board, const takt_ledger_record_t *record,
                                   uint64_t now_ns, uint8_t *out, size_t capacity);

/* ROS time at board time `at_ns`, 0 while the clock is not locked. */
int64_t takt_diagnostics_ros_ns(const takt_board_t *board, uint64_t at_ns, uint64_t now_ns);

#endif
