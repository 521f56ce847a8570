/* takt_native.Control: the C core's control step with the face of takt_board.control.Control.
 *
 * A cycle allocates nothing on a 64-bit machine. On a 32-bit one the nanoseconds of the inputs are large
 * integers, which Python has allocated before it calls. */
#include <string.h> /* memset */

#include "attributes.h"
#include "py/objarray.h"
#include "py/runtime.h"

typedef struct {
    mp_obj_base_t base;
    takt_native_memory_t *memory;
    takt_native_part_t part;
} part_t;

typedef struct {
    mp_obj_base_t base;
    takt_native_memory_t memory;
    part_t parts[TAKT_PARTS]; /* of this very object, so that asking for one allocates nothing */
    mp_obj_t refused;
    mp_obj_t state; /* the state's bytes, for proofs */
    mp_obj_t outputs;
} control_t;

static const mp_obj_type_t part_type;
static const mp_obj_type_t control_type;

/* ---- inputs */

static mp_obj_t get(mp_obj_t object, qstr name)
{
    return mp_load_attr(object, name);
}

static uint64_t get_ns(mp_obj_t object, qstr name)
{
    return (uint64_t)mp_obj_get_ll(get(object, name));
}

static uint32_t get_u32(mp_obj_t object, qstr name)
{
    return (uint32_t)mp_obj_get_ll(get(object, name));
}

static bool get_bool(mp_obj_t object, qstr name)
{
    return mp_obj_is_true(get(object, name));
}

static float get_float(mp_obj_t object, qstr name)
{
    return (float)mp_obj_get_float(get(object, name));
}

static void take_command(mp_obj_t command, takt_command_t *taken)
{
    taken->sequence = get_u32(command, MP_QSTR_sequence);
    taken->received_ns = get_ns(command, MP_QSTR_received_ns);
    taken->stamp_ns = (int64_t)get_ns(command, MP_QSTR_stamp_ns);
    taken->speed_m_s = get_float(command, MP_QSTR_speed_m_s);
    taken->yaw_rate_rad_s = get_float(command, MP_QSTR_yaw_rate_rad_s);
}

static void take_sample(mp_obj_t sample, takt_encoder_sample_t *taken)
{
    taken->present = get_bool(sample, MP_QSTR_present);
    taken->sequence = get_u32(sample, MP_QSTR_sequence);
    taken->sample_ns = get_ns(sample, MP_QSTR_sample_ns);
    taken->received_ns = get_ns(sample, MP_QSTR_received_ns);
    taken->counts[TAKT_LEFT] = (int32_t)get_u32(sample, MP_QSTR_left);
    taken->counts[TAKT_RIGHT] = (int32_t)get_u32(sample, MP_QSTR_right);
    taken->supply_mv = (uint16_t)get_u32(sample, MP_QSTR_supply_mv);
    taken->e_stop = get_bool(sample, MP_QSTR_e_stop);
    taken->motor_fault = get_bool(sample, MP_QSTR_motor_fault);
}

static void take_requests(mp_obj_t requests, takt_requests_t *taken)
{
    mp_buffer_info_t bytes;
    mp_get_buffer_raise(requests, &bytes, MP_BUFFER_READ);
    if (bytes.len != sizeof *taken) {
        mp_raise_ValueError(MP_ERROR_TEXT("requests"));
    }
    memcpy(taken, bytes.buf, sizeof *taken);
}

