/* control_replay: runs recorded cycles through this build's control tick.
 *
 *   control_replay IN            results to stdout, as bytes
 *   control_replay IN EXPECTED   compares with recorded results; exit 0 when all bits agree, else 1 */
#include <stdio.h>
#include <stdlib.h>

#include "replay.h"

#define MOST_BYTES (1u << 30)

/* The whole file; NULL with a message on stderr. */
static void *read_file(const char *path, size_t item, size_t *count)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        size > (long)MOST_BYTES || (size_t)size % item != 0) {
        fprintf(stderr, "error: %s is no file of records of %zu bytes. Fix: record it with this version\n",
                path, item);
        if (file != NULL) {
            fclose(file);
        }
        return NULL;
    }
    rewind(file);
    *count = (size_t)size / item;
    void *memory = malloc((size_t)size + 1u);
    if (memory == NULL || fread(memory, item, *count, file) != *count) {
        fprintf(stderr, "error: %s cannot be read. Fix: see that the disk is well\n", path);
        free(memory);
        memory = NULL;
    }
    fclose(file);
    return memory;
}

static int compare(const takt_replay_out_t *got, size_t count, const char *path)
{
    size_t recorded_count = 0;
    takt_replay_out_t *recorded = read_file(path, sizeof *recorded, &recorded_count);
    if (recorded == NULL) {
        return 2;
    }
    const size_t place = recorded_count == count ? takt_replay_compare(got, recorded, count) : 0;
    free(recorded);
    if (place < count || recorded_count != count) {
        fprintf(stderr, "cycle %zu of %zu differs\n", place, count);
        return 1;
    }
    printf("%zu cycles agree in every bit\n", count);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fputs("usage: control_replay IN [EXPECTED]\n", stderr);
        return 2;
    }
    size_t count = 0;
    takt_replay_in_t *in = read_file(argv[1], sizeof *in, &count);
    takt_replay_out_t *out = calloc(count + 1u, sizeof *out);
    if (in == NULL || out == NULL) {
        return 2;
    }
    static takt_replay_t replay;
    takt_replay_init(&replay);
    takt_replay_run(&replay, in, count, out);
    int status = 0;
    if (argc == 3) {
        status = compare(out, count, argv[2]);
    } else {
        status = fwrite(out, sizeof *out, count, stdout) == count ? 0 : 2;
    }
    free(in);
    free(out);
    return status;
}
