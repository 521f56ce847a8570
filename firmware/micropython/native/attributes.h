/* The attributes of a native control object: for each of its parts a name, a place in a C struct and a kind
 * of number. */
#ifndef TAKT_NATIVE_ATTRIBUTES_H
#define TAKT_NATIVE_ATTRIBUTES_H

#include "py/obj.h"
#include "takt/control_tick.h"

/* Everything that the C core keeps, and what it found out in the newest cycle. */
typedef struct {
    takt_control_config_t config;
    takt_inputs_t inputs;
    takt_outputs_t outputs;
    takt_control_t state;
} takt_native_memory_t;

typedef enum {
    TAKT_PART_CONTROL,
    TAKT_PART_SAFETY,
    TAKT_PART_ENCODER,
    TAKT_PART_KINEMATICS,
    TAKT_PART_FATE,
    TAKT_PART_SUPPLY,
    TAKT_PART_LEFT_CHECK,
    TAKT_PART_RIGHT_CHECK,
    TAKT_PARTS
} takt_native_part_t;

/* The attribute `name` of a part; MP_OBJ_NULL if it has none. */
mp_obj_t takt_native_attribute(const takt_native_memory_t *memory, takt_native_part_t part, qstr name);

#endif
