/* The values of the board's parameters and who may change them; see takt/parameters.h. */
#include "takt/parameters.h"

#include <math.h>   /* fabs, floor */
#include <string.h> /* memcmp, strlen */

#define STEP_TOLERANCE 1e-6 /* of a step: decimal steps have no exact binary form */

void takt_parameters_init(takt_parameters_t *parameters)
{
    *parameters = (takt_parameters_t){.changes = 0};
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        parameters->values[i] = takt_parameter_table[i].value;
    }
}

double takt_parameters_value(const takt_parameters_t *parameters, unsigned parameter)
{
    return parameters->values[parameter];
}

uint32_t takt_parameters_changes(const takt_parameters_t *parameters)
{
    return parameters->changes;
}

unsigned takt_parameters_find(const char *name, size_t size)
{
    unsigned found = 0;
    while (found < TAKT_PARAMETER_COUNT && (strlen(takt_parameter_table[found].name) != size ||
                                            memcmp(takt_parameter_table[found].name, name, size) != 0)) {
        found++;
    }
    return found;
}

/* ---- judgement
 * ----------------------------------------------------------------------------------------------------- */

static takt_set_t judge_value(const takt_parameter_t *parameter, double value)
{
    if (!(value >= parameter->low && value <= parameter->high)) { /* also catches NaN */
        return TAKT_SET_RANGE;
    }
    if (parameter->step > 0.0 && value < parameter->high) {
        const double steps = (value - parameter->low) / parameter->step;
        if (fabs(steps - floor(steps + 0.5)) > STEP_TOLERANCE) {
            return TAKT_SET_STEP;
        }
    }
    return TAKT_SET_OK;
}

static takt_set_t judge_moment(uint8_t change, takt_motion_t motion)
{
    if (takt_tuning_may_change(change, motion)) {
        return TAKT_SET_OK;
    }
    return change == TAKT_CHANGE_DISARMED ? TAKT_SET_ARMED : TAKT_SET_DRIVING;
}

takt_set_t takt_parameters_judge(unsigned parameter, double value, bool integer, takt_motion_t motion)
{
    if (parameter >= TAKT_PARAMETER_COUNT) {
        return TAKT_SET_UNKNOWN;
    }
    const takt_parameter_t *row = &takt_parameter_table[parameter];
    if (row->change == TAKT_CHANGE_NEVER) {
        return TAKT_SET_READ_ONLY;
    }
    if (integer != row->whole) {
        return TAKT_SET_TYPE;
    }
    const takt_set_t fits = judge_value(row, value);
    return fits != TAKT_SET_OK ? fits : judge_moment(row->change, motion);
}

bool takt_parameters_restore(takt_parameters_t *parameters, const char *name, double value)
{
    const unsigned parameter = takt_parameters_find(name, strlen(name));
    const takt_motion_t off = {.armed = false, .standing = true};
    if (parameter == TAKT_PARAMETER_COUNT ||
        takt_parameters_judge(parameter, value, takt_parameter_table[parameter].whole, off) != TAKT_SET_OK) {
        return false;
    }
    parameters->values[parameter] = value;
    return true;
}

/* ---- to the control thread
 * --------------------------------------------------------------------------------------------- */

void takt_parameters_hand_over(const takt_parameters_t *parameters, takt_tuning_t *tuning)
{
    const uint32_t version = parameters->changes + 1u; /* the first set is what the store had */
    if (tuning->version == version) {
        return;
    }
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        tuning->values[i] = (float)parameters->values[i];
    }
    tuning->version = version;
}
