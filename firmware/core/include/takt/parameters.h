/* ROS parameters of the board, link side: takt_parameters_t, their values and the services that ROS tools
 * ask.
 *
 * The table is the contract's (takt_parameter_table): ranges, and when a value may change. The link thread
 * judges a request by what the control thread said last, answers, and hands the whole set over; the control
 * thread takes it between two cycles, all at once, and waits with it while a changed value may not change (a
 * command that arrived meanwhile). Nothing here blocks or allocates. */
#ifndef TAKT_PARAMETERS_H
#define TAKT_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "takt/tuning.h"
#include "takt_contract.h"

typedef enum {
    TAKT_SET_OK,
    TAKT_SET_UNKNOWN,  /* no such parameter */
    TAKT_SET_TYPE,     /* not the parameter's ROS type */
    TAKT_SET_RANGE,    /* outside low to high, or not a number */
    TAKT_SET_STEP,     /* between two steps */
    TAKT_SET_DRIVING,  /* may change only at rest */
    TAKT_SET_ARMED,    /* may change only while disarmed */
    TAKT_SET_READ_ONLY /* never changes on a running board */
} takt_set_t;

#define TAKT_PARAMETERS_PER_REQUEST 32u /* a request of TAKT_PARAMETER_REQUEST_BYTES cannot hold more */

typedef struct {
    double values[TAKT_PARAMETER_COUNT];
    uint32_t changes; /* sets accepted since takt_parameters_init; restored values do not count */

    /* The request under way: it is read again for each part of a reply larger than one message. */
    uint8_t request[TAKT_PARAMETER_REQUEST_BYTES];
    uint16_t request_size;
    uint8_t set_count;
    uint8_t sets[TAKT_PARAMETERS_PER_REQUEST]; /* takt_set_t of each parameter of a set request */
} takt_parameters_t;

/* Every value as the contract has it. */
void takt_parameters_init(takt_parameters_t *parameters);

/* ---- for a store (flash, file): link thread, or before the threads start
 * -------------------------------------------- */

/* At start-up: the value that was stored under this name. False, and the contract's value stays: there is no
 * such parameter (any more), it is read-only, or the value is outside the present range. */
bool takt_parameters_restore(takt_parameters_t *parameters, const char *name, double value);

/* What to store, by name; differs from what was stored when takt_parameters_changes does. A store writes only
 * while the board is disarmed and never from the control thread. */
double takt_parameters_value(const takt_parameters_t *parameters, unsigned parameter);
uint32_t takt_parameters_changes(const takt_parameters_t *parameters);

/* ---- changes
 * -------------------------------------------------------------------------------------------------------- */

/* Whether `value` may be set now; changes nothing. `integer`: it came as a ROS integer. */
takt_set_t takt_parameters_judge(unsigned parameter, double value, bool integer, takt_motion_t motion);

/* Index of the parameter with that name (not NUL-terminated), or TAKT_PARAMETER_COUNT. */
unsigned takt_parameters_find(const char *name, size_t size);

/* ---- the six services of rcl_interfaces
 * ---------------------------------------------------------------------------- */

/* Serves a request (CDR; may lie in `request` of the struct, where the link puts fragments together). Returns
 * the size of the reply, of which the first `capacity` bytes are in `reply`; 0: not understood, no reply. */
size_t takt_parameters_serve(takt_parameters_t *parameters, unsigned service, const uint8_t *cdr, size_t size,
                             takt_motion_t motion, uint8_t *reply, size_t capacity);

/* Bytes [from, from + count) of the reply to the request that was served last. */
void takt_parameters_reply_part(const takt_parameters_t *parameters, unsigned service, size_t from,
                                uint8_t *bytes, size_t count);

/* ---- to the control thread (takt/tuning.h)
 * --------------------------------------------------------------------------- */

/* Copies the values over if any changed since the last call. */
void takt_parameters_hand_over(const takt_parameters_t *parameters, takt_tuning_t *tuning);

#endif
