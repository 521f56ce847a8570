/* The plant stream, shared by every port whose hardware edge is simulated: takt_plant_stream_t.
 *
 * Serial frames as on the link, the board at address 1, the plant at 0; payloads little endian:
 *   board to plant, 32 bytes: u8 1, u8 flags (0 driver enabled, 1 armed), u8 rung, u8 0, u32 cycle,
 *                             u64 board ns, f32 duty[2], f32 setpoint_rad_s[2]
 *   plant to board, 24 bytes: u8 2, u8 flags (0 e-stop, 1 motor fault), u16 supply mV, u32 sequence,
 *                             u64 plant ns, i32 counts[2] */
#ifndef TAKT_PLANT_STREAM_H
#define TAKT_PLANT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "takt/framing.h"
#include "takt/platform.h"

#define TAKT_PLANT_PAYLOAD_MAX 32u
#define TAKT_PLANT_FRAME_MAX   TAKT_FRAME_ENCODED_MAX(TAKT_PLANT_PAYLOAD_MAX)

typedef struct {
    takt_frame_decoder_t decoder;
    uint8_t payload[TAKT_PLANT_PAYLOAD_MAX];
    takt_encoder_sample_t sample; /* newest; present = false before the first */
} takt_plant_stream_t;

void takt_plant_stream_init(takt_plant_stream_t *stream);

/* Bytes from the line, in any portions, received at board time `now_ns`. What is damaged or foreign is
 * dropped. */
void takt_plant_stream_receive(takt_plant_stream_t *stream, const uint8_t *bytes, size_t count,
                               uint64_t now_ns);

/* The frame that carries `drive`; returns its size. */
size_t takt_plant_stream_encode(const takt_drive_t *drive, uint8_t frame[TAKT_PLANT_FRAME_MAX]);

#endif
