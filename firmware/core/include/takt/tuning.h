/* Parameters on the control side: takt_tuning_t, a whole set of values, and its way into the control
 * configuration. */
#ifndef TAKT_TUNING_H
#define TAKT_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/control_tick.h"
#include "takt_contract.h"

/* What a change is judged by. */
typedef struct {
    bool armed;
    bool standing; /* setpoints zero and wheels at rest */
} takt_motion_t;

takt_motion_t takt_tuning_motion(bool armed, const takt_outputs_t *outputs);

typedef struct {
    float values[TAKT_PARAMETER_COUNT];
    uint32_t version; /* counts the sets handed over; 0: none yet */
} takt_tuning_t;

/* The contract's values. */
void takt_tuning_init(takt_tuning_t *tuning);

/* Whether a parameter with this rule (TAKT_CHANGE_*) may change now. */
bool takt_tuning_may_change(uint8_t change, takt_motion_t motion);

/* Control thread, between two cycles: takes a newer set over, all of it at once. False, and nothing changed:
 * there is none, or a value that differs may not change now; it is tried again in the next cycle. */
bool takt_tuning_take(takt_tuning_t *present, const takt_tuning_t *wanted, takt_motion_t motion,
                      takt_control_config_t *config);

#endif
