/* The hardware edge of the host port; see plant_edge.h. */
#include "plant_edge.h"

#include <poll.h>

void takt_plant_edge_init(takt_plant_edge_t *edge)
{
    takt_plant_stream_init(&edge->stream);
    takt_exchange_init(&edge->exchange);
    for (unsigned slot = 0; slot < TAKT_EXCHANGE_SLOTS; slot++) {
        edge->samples[slot] = edge->stream.sample;
    }
}

void takt_plant_edge_wait(const takt_plant_edge_t *edge, int limit_ms)
{
    struct pollfd input = {.fd = atomic_load(&edge->line.fd), .events = POLLIN};
    poll(&input, 1, limit_ms);
}

void takt_plant_edge_listen(takt_plant_edge_t *edge, uint64_t now_ns)
{
    uint8_t bytes[512];
    const size_t count = takt_line_read(&edge->line, bytes, sizeof bytes);
    if (count == 0) {
        return;
    }
    takt_plant_stream_receive(&edge->stream, bytes, count, now_ns);
    edge->samples[edge->exchange.writing] = edge->stream.sample;
    takt_exchange_publish(&edge->exchange);
}

void takt_plant_edge_read(takt_plant_edge_t *edge, takt_encoder_sample_t *sample)
{
    takt_exchange_take(&edge->exchange);
    *sample = edge->samples[edge->exchange.reading];
}

void takt_plant_edge_drive(takt_plant_edge_t *edge, const takt_drive_t *drive)
{
    uint8_t frame[TAKT_PLANT_FRAME_MAX];
    const size_t size = takt_plant_stream_encode(drive, frame);
    /* A frame that the line takes only in part is lost, and what came before it is old: the next cycle's duty
     * is what the motor must hear, so nothing may stand in its way. */
    if (takt_line_write(&edge->line, frame, size) < size) {
        takt_line_discard(&edge->line);
    }
}
