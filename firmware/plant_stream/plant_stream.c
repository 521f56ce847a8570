/* The plant stream; see plant_stream.h. */
#include "plant_stream.h"

#include "takt/cdr.h"

#define TYPE_DRIVE   1u
#define TYPE_SAMPLE  2u
#define SAMPLE_BYTES 24u

void takt_plant_stream_init(takt_plant_stream_t *stream)
{
    takt_frame_decoder_init(&stream->decoder, stream->payload, sizeof stream->payload);
    stream->sample = (takt_encoder_sample_t){0};
}

/* All fields of both payloads lie at multiples of their size, so the CDR cursor reads and writes them as they
 * are. */
static void take_sample(takt_plant_stream_t *stream, uint64_t now_ns)
{
    uint8_t type = 0;
    uint8_t flags = 0;
    takt_encoder_sample_t sample = {.present = true, .received_ns = now_ns};
    takt_cdr_t cursor;
    takt_cdr_reader(&cursor, stream->payload, stream->decoder.size);
    takt_cdr_read_u8(&cursor, &type);
    takt_cdr_read_u8(&cursor, &flags);
    takt_cdr_read_u16(&cursor, &sample.supply_mv);
    takt_cdr_read_u32(&cursor, &sample.sequence);
    takt_cdr_read_u64(&cursor, &sample.sample_ns);
    takt_cdr_read_i32(&cursor, &sample.counts[TAKT_LEFT]);
    takt_cdr_read_i32(&cursor, &sample.counts[TAKT_RIGHT]);
    if (cursor.ok && type == TYPE_SAMPLE && stream->decoder.size == SAMPLE_BYTES &&
        stream->decoder.destination == TAKT_FRAME_BOARD) {
        sample.e_stop = (flags & 1u) != 0;
        sample.motor_fault = (flags & 2u) != 0;
        stream->sample = sample;
    }
}

void takt_plant_stream_receive(takt_plant_stream_t *stream, const uint8_t *bytes, size_t count,
                               uint64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        if (takt_frame_decode(&stream->decoder, bytes[i])) {
            take_sample(stream, now_ns);
        }
    }
}

static size_t write_payload(const takt_drive_t *drive, uint8_t payload[TAKT_PLANT_PAYLOAD_MAX])
{
    takt_cdr_t cursor;
    takt_cdr_writer(&cursor, payload, TAKT_PLANT_PAYLOAD_MAX);
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

size_t takt_plant_stream_encode(const takt_drive_t *drive, uint8_t frame[TAKT_PLANT_FRAME_MAX])
{
    uint8_t payload[TAKT_PLANT_PAYLOAD_MAX];
    takt_frame_encoder_t encoder;
    const size_t size = write_payload(drive, payload);
    takt_frame_encoder_start(&encoder, TAKT_FRAME_BOARD, TAKT_FRAME_AGENT, payload, (uint16_t)size);
    return takt_frame_encode(&encoder, frame, TAKT_PLANT_FRAME_MAX);
}
