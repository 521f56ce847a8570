/* The parameter services from inside: what their three files share. */
#ifndef TAKT_PARAMETER_PARTS_H
#define TAKT_PARAMETER_PARTS_H

#include "reply_window.h"
#include "takt/cdr.h"
#include "takt/parameters.h"

enum { /* rcl_interfaces/msg/ParameterType */
       PARAMETER_INTEGER = 2,
       PARAMETER_DOUBLE = 3
};

/* parameter_request.c: the kept request, read again from its start for each reply. */
takt_cdr_t parameter_request_open(const takt_parameters_t *parameters);
uint32_t parameter_request_count(takt_cdr_t *cdr); /* of the sequence that follows; 0 when there is none */
unsigned parameter_request_name(takt_cdr_t *cdr);  /* index of the parameter that the next string names */
void parameter_request_skip_strings(takt_cdr_t *cdr);
void parameter_request_skip_numbers(takt_cdr_t *cdr, size_t size); /* a sequence of numbers of that size */

/* parameter_list.c: the names that the request asks for, and their prefixes, each once. */
void parameter_list_put(const takt_parameters_t *parameters, takt_reply_window_t *reply);

/* parameter_set.c: judges every wish and then sets, each that may be, or all or none. False: not understood,
 * nothing set. Then the verdicts: of each wish, or the first refusal for all. */
bool parameter_set_take(takt_parameters_t *parameters, takt_motion_t motion, bool atomically);
void parameter_set_put_each(const takt_parameters_t *parameters, takt_reply_window_t *reply);
void parameter_set_put_one(const takt_parameters_t *parameters, takt_reply_window_t *reply);

#endif
