/* list_parameters: prefixes and depth as rclcpp and rclpy understand them; see parameter_parts.h. */
#include <string.h> /* memcmp, strlen, strncmp, strrchr */

#include "parameter_parts.h"

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
    takt_cdr_t cdr = parameter_request_open(parameters);
    parameter_request_skip_strings(&cdr);
    uint64_t depth = 0;
    (void)takt_cdr_read_u64(&cdr, &depth);
    cdr = parameter_request_open(parameters);
    const uint32_t prefixes = parameter_request_count(&cdr);
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

void parameter_list_put(const takt_parameters_t *parameters, takt_reply_window_t *reply)
{
    put_names(parameters, false, reply);
    put_names(parameters, true, reply);
}
