/* Attributes by table; see attributes.h. */
#include "attributes.h"

#include <stddef.h> /* offsetof */

#include "py/smallint.h"

typedef enum { IS_BOOL, IS_UINT, IS_LONG, IS_FLOAT } kind_t;

typedef struct {
    uint16_t name; /* a qstr */
    uint8_t part;
    uint8_t kind;
    uint16_t place; /* in takt_native_memory_t */
} row_t;

#define ROW(part, name, kind, place)                                                                 \
    {                                                                                                \
        MP_QSTR_##name, TAKT_PART_##part, IS_##kind, (uint16_t)offsetof(takt_native_memory_t, place) \
    }

static const row_t rows[] = {
    ROW(CONTROL, left_duty, FLOAT, outputs.duty[TAKT_LEFT]),
    ROW(CONTROL, right_duty, FLOAT, outputs.duty[TAKT_RIGHT]),
    ROW(CONTROL, driver_enabled, BOOL, outputs.driver_enabled),
    ROW(CONTROL, conditions, UINT, outputs.conditions),
    ROW(CONTROL, report, BOOL, outputs.applied.present),
    ROW(SAFETY, rung, UINT, state.safety.rung),
    ROW(SAFETY, armed, BOOL, state.safety.armed),
    ROW(SAFETY, cause, UINT, state.safety.cause),
    ROW(SAFETY, fault, UINT, state.safety.fault),
    ROW(SAFETY, hold_reason, UINT, state.safety.hold_reason),
    ROW(ENCODER, left_rad_s, FLOAT, state.encoder.speed_rad_s[TAKT_LEFT]),
    ROW(ENCODER, right_rad_s, FLOAT, state.encoder.speed_rad_s[TAKT_RIGHT]),
    ROW(ENCODER, left_counts, LONG, state.encoder.position_counts[TAKT_LEFT]),
    ROW(ENCODER, right_counts, LONG, state.encoder.position_counts[TAKT_RIGHT]),
    ROW(KINEMATICS, left_rad_s, FLOAT, outputs.setpoint_rad_s[TAKT_LEFT]),
    ROW(KINEMATICS, right_rad_s, FLOAT, outputs.setpoint_rad_s[TAKT_RIGHT]),
    ROW(FATE, present, BOOL, outputs.applied.present),
    ROW(FATE, disarmed, BOOL, outputs.applied.disarmed),
    ROW(FATE, verdict, UINT, outputs.applied.verdict),
    ROW(FATE, stamp_ns, LONG, outputs.applied.stamp_ns),
    ROW(FATE, cycle_ros_ns, LONG, outputs.applied.cycle_ros_ns),
    ROW(SUPPLY, low, BOOL, state.supply.low),
    ROW(LEFT_CHECK, found, UINT, state.check[TAKT_LEFT].found),
    ROW(RIGHT_CHECK, found, UINT, state.check[TAKT_RIGHT].found),
};

/* The interpreter's own function makes an object of every number, small ones too. */
static mp_obj_t new_long(int64_t value)
{
    const bool is_small = value >= MP_SMALL_INT_MIN && value <= MP_SMALL_INT_MAX;
    return is_small ? MP_OBJ_NEW_SMALL_INT((mp_int_t)value) : mp_obj_new_int_from_ll(value);
}

static mp_obj_t load(const void *place, kind_t kind)
{
    switch (kind) {
    case IS_BOOL:
        return mp_obj_new_bool(*(const bool *)place);
    case IS_UINT:
        return mp_obj_new_int_from_uint(*(const uint32_t *)place);
    case IS_LONG:
        return new_long(*(const int64_t *)place);
    case IS_FLOAT:
    default:
        return mp_obj_new_float((mp_float_t) * (const float *)place);
    }
}

mp_obj_t takt_native_attribute(const takt_native_memory_t *memory, takt_native_part_t part, qstr name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].name == name && rows[i].part == (uint8_t)part) {
            return load((const char *)memory + rows[i].place, (kind_t)rows[i].kind);
        }
    }
    return MP_OBJ_NULL;
}
