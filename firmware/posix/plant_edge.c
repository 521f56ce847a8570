/* The hardware edge of the host port; see plant_edge.h. */
#include "plant_edge.h"

#define PORTIONS 8u /* of 512 bytes: a flood must not hold the control thread */

void takt_plant_edge_init(takt_plant_edge_t *edge)
{
    takt_plant_stream_init(&edge->stream);
}

void takt_plant_edge_read(takt_plant_edge_t *edge, uint64_t now_ns, takt_encoder_sample_t *sample)
{
    uint8_t bytes[512];
    for (unsigned portion = 0; portion < PORTIONS; portion++) {
        const size_t count = takt_line_read(&edge->line, bytes, sizeof bytes);
        takt_plant_stream_receive(&edge->stream, bytes, count, now_ns);
        if (count < sizeof bytes) {
            break;
        }
    }
    *sample = edge->stream.sample;
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
