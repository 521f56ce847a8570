/* The hardware edge of the host port: duty out, encoder counts in, as frames on the plant stream. Control
 * thread. */
#ifndef TAKT_POSIX_PLANT_EDGE_H
#define TAKT_POSIX_PLANT_EDGE_H

#include "line.h"
#include "plant_stream.h"
#include "takt/platform.h"

typedef struct {
    takt_line_t line;
    takt_plant_stream_t stream;
} takt_plant_edge_t;

void takt_plant_edge_init(takt_plant_edge_t *edge);

/* Takes all that has arrived; `sample` becomes the newest one, received at board time `now_ns`. */
void takt_plant_edge_read(takt_plant_edge_t *edge, uint64_t now_ns, takt_encoder_sample_t *sample);
void takt_plant_edge_drive(takt_plant_edge_t *edge, const takt_drive_t *drive);

#endif
