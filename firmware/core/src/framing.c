/* Serial frame: incremental decoder and encoder (takt/framing.h). */
#include "takt/framing.h"

#define FLAG         0x7Eu
#define ESCAPE       0x7Du
#define STUFFING     0x20u
#define HEADER_BYTES 4u /* source, destination, length */
#define CRC_BYTES    2u

uint16_t takt_crc16(uint16_t crc, const uint8_t *bytes, size_t count)
{
    /* Four bits at a time: 32 bytes of table instead of 512. */
    static const uint16_t table[16] = {0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
                                       0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400};
    for (size_t i = 0; i < count; i++) {
        crc = (uint16_t)((crc >> 4) ^ table[(crc ^ bytes[i]) & 15u]);
        crc = (uint16_t)((crc >> 4) ^ table[(crc ^ (bytes[i] >> 4)) & 15u]);
    }
    return crc;
}

void takt_frame_decoder_init(takt_frame_decoder_t *decoder, uint8_t *payload, uint16_t capacity)
{
    *decoder = (takt_frame_decoder_t){.payload = payload, .capacity = capacity, .hunting = true};
}

static void start_frame(takt_frame_decoder_t *decoder)
{
    if (!decoder->hunting && decoder->position > 0) {
        decoder->cut++;
    }
    decoder->hunting = false;
    decoder->escaped = false;
    decoder->position = 0;
    decoder->crc = 0;
}

static void take_header(takt_frame_decoder_t *decoder, uint8_t byte)
{
    switch (decoder->position) {
    case 0:
        decoder->source = byte;
        break;
    case 1:
        decoder->destination = byte;
        break;
    case 2:
        decoder->size = byte;
        break;
    default:
        decoder->size = (uint16_t)(decoder->size | (uint16_t)(byte << 8));
        if (decoder->size > decoder->capacity) {
            decoder->oversized++;
            decoder->hunting = true;
        }
        break;
    }
}

static bool end_frame(takt_frame_decoder_t *decoder, uint8_t crc_high)
{
    decoder->hunting = true;
    if (decoder->crc != (uint16_t)(decoder->crc_low | (uint16_t)(crc_high << 8))) {
        decoder->crc_errors++;
        return false;
    }
    return true;
}

static bool take_byte(takt_frame_decoder_t *decoder, uint8_t byte)
{
    const uint32_t position = decoder->position;
    const uint32_t crc_at = HEADER_BYTES + (uint32_t)decoder->size;
    if (position < HEADER_BYTES) {
        take_header(decoder, byte);
    } else if (position < crc_at) {
        decoder->payload[position - HEADER_BYTES] = byte;
        decoder->crc = takt_crc16(decoder->crc, &byte, 1);
    } else if (position == crc_at) {
        decoder->crc_low = byte;
    } else {
        return end_frame(decoder, byte);
    }
    decoder->position++;
    return false;
}

bool takt_frame_decode(takt_frame_decoder_t *decoder, uint8_t byte)
{
    if (byte == FLAG) {
        start_frame(decoder);
        return false;
    }
    if (decoder->hunting) {
        return false;
    }
    if (byte == ESCAPE) {
        decoder->escaped = true;
        return false;
    }
    if (decoder->escaped) {
        decoder->escaped = false;
        byte ^= STUFFING;
    }
    return take_byte(decoder, byte);
}

void takt_frame_encoder_start(takt_frame_encoder_t *encoder, uint8_t source, uint8_t destination,
                              const uint8_t *payload, uint16_t size)
{
    *encoder = (takt_frame_encoder_t){
        .payload = payload, .size = size, .source = source, .destination = destination};
}

bool takt_frame_encoder_done(const takt_frame_encoder_t *encoder)
{
    return encoder->position >= 1u + HEADER_BYTES + (uint32_t)encoder->size + CRC_BYTES;
}

/* The byte at the encoder's position, before stuffing; never asked for the flag. */
static uint8_t byte_here(const takt_frame_encoder_t *encoder)
{
    const uint32_t position = encoder->position - 1u;
    if (position >= HEADER_BYTES + (uint32_t)encoder->size) {
        const bool low = position == HEADER_BYTES + (uint32_t)encoder->size;
        return (uint8_t)(low ? encoder->crc : encoder->crc >> 8);
    }
    switch (position) {
    case 0:
        return encoder->source;
    case 1:
        return encoder->destination;
    case 2:
        return (uint8_t)encoder->size;
    case 3:
        return (uint8_t)(encoder->size >> 8);
    default:
        return encoder->payload[position - HEADER_BYTES];
    }
}

static void step(takt_frame_encoder_t *encoder, uint8_t byte)
{
    const uint32_t position = encoder->position;
    if (position > HEADER_BYTES && position <= HEADER_BYTES + (uint32_t)encoder->size) {
        encoder->crc = takt_crc16(encoder->crc, &byte, 1);
    }
    encoder->escaped = false;
    encoder->position++;
}

size_t takt_frame_encode(takt_frame_encoder_t *encoder, uint8_t *out, size_t capacity)
{
    size_t count = 0;
    while (count < capacity && !takt_frame_encoder_done(encoder)) {
        if (encoder->position == 0) {
            out[count++] = FLAG;
            encoder->position = 1;
            continue;
        }
        const uint8_t byte = byte_here(encoder);
        if (encoder->escaped) {
            out[count++] = byte ^ STUFFING;
            step(encoder, byte);
        } else if (byte == FLAG || byte == ESCAPE) {
            out[count++] = ESCAPE;
            encoder->escaped = true;
        } else {
            out[count++] = byte;
            step(encoder, byte);
        }
    }
    return count;
}
