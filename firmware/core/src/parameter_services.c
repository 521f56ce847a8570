/* The six services of ROS parameters (rcl_interfaces) in CDR; see takt/parameters.h.
 *
 * A reply is a pure function of the request, the values and the verdicts of a set, so that any window of it
 * can be written at any time. What rclcpp and rclpy answer for an unknown name is answered here: an empty
 * list. */
#include <string.h> /* memmove, memcmp, strlen, strncmp, strrchr */

#include "reply_window.h"
#include "takt/cdr.h"
#include "takt/parameters.h"

enum { /* rcl_interfaces/msg/ParameterType */
       TYPE_INTEGER = 2,
       TYPE_DOUBLE = 3
};

#define EMPTY_SEQUENCES 5u /* of a ParameterValue: octets, bools, integers, doubles, strings */

/* ---- requests
 * ------------------------------------------------------------------------------------------------------ */

static uint32_t read_count(takt_cdr_t *cdr)
{
    uint32_t count = 0;
    return takt_cdr_read_u32(cdr, &count) ? count : 0;
}

/* A sequence of numbers that nobody wants. */
static void skip_numbers(takt_cdr_t *cdr, size_t size)
{
    const uint32_t count = read_count(cdr);
    if (count > 0) {
        takt_cdr_read_align(cdr, size);
        cdr->ok = cdr->ok && count <= takt_cdr_remaining(cdr) / size;
        (void)takt_cdr_read_view(cdr, cdr->ok ? count * size : 0);
    }
}

static void skip_strings(takt_cdr_t *cdr)
{
    const uint32_t count = read_count(cdr);
    takt_string_t text;
    for (uint32_t i = 0; i < count && cdr->ok; i++) {
        takt_cdr_read_string(cdr, &text);
    }
}

typedef struct {
    takt_string_t name;
    uint8_t type;
    int64_t integer;
    double number;
} wish_t;

/* rcl_interfaces/msg/Parameter: a name, and a value with a field for every type that there is. */
static bool read_wish(takt_cdr_t *cdr, wish_t *wish)
{
    uint8_t flag;
    takt_string_t text;
    takt_cdr_read_string(cdr, &wish->name);
    takt_cdr_read_u8(cdr, &wish->type);
    takt_cdr_read_u8(cdr, &flag);
    takt_cdr_read_i64(cdr, &wish->integer);
    takt_cdr_read_f64(cdr, &wish->number);
    takt_cdr_read_string(cdr, &text);
    skip_numbers(cdr, 1);
    skip_numbers(cdr, 1);
    skip_numbers(cdr, 8);
    skip_numbers(cdr, 8);
    skip_strings(cdr);
    return cdr->ok;
}

static takt_cdr_t open_request(const takt_parameters_t *parameters)
{
    takt_cdr_t cdr;
    takt_cdr_reader(&cdr, parameters->request, parameters->request_size);
    return cdr;
}

/* Index of the next name of the request. */
static unsigned read_name(takt_cdr_t *cdr)
{
    takt_string_t name;
    (void)takt_cdr_read_string(cdr, &name); /* what is no string reads as empty, which is nobody's name */
    return takt_parameters_find(name.data, name.size);
}

/* True when the request is a list of names, with nothing but padding or a number behind it. */
static bool is_name_list(const takt_parameters_t *parameters)
{
    takt_cdr_t cdr = open_request(parameters);
    skip_strings(&cdr);
    return cdr.ok;
}

/* Names asked for, or 0 when one of them is unknown. */
static uint32_t known_names(const takt_parameters_t *parameters)
{
    takt_cdr_t cdr = open_request(parameters);
    const uint32_t count = read_count(&cdr);
    for (uint32_t i = 0; i < count; i++) {
        if (read_name(&cdr) == TAKT_PARAMETER_COUNT) {
            return 0;
        }
    }
    return count;
}

/* ---- describe, types, get
 * ------------------------------------------------------------------------------------------ */

static unsigned type_of(const takt_parameter_t *row)
{
    return row->whole ? TYPE_INTEGER : TYPE_DOUBLE;
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
    takt_cdr_t cdr = open_request(parameters);
    (void)read_count(&cdr);
    takt_reply_u32(reply, count);
    for (uint32_t i = 0; i < count; i++) {
        const unsigned parameter = read_name(&cdr);
        if (service == TAKT_SERVICE_DESCRIBE_PARAMETERS) {
            put_descriptor(parameter, reply);
        } else if (service == TAKT_SERVICE_GET_PARAMETERS) {
            put_value(parameters, parameter, reply);
        } else {
            takt_reply_u8(reply, type_of(&takt_parameter_table[parameter]));
        }
    }
}

