/* Parameters in a file; see parameters_file.h. */
#include "parameters_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h> /* strerror */

#define PATH_BYTES 4096
#define NAME_BYTES 80

void takt_parameters_file_load(takt_parameters_file_t *file, const char *path, takt_parameters_t *parameters)
{
    *file = (takt_parameters_file_t){.path = path};
    FILE *stream = path != NULL ? fopen(path, "r") : NULL;
    if (stream == NULL) {
        return;
    }
    char line[2 * NAME_BYTES];
    while (fgets(line, sizeof line, stream) != NULL) {
        char name[NAME_BYTES] = "";
        double value = 0.0;
        const bool read = sscanf(line, "%79s %lf", name, &value) == 2;
        if (!read || !takt_parameters_restore(parameters, name, value)) {
            fprintf(stderr, "takt_firmware: %s: left out, not of this contract: %s", path, line);
        }
    }
    fclose(stream);
}

static bool write_all(const char *path, const takt_parameters_t *parameters)
{
    FILE *stream = fopen(path, "w");
    if (stream == NULL) {
        return false;
    }
    bool whole = true;
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        if (takt_parameter_table[i].change != TAKT_CHANGE_NEVER) {
            const double value = takt_parameters_value(parameters, i);
            whole = fprintf(stream, "%s %.17g\n", takt_parameter_table[i].name, value) > 0 && whole;
        }
    }
    return fclose(stream) == 0 && whole;
}

void takt_parameters_file_save(takt_parameters_file_t *file, const takt_parameters_t *parameters, bool armed)
{
    const uint32_t changes = takt_parameters_changes(parameters);
    if (file->path == NULL || armed || changes == file->saved) {
        return;
    }
    file->saved = changes; /* one try a change: a full disk must not keep the link thread busy */
    char next[PATH_BYTES];
    const int size = snprintf(next, sizeof next, "%s.next", file->path);
    const bool fits = size > 0 && size < PATH_BYTES;
    if (fits && write_all(next, parameters) && rename(next, file->path) == 0) {
        file->failed = false;
    } else if (!file->failed) {
        file->failed = true;
        fprintf(stderr, "takt_firmware: the parameters were not saved in %s: %s\n", file->path,
                strerror(errno));
    }
}
