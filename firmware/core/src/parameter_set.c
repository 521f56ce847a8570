/* set_parameters, each or all or none: wishes are judged, taken, and answered; see parameter_parts.h. */
#include "parameter_parts.h"

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
    parameter_request_skip_numbers(cdr, 1);
    parameter_request_skip_numbers(cdr, 1);
    parameter_request_skip_numbers(cdr, 8);
    parameter_request_skip_numbers(cdr, 8);
    parameter_request_skip_strings(cdr);
    return cdr->ok;
}

static void set(takt_parameters_t *parameters, const wish_t *wish)
{
    const unsigned parameter = takt_parameters_find(wish->name.data, wish->name.size);
    parameters->values[parameter] = wish->type == PARAMETER_INTEGER ? (double)wish->integer : wish->number;
}

static takt_set_t judge(const wish_t *wish, takt_motion_t motion)
{
    const unsigned parameter = takt_parameters_find(wish->name.data, wish->name.size);
    const bool integer = wish->type == PARAMETER_INTEGER;
    const takt_set_t verdict =
        takt_parameters_judge(parameter, integer ? (double)wish->integer : wish->number, integer, motion);
    const bool known = verdict != TAKT_SET_UNKNOWN && verdict != TAKT_SET_READ_ONLY;
    return known && !integer && wish->type != PARAMETER_DOUBLE ? TAKT_SET_TYPE : verdict;
}

bool parameter_set_take(takt_parameters_t *parameters, takt_motion_t motion, bool atomically)
{
    takt_cdr_t cdr = parameter_request_open(parameters);
    const uint32_t count = parameter_request_count(&cdr);
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
    cdr = parameter_request_open(parameters);
    (void)parameter_request_count(&cdr);
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

void parameter_set_put_each(const takt_parameters_t *parameters, takt_reply_window_t *reply)
{
    takt_cdr_t cdr = parameter_request_open(parameters);
    wish_t wish;
    (void)parameter_request_count(&cdr);
    takt_reply_u32(reply, parameters->set_count);
    for (unsigned i = 0; i < parameters->set_count; i++) {
        (void)read_wish(&cdr, &wish);
        const unsigned parameter = takt_parameters_find(wish.name.data, wish.name.size);
        put_result((takt_set_t)parameters->sets[i], parameter, reply);
    }
}

void parameter_set_put_one(const takt_parameters_t *parameters, takt_reply_window_t *reply)
{
    takt_cdr_t cdr = parameter_request_open(parameters);
    wish_t wish;
    (void)parameter_request_count(&cdr);
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