static void take_inputs(mp_obj_t inputs, takt_inputs_t *taken)
{
    const mp_obj_t ros = get(inputs, MP_QSTR_ros);
    taken->now_ns = get_ns(inputs, MP_QSTR_now_ns);
    taken->dt_s = (float)get_ns(inputs, MP_QSTR_elapsed_ns) * 1e-9f;
    taken->ros.locked = get_bool(ros, MP_QSTR_locked);
    taken->ros.now_ns = (int64_t)get_ns(ros, MP_QSTR_now_ns);
    taken->ros.bound_ns = get_ns(ros, MP_QSTR_bound_ns);
    take_command(get(inputs, MP_QSTR_command), &taken->command);
    take_requests(get(inputs, MP_QSTR_requests), &taken->requests);
    taken->agent_heard = get_bool(inputs, MP_QSTR_agent_heard);
    taken->agent_heard_ns = get_ns(inputs, MP_QSTR_agent_heard_ns);
    take_sample(get(inputs, MP_QSTR_encoder), &taken->encoder);
    taken->miss_limit = get_bool(inputs, MP_QSTR_miss_limit);
}

/* ---- methods */

static mp_obj_t control_tick(mp_obj_t self_in, mp_obj_t inputs)
{
    control_t *self = MP_OBJ_TO_PTR(self_in);
    takt_native_memory_t *memory = &self->memory;
    take_inputs(inputs, &memory->inputs);
    memory->outputs = takt_control_tick(&memory->inputs, &memory->config, &memory->state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(control_tick_obj, control_tick);

/* Duty and setpoints of both wheels into an array of four floats. */
static mp_obj_t control_put_drive(mp_obj_t self_in, mp_obj_t floats)
{
    const control_t *self = MP_OBJ_TO_PTR(self_in);
    const takt_outputs_t *outputs = &self->memory.outputs;
    const float four[] = {outputs->duty[TAKT_LEFT], outputs->duty[TAKT_RIGHT],
                          outputs->setpoint_rad_s[TAKT_LEFT], outputs->setpoint_rad_s[TAKT_RIGHT]};
    mp_buffer_info_t bytes;
    mp_get_buffer_raise(floats, &bytes, MP_BUFFER_WRITE);
    if (bytes.len != sizeof four) {
        mp_raise_ValueError(MP_ERROR_TEXT("four floats"));
    }
    memcpy(bytes.buf, four, sizeof four);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(control_put_drive_obj, control_put_drive);

static mp_obj_t safety_arm_refusal(mp_obj_t self_in, mp_obj_t conditions)
{
    const part_t *self = MP_OBJ_TO_PTR(self_in);
    const uint32_t bits = (uint32_t)mp_obj_get_int_truncated(conditions);
    return MP_OBJ_NEW_SMALL_INT(takt_safety_arm_refusal(&self->memory->state.safety, bits));
}
static MP_DEFINE_CONST_FUN_OBJ_2(safety_arm_refusal_obj, safety_arm_refusal);

static mp_obj_t safety_clear_refusal(mp_obj_t self_in, mp_obj_t conditions)
{
    const part_t *self = MP_OBJ_TO_PTR(self_in);
    const uint32_t bits = (uint32_t)mp_obj_get_int_truncated(conditions);
    return MP_OBJ_NEW_SMALL_INT(takt_safety_clear_refusal(&self->memory->state.safety, bits));
}
static MP_DEFINE_CONST_FUN_OBJ_2(safety_clear_refusal_obj, safety_clear_refusal);

static mp_obj_t safety_reason(mp_obj_t self_in)
{
    const part_t *self = MP_OBJ_TO_PTR(self_in);
    const char *reason = takt_safety_reason(&self->memory->state.safety);
    return mp_obj_new_bytes((const byte *)reason, strlen(reason));
}
static MP_DEFINE_CONST_FUN_OBJ_1(safety_reason_obj, safety_reason);

/* ---- attributes */

static void load_method(mp_obj_t self, const mp_rom_obj_t method, mp_obj_t *dest)
{
    dest[0] = MP_OBJ_FROM_PTR(method);
    dest[1] = self;
}

static void part_attr(mp_obj_t self_in, qstr name, mp_obj_t *dest)
{
    const part_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return; /* nothing can be stored */
    }
    if (self->part == TAKT_PART_SAFETY && name == MP_QSTR_arm_refusal) {
        load_method(self_in, &safety_arm_refusal_obj, dest);
    } else if (self->part == TAKT_PART_SAFETY && name == MP_QSTR_clear_refusal) {
        load_method(self_in, &safety_clear_refusal_obj, dest);
    } else if (self->part == TAKT_PART_SAFETY && name == MP_QSTR_reason) {
        load_method(self_in, &safety_reason_obj, dest);
    } else {
        dest[0] = takt_native_attribute(self->memory, self->part, name);
    }
}

static mp_obj_t find_object(control_t *self, qstr name)
{
    static const uint16_t names[TAKT_PARTS] = {
        [TAKT_PART_SAFETY] = MP_QSTR_safety,           [TAKT_PART_ENCODER] = MP_QSTR_encoder,
        [TAKT_PART_KINEMATICS] = MP_QSTR_kinematics,   [TAKT_PART_FATE] = MP_QSTR_fate,
        [TAKT_PART_SUPPLY] = MP_QSTR_supply,           [TAKT_PART_LEFT_CHECK] = MP_QSTR_left_check,
        [TAKT_PART_RIGHT_CHECK] = MP_QSTR_right_check,
    };
    for (unsigned part = TAKT_PART_SAFETY; part < TAKT_PARTS; part++) {
        if (names[part] == name) {
            return MP_OBJ_FROM_PTR(&self->parts[part]);
        }
    }
    return name == MP_QSTR_refused   ? self->refused
           : name == MP_QSTR_state   ? self->state
           : name == MP_QSTR_outputs ? self->outputs
                                     : MP_OBJ_NULL;
}

static void control_attr(mp_obj_t self_in, qstr name, mp_obj_t *dest)
{
    control_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    if (name == MP_QSTR_tick) {
        load_method(self_in, &control_tick_obj, dest);
    } else if (name == MP_QSTR_put_drive) {
        load_method(self_in, &control_put_drive_obj, dest);
    } else {
        dest[0] = find_object(self, name);
        if (dest[0] == MP_OBJ_NULL) {
            dest[0] = takt_native_attribute(&self->memory, TAKT_PART_CONTROL, name);
        }
    }
}

/* ---- types */

static mp_obj_t control_make_new(const mp_obj_type_t *type, size_t count, size_t named, const mp_obj_t *args)
{
    mp_arg_check_num(count, named, 0, 1, false);
    control_t *self = mp_obj_malloc(control_t, type);
    takt_native_memory_t *memory = &self->memory;
    memset(memory, 0, sizeof *memory);
    memory->config = takt_control_config_from_contract();
    takt_control_init(&memory->state, count > 0 && mp_obj_is_true(args[0]));
    /* Before the first cycle nothing is known, which is reason enough not to arm. */
    memory->outputs.conditions = TAKT_CONDITION_ENCODER_SILENT | TAKT_CONDITION_LINK_SILENT;
    for (unsigned part = 0; part < TAKT_PARTS; part++) {
        self->parts[part] = (part_t){{&part_type}, memory, (takt_native_part_t)part};
    }
    self->refused = mp_obj_new_memoryview('I', TAKT_GATE_COUNT, memory->state.refused);
    self->state = mp_obj_new_bytearray_by_ref(sizeof memory->state, &memory->state);
    self->outputs = mp_obj_new_bytearray_by_ref(sizeof memory->outputs, &memory->outputs);
    return MP_OBJ_FROM_PTR(self);
}

static MP_DEFINE_CONST_OBJ_TYPE(part_type, MP_QSTR_part, MP_TYPE_FLAG_NONE, attr, part_attr);

static MP_DEFINE_CONST_OBJ_TYPE(control_type, MP_QSTR_Control, MP_TYPE_FLAG_NONE, make_new, control_make_new,
                                attr, control_attr);

static const mp_rom_map_elem_t globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_takt_native)},
    {MP_ROM_QSTR(MP_QSTR_Control), MP_ROM_PTR(&control_type)},
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t takt_native_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&globals,
};

MP_REGISTER_MODULE(MP_QSTR_takt_native, takt_native_module);