/* ---- list
 * ----------------------------------------------------------------------------------------------------------
 */

static unsigned dots(const char *name)
{
    unsigned count = 0;
    for (; *name != '\0'; name++) {
        count += *name == '.';
    }
    return count;
}

static bool under_prefix(const char *name, takt_string_t prefix, uint64_t depth)
{
    if (strlen(name) < prefix.size || memcmp(name, prefix.data, prefix.size) != 0) { /* may hold a NUL */
        return false;
    }
    const char *rest = name + prefix.size;
    return *rest == '\0' || (*rest == '.' && (depth == 0 || dots(rest + 1) < depth));
}

/* Prefixes and depth as rclcpp and rclpy understand them; depth 0 is without end. */
static bool is_listed(const takt_parameters_t *parameters, unsigned parameter)
{
    const char *name = takt_parameter_table[parameter].name;
    takt_cdr_t cdr = open_request(parameters);
    skip_strings(&cdr);
    uint64_t depth = 0;
    (void)takt_cdr_read_u64(&cdr, &depth);
    cdr = open_request(parameters);
    const uint32_t prefixes = read_count(&cdr);
    bool listed = prefixes == 0 && (depth == 0 || dots(name) < depth);
    for (uint32_t i = 0; i < prefixes && !listed; i++) {
        takt_string_t prefix;
        (void)takt_cdr_read_string(&cdr, &prefix); /* understood before */
        listed = prefix.size > 0 && under_prefix(name, prefix, depth);
    }
    return listed;
}

static size_t prefix_size(unsigned parameter)
{
    const char *name = takt_parameter_table[parameter].name;
    return (size_t)(strrchr(name, '.') - name); /* every name is a path into the contract */
}

/* The names agree up to the later one of their last dots, so that both have it there. */
static bool same_prefix(unsigned a, unsigned b)
{
    const size_t size = prefix_size(a) > prefix_size(b) ? prefix_size(a) : prefix_size(b);
    return strncmp(takt_parameter_table[a].name, takt_parameter_table[b].name, size + 1u) == 0;
}

/* True for the first of the listed parameters that share their prefix. */
static bool opens_prefix(const takt_parameters_t *parameters, unsigned parameter)
{
    bool first = is_listed(parameters, parameter);
    for (unsigned i = 0; i < parameter && first; i++) {
        first = !(same_prefix(i, parameter) && is_listed(parameters, i));
    }
    return first;
}

/* The names that are listed, or the prefixes of these, each once. */
static void put_names(const takt_parameters_t *parameters, bool prefixes, takt_reply_window_t *reply)
{
    uint32_t count = 0;
    bool chosen[TAKT_PARAMETER_COUNT];
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        chosen[i] = prefixes ? opens_prefix(parameters, i) : is_listed(parameters, i);
        count += chosen[i];
    }
    takt_reply_u32(reply, count);
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        if (chosen[i]) {
            const char *name = takt_parameter_table[i].name;
            takt_reply_string(reply, name, prefixes ? prefix_size(i) : strlen(name));
        }
    }
}

/* ---- set
 * -----------------------------------------------------------------------------------------------------------
 */

static void set(takt_parameters_t *parameters, const wish_t *wish)
{
    const unsigned parameter = takt_parameters_find(wish->name.data, wish->name.size);
    parameters->values[parameter] = wish->type == TYPE_INTEGER ? (double)wish->integer : wish->number;
}

static takt_set_t judge(const wish_t *wish, takt_motion_t motion)
{
    const unsigned parameter = takt_parameters_find(wish->name.data, wish->name.size);
    const bool integer = wish->type == TYPE_INTEGER;
    const takt_set_t verdict =
        takt_parameters_judge(parameter, integer ? (double)wish->integer : wish->number, integer, motion);
    const bool known = verdict != TAKT_SET_UNKNOWN && verdict != TAKT_SET_READ_ONLY;
    return known && !integer && wish->type != TYPE_DOUBLE ? TAKT_SET_TYPE : verdict;
}

