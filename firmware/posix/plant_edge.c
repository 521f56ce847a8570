/* The plant stream; see plant_edge.h. Payloads are little endian:
 *   board to plant, 32 bytes: u8 1, u8 flags (0 driver enabled, 1 armed), u8 rung, u8 0, u32 cycle, u64 board
 * ns, f32 duty[2], f32 setpoint_rad_s[2] plant to board, 24 bytes: u8 2, u8 flags (0 e-stop, 1 motor fault),
 * u16 supply mV, u32 sequence, u64 plant ns, i32 counts[2] */
#include "plant_edge.h"

#include <string.h> /* memcpy */

#include "takt/cdr.h"

#define TYPE_DRIVE   1u
#define TYPE_SAMPLE  2u
#define DRIVE_BYTES  32u
#define SAMPLE_BYTES 24u
#define PORTIONS     8u /* of 512 bytes: a flood must not hold the control thread */

void takt_plant_edge_init(takt_plant_edge_t *edge)
{
    takt_frame_decoder_init(&edge->decoder, edge->payload, sizeof edge->payload);
    edge->sample = (takt_encoder_sample_t){0};
}

/* All fields of both payloads lie at multiples of their size, so the CDR cursor reads and writes them as they
 * are. */
static void take_sample(takt_plant_edge_t *edge, uint64_t now_ns)
{
    uint8_t type = 0;
    uint8_t flags = 0;
    takt_encoder_sample_t sample = {.present = true, .received_ns = now_ns};
    takt_cdr_t cursor;
    takt_cdr_reader(&cursor, edge->payload, edge->decoder.size);
    takt_cdr_read_u8(&cursor, &type);
    takt_cdr_read_u8(&cursor, &flags);
    takt_cdr_read_u16(&cursor, &sample.supply_mv);
    takt_cdr_read_u32(&cursor, &sample.sequence);
    takt_cdr_read_u64(&cursor, &sample.sample_ns);
    takt_cdr_read_i32(&cursor, &sample.counts[TAKT_LEFT]);
    takt_cdr_read_i32(&cursor, &sample.counts[TAKT_RIGHT]);
    if (cursor.ok && type == TYPE_SAMPLE && edge->decoder.size == SAMPLE_BYTES &&
        edge->decoder.destination == TAKT_FRAME_BOARD) {
        sample.e_stop = (flags & 1u) != 0;
        sample.motor_fault = (flags & 2u) != 0;
        edge->sample = sample;
    }
}

void takt_plant_edge_read(takt_plant_edge_t *edge, uint64_t now_ns, takt_encoder_sample_t *sample)
{
    uint8_t bytes[512];
    for (unsigned portion = 0; portion < PORTIONS; portion++) {
        const size_t count = takt_line_read(&edge->line, bytes, sizeof bytes);
        for (size_t i = 0; i < count; i++) {
            if (takt_frame_decode(&edge->decoder, bytes[i])) {
                take_sample(edge, now_ns);
            }
        }
        if (count < sizeof bytes) {
            break;
        }
    }
    *sample = edge->sample;
}

static size_t write_payload(const takt_drive_t *drive, uint8_t payload[DRIVE_BYTES])
{
    takt_cdr_t cursor;
    takt_cdr_writer(&cursor, payload, DRIVE_BYTES);
    takt_cdr_write_u8(&cursor, TYPE_DRIVE);
    takt_cdr_write_u8(&cursor, (uint8_t)((drive->driver_enabled ? 1u : 0u) | (drive->armed ? 2u : 0u)));
    takt_cdr_write_u8(&cursor, drive->rung);
    takt_cdr_write_u8(&cursor, 0);
    takt_cdr_write_u32(&cursor, drive->cycle);
    takt_cdr_write_u64(&cursor, drive->board_ns);
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        takt_cdr_write_f32(&cursor, drive->duty[wheel]);
    }
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        takt_cdr_write_f32(&cursor, drive->setpoint_rad_s[wheel]);
    }
    return cursor.offset;
}

void takt_plant_edge_drive(takt_plant_edge_t *edge, const takt_drive_t *drive)
{
    uint8_t payload[DRIVE_BYTES];
    uint8_t frame[TAKT_FRAME_ENCODED_MAX(DRIVE_BYTES)];
    takt_frame_encoder_t encoder;
    const size_t payload_size = write_payload(drive, payload);
    takt_frame_encoder_start(&encoder, TAKT_FRAME_BOARD, TAKT_FRAME_AGENT, payload, (uint16_t)payload_size);
    const size_t size = takt_frame_encode(&encoder, frame, sizeof frame);
    /* A frame that the line takes only in part is lost, and what came before it is old: the next cycle's duty
     * is what the motor must hear, so nothing may stand in its way. */
    if (takt_line_write(&edge->line, frame, size) < size) {
        takt_line_discard(&edge->line);
    }
}
