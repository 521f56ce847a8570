/* The board's parameters in a text file, a name and a value a line: what a board's flash is on a host. */
#ifndef TAKT_POSIX_PARAMETERS_FILE_H
#define TAKT_POSIX_PARAMETERS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/parameters.h"

typedef struct {
    const char *path; /* NULL: nothing is kept */
    uint32_t saved;   /* takt_parameters_changes at the last save */
    bool failed;      /* told once */
} takt_parameters_file_t;

/* Before the threads start: restores what the file has. A line that this contract does not allow is told and
 * left out; no file is no fault. */
void takt_parameters_file_load(takt_parameters_file_t *file, const char *path, takt_parameters_t *parameters);

/* Link thread: saves what has changed, whole or not at all, and only while disarmed. */
void takt_parameters_file_save(takt_parameters_file_t *file, const takt_parameters_t *parameters, bool armed);

#endif
