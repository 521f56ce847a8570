/* What the requests of the parameter services are read with; see parameter_parts.h. */
#include "parameter_parts.h"

takt_cdr_t parameter_request_open(const takt_parameters_t *parameters)
{
    takt_cdr_t cdr;
    takt_cdr_reader(&cdr, parameters->request, parameters->request_size);
    return cdr;
}

uint32_t parameter_request_count(takt_cdr_t *cdr)
{
    uint32_t count = 0;
    return takt_cdr_read_u32(cdr, &count) ? count : 0;
}

/* Index of the next name of the request. */
unsigned parameter_request_name(takt_cdr_t *cdr)
{
    takt_string_t name;
    (void)takt_cdr_read_string(cdr, &name); /* what is no string reads as empty, which is nobody's name */
    return takt_parameters_find(name.data, name.size);
}

void parameter_request_skip_strings(takt_cdr_t *cdr)
{
    const uint32_t count = parameter_request_count(cdr);
    takt_string_t text;
    for (uint32_t i = 0; i < count && cdr->ok; i++) {
        takt_cdr_read_string(cdr, &text);
    }
}

/* A sequence of numbers that nobody wants. */
void parameter_request_skip_numbers(takt_cdr_t *cdr, size_t size)
{
    const uint32_t count = parameter_request_count(cdr);
    if (count > 0) {
        takt_cdr_read_align(cdr, size);
        cdr->ok = cdr->ok && count <= takt_cdr_remaining(cdr) / size;
        (void)takt_cdr_read_view(cdr, cdr->ok ? count * size : 0);
    }
}
