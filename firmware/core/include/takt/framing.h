/* Serial frame of the link and of the plant stream: takt_frame_decoder_t, takt_frame_encoder_t.
 *
 * 7E | source | destination | length (2, low first) | payload | CRC-16/ARC of the payload (2, low first).
 * After the flag every 7D and 7E travels as 7D and (byte XOR 20); there is no end flag. */
#ifndef TAKT_FRAMING_H
#define TAKT_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAKT_FRAME_AGENT 0u /* address of the agent (and of the plant) */
#define TAKT_FRAME_BOARD 1u /* address of the board */
#define TAKT_FRAME_ENCODED_MAX(payload_bytes)                    \
    (1u + 2u * ((payload_bytes) + 6u)) /* worst case of stuffing \
                                        */

typedef struct {
    uint8_t *payload;    /* of the caller; holds the payload after takt_frame_decode returned true */
    uint16_t capacity;   /* bytes in payload; a longer frame is dropped */
    uint16_t size;       /* announced, and after success present, bytes of payload */
    uint16_t position;   /* bytes of the frame taken so far, the flag not counted */
    uint16_t crc;        /* of the payload so far */
    uint8_t source;      /* address fields of the last frame */
    uint8_t destination; /* */
    uint8_t crc_low;     /* first CRC byte as received */
    bool escaped;        /* last byte was 7D */
    bool hunting;        /* between frames: waiting for a flag */
    uint32_t crc_errors; /* complete frames whose CRC was wrong */
    uint32_t oversized;  /* frames longer than capacity */
    uint32_t cut;        /* frames that a flag ended before their length was reached */
} takt_frame_decoder_t;

typedef struct {
    const uint8_t *payload; /* must stay as it is until the frame is out */
    uint16_t size;          /* bytes of payload */
    uint16_t position;      /* bytes of the frame already produced, before stuffing, flag included */
    uint16_t crc;           /* of the payload produced so far */
    uint8_t source;         /* address fields */
    uint8_t destination;    /* */
    bool escaped;           /* 7D is out, its partner is not */
} takt_frame_encoder_t;

/* CRC-16/ARC (polynomial 8005 reflected, start 0, no final XOR) continued by `count` bytes. */
uint16_t takt_crc16(uint16_t crc, const uint8_t *bytes, size_t count);

void takt_frame_decoder_init(takt_frame_decoder_t *decoder, uint8_t *payload, uint16_t capacity);

/* Takes one byte of the line. True: a whole frame with a good CRC lies in payload[0..size), until the next
 * call. */
bool takt_frame_decode(takt_frame_decoder_t *decoder, uint8_t byte);

void takt_frame_encoder_start(takt_frame_encoder_t *encoder, uint8_t source, uint8_t destination,
                              const uint8_t *payload, uint16_t size);

/* Produces the next bytes of the frame, at most `capacity`; the frame is out when it returns less than
 * `capacity` or takt_frame_encoder_done says so. Copying the encoder saves the position: a caller whose line
 * took fewer bytes restores the copy and produces just those again. */
size_t takt_frame_encode(takt_frame_encoder_t *encoder, uint8_t *out, size_t capacity);

bool takt_frame_encoder_done(const takt_frame_encoder_t *encoder);

#endif
