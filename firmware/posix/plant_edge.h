/* The hardware edge of the host port: duty out, encoder counts in, as frames on the plant stream.
 *
 * Linux delivers a pty's bytes by a worker of the normal scheduling class, and a read that finds none waits
 * for that worker. So a thread of its own reads the stream and hands the newest sample over; the control
 * thread takes it without a system call and only ever writes. */
#ifndef TAKT_POSIX_PLANT_EDGE_H
#define TAKT_POSIX_PLANT_EDGE_H

#include "line.h"
#include "plant_stream.h"
#include "takt/exchange.h"
#include "takt/platform.h"

typedef struct {
    takt_line_t line;
    takt_plant_stream_t stream; /* listening thread */
    takt_exchange_t exchange;
    takt_encoder_sample_t samples[TAKT_EXCHANGE_SLOTS];
} takt_plant_edge_t;

void takt_plant_edge_init(takt_plant_edge_t *edge);

/* Listening thread: waits at most `limit_ms` for bytes. */
void takt_plant_edge_wait(const takt_plant_edge_t *edge, int limit_ms);

/* Listening thread: takes what has arrived and hands over the newest sample, received at board time `now_ns`.
 */
void takt_plant_edge_listen(takt_plant_edge_t *edge, uint64_t now_ns);

/* Control thread: the newest sample; never waits. */
void takt_plant_edge_read(takt_plant_edge_t *edge, takt_encoder_sample_t *sample);

/* Control thread. */
void takt_plant_edge_drive(takt_plant_edge_t *edge, const takt_drive_t *drive);

#endif