/* Judges every wish and then sets: each that may be, or all or none. False: not understood, nothing set. */
static bool take_wishes(takt_parameters_t *parameters, takt_motion_t motion, bool atomically)
{
    takt_cdr_t cdr = open_request(parameters);
    const uint32_t count = read_count(&cdr);
    wish_t wish;
    bool all = true;
    parameters->set_count = 0;
    if (!cdr.ok || count > TAKT_PARAMETERS_PER_REQUEST) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_wish(&cdr, &wish)) {
            return false;
        }
        parameters->sets[i] = (uint8_t)judge(&wish, motion);
        all = all && parameters->sets[i] == TAKT_SET_OK;
    }
    parameters->set_count = (uint8_t)count;
    cdr = open_request(parameters);
    (void)read_count(&cdr);
    for (uint32_t i = 0; i < count; i++) {
        (void)read_wish(&cdr, &wish); /* understood before */
        if (parameters->sets[i] == TAKT_SET_OK && (all || !atomically)) {
            set(parameters, &wish);
            parameters->changes++;
        }
    }
    return true;
}

typedef enum { OPEN_NOTHING, OPEN_TYPE, OPEN_RANGE } open_t;

/* Words for each verdict, and what they leave open. */
static const struct {
    const char *words;
    open_t open;
} reasons[TAKT_SET_READ_ONLY + 1] = {
    [TAKT_SET_OK] = {"", OPEN_NOTHING},
    [TAKT_SET_UNKNOWN] = {"no such parameter", OPEN_NOTHING},
    [TAKT_SET_TYPE] = {"wrong type, it is ", OPEN_TYPE},
    [TAKT_SET_RANGE] = {"out of range, allowed: ", OPEN_RANGE},
    [TAKT_SET_STEP] = {"between two steps, allowed: ", OPEN_RANGE},
    [TAKT_SET_DRIVING] = {"not while driving: stop first", OPEN_NOTHING},
    [TAKT_SET_ARMED] = {"not while armed: call /base/arm with false first", OPEN_NOTHING},
    [TAKT_SET_READ_ONLY] = {"read-only: set it in config/contract.yaml and build the firmware again",
                            OPEN_NOTHING},
};

/* What the reason leaves open: the type or the range. */
static const char *detail(takt_set_t verdict, unsigned parameter)
{
    if (reasons[verdict].open == OPEN_NOTHING) {
        return "";
    }
    const takt_parameter_t *row = &takt_parameter_table[parameter];
    return reasons[verdict].open == OPEN_RANGE ? row->allowed : (row->whole ? "an integer" : "a double");
}

/* rcl_interfaces/msg/SetParametersResult. */
static void put_result(takt_set_t verdict, unsigned parameter, takt_reply_window_t *reply)
{
    const char *const name = parameter < TAKT_PARAMETER_COUNT ? takt_parameter_table[parameter].name : "";
    const bool named = name[0] != '\0' && verdict != TAKT_SET_OK;
    const char *const pieces[] = {named ? name : "", named ? ": " : "", reasons[verdict].words,
                                  detail(verdict, parameter)};
    takt_reply_u8(reply, verdict == TAKT_SET_OK);
    takt_reply_text(reply, pieces, sizeof pieces / sizeof pieces[0]);
}

static void put_results(const takt_parameters_t *parameters, takt_reply_window_t *reply)
{
    takt_cdr_t cdr = open_request(parameters);
    wish_t wish;
    (void)read_count(&cdr);
    takt_reply_u32(reply, parameters->set_count);
    for (unsigned i = 0; i < parameters->set_count; i++) {
        (void)read_wish(&cdr, &wish);
        const unsigned parameter = takt_parameters_find(wish.name.data, wish.name.size);
        put_result((takt_set_t)parameters->sets[i], parameter, reply);
    }
}

/* The first that was refused speaks for all. */
static void put_one_result(const takt_parameters_t *parameters, takt_reply_window_t *reply)
{
    takt_cdr_t cdr = open_request(parameters);
    wish_t wish;
    (void)read_count(&cdr);
    for (unsigned i = 0; i < parameters->set_count; i++) {
        (void)read_wish(&cdr, &wish);
        if (parameters->sets[i] != TAKT_SET_OK) {
            put_result((takt_set_t)parameters->sets[i], takt_parameters_find(wish.name.data, wish.name.size),
                       reply);
            return;
        }
    }
    put_result(TAKT_SET_OK, 0, reply); /* a success names nobody */
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
        put_names(parameters, false, reply);
        put_names(parameters, true, reply);
        break;
    case TAKT_SERVICE_SET_PARAMETERS:
        put_results(parameters, reply);
        break;
    default:
        put_one_result(parameters, reply);
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
        sets ? take_wishes(parameters, motion, service == TAKT_SERVICE_SET_PARAMETERS_ATOMICALLY)
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
