/* The six services of ROS parameters (rcl_interfaces) in CDR; see takt/parameters.h.
 *
 * A reply is a pure function of the request, the values and the verdicts of a set, so that any window of it
 * can be written at any time. What rclcpp and rclpy answer for an unknown name is answered here: an empty
 * list. */
#include <string.h> /* memmove, strlen */

#include "parameter_parts.h"

#define EMPTY_SEQUENCES 5u /* of a ParameterValue: octets, bools, integers, doubles, strings */

/* True when the request is a list of names, with nothing but padding or a number behind it. */
static bool is_name_list(const takt_parameters_t *parameters)
{
    takt_cdr_t cdr = parameter_request_open(parameters);
    parameter_request_skip_strings(&cdr);
    return cdr.ok;
}

/* Names asked for, or 0 when one of them is unknown. */
static uint32_t known_names(const takt_parameters_t *parameters)
{
    takt_cdr_t cdr = parameter_request_open(parameters);
    const uint32_t count = parameter_request_count(&cdr);
    for (uint32_t i = 0; i < count; i++) {
        if (parameter_request_name(&cdr) == TAKT_PARAMETER_COUNT) {
            return 0;
        }
    }
    return count;
}

/* ---- describe, types, get
 * ------------------------------------------------------------------------------------------ */

static unsigned type_of(const takt_parameter_t *row)
{
    return row->whole ? PARAMETER_INTEGER : PARAMETER_DOUBLE;
}

static void put_value(const takt_parameters_t *parameters, unsigned parameter, takt_reply_window_t *reply)
{
    const bool whole = takt_parameter_table[parameter].whole;
    const double value = parameters->values[parameter];
    takt_reply_u8(reply, type_of(&takt_parameter_table[parameter]));
    takt_reply_u8(reply, 0); /* bool_value */
    takt_reply_u64(reply, whole ? (uint64_t)(int64_t)value : 0);
    takt_reply_f64(reply, whole ? 0.0 : value);
    takt_reply_string(reply, "", 0);
    for (unsigned i = 0; i < EMPTY_SEQUENCES; i++) {
        takt_reply_u32(reply, 0);
    }
}

static const char *constraint(uint8_t change)
{
    switch (change) {
    case TAKT_CHANGE_STANDING:
        return "changes only at rest or disarmed";
    case TAKT_CHANGE_DISARMED:
        return "changes only while disarmed";
    case TAKT_CHANGE_NEVER:
        return "follows from the contract that the firmware was built from";
    case TAKT_CHANGE_ALWAYS:
    default:
        return "";
    }
}

static void put_range(const takt_parameter_t *row, takt_reply_window_t *reply)
{
    takt_reply_u32(reply, row->whole ? 0u : 1u); /* floating_point_range */
    if (!row->whole) {
        takt_reply_f64(reply, row->low);
        takt_reply_f64(reply, row->high);
        takt_reply_f64(reply, row->step);
    }
    takt_reply_u32(reply, row->whole ? 1u : 0u); /* integer_range */
    if (row->whole) {
        takt_reply_u64(reply, (uint64_t)(int64_t)row->low);
        takt_reply_u64(reply, (uint64_t)(int64_t)row->high);
        takt_reply_u64(reply, (uint64_t)(int64_t)row->step);
    }
}

static void put_descriptor(unsigned parameter, takt_reply_window_t *reply)
{
    const takt_parameter_t *row = &takt_parameter_table[parameter];
    const char *more = constraint(row->change);
    takt_reply_string(reply, row->name, strlen(row->name));
    takt_reply_u8(reply, type_of(row));
    takt_reply_string(reply, row->purpose, strlen(row->purpose));
    takt_reply_string(reply, more, strlen(more));
    takt_reply_u8(reply, row->change == TAKT_CHANGE_NEVER);
    takt_reply_u8(reply, 0); /* its type stays */
    put_range(row, reply);
}

/* A sequence with one element for each name of the request. */
static void put_each_name(const takt_parameters_t *parameters, unsigned service, takt_reply_window_t *reply)
{
    const uint32_t count = known_names(parameters);
    takt_cdr_t cdr = parameter_request_open(parameters);
    (void)parameter_request_count(&cdr);
    takt_reply_u32(reply, count);
    for (uint32_t i = 0; i < count; i++) {
        const unsigned parameter = parameter_request_name(&cdr);
        if (service == TAKT_SERVICE_DESCRIBE_PARAMETERS) {
            put_descriptor(parameter, reply);
        } else if (service == TAKT_SERVICE_GET_PARAMETERS) {
            put_value(parameters, parameter, reply);
        } else {
            takt_reply_u8(reply, type_of(&takt_parameter_table[parameter]));
        }
    }
}

/* ---- entry points
 * ------------------------------------------------------------------------------------------------ */

static void put_reply(const takt_parameters_t *parameters, unsigned service, takt_reply_window_t *reply)
{
    switch (service) {
    case TAKT_SERVICE_DESCRIBE_PARAMETERS:
    case TAKT_SERVICE_GET_PARAMETER_TYPES:
    case TAKT_SERVICE_GET_PARAMETERS:
        put_each_name(parameters, service, reply);
        break;
    case TAKT_SERVICE_LIST_PARAMETERS:
        parameter_list_put(parameters, reply);
        break;
    case TAKT_SERVICE_SET_PARAMETERS:
        parameter_set_put_each(parameters, reply);
        break;
    default:
        parameter_set_put_one(parameters, reply);
        break;
    }
}

size_t takt_parameters_serve(takt_parameters_t *parameters, unsigned service, const uint8_t *cdr, size_t size,
                             takt_motion_t motion, uint8_t *reply, size_t capacity)
{
    if (size > sizeof parameters->request) {
        return 0;
    }
    memmove(parameters->request, cdr, size);
    parameters->request_size = (uint16_t)size;
    const bool sets =
        service == TAKT_SERVICE_SET_PARAMETERS || service == TAKT_SERVICE_SET_PARAMETERS_ATOMICALLY;
    const bool understood =
        sets ? parameter_set_take(parameters, motion, service == TAKT_SERVICE_SET_PARAMETERS_ATOMICALLY)
             : is_name_list(parameters);
    if (!understood) {
        return 0;
    }
    takt_reply_window_t window = {.bytes = reply, .from = 0, .count = capacity};
    put_reply(parameters, service, &window);
    return window.size;
}

void takt_parameters_reply_part(const takt_parameters_t *parameters, unsigned service, size_t from,
                                uint8_t *bytes, size_t count)
{
    takt_reply_window_t window = {.bytes = bytes, .from = from, .count = count};
    put_reply(parameters, service, &window);
}
