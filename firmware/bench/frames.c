/* Counts CRC and framing of 64 bytes, both ways: the bytes of a usual message, and bytes that all need an
 * escape. */
#include <string.h>

#include "marks.h"
#include "measure_codecs.h"
#include "takt/framing.h"

#define BYTES 64u

static uint8_t message[BYTES], received[BYTES], line[TAKT_FRAME_ENCODED_MAX(BYTES)];
static takt_frame_encoder_t encoder;
static takt_frame_decoder_t decoder;
static volatile uint16_t crc;
static volatile uint32_t whole;

static size_t encode(const char *name)
{
    takt_frame_encoder_start(&encoder, TAKT_FRAME_BOARD, TAKT_FRAME_AGENT, message, BYTES);
    bench_begin();
    const size_t size = takt_frame_encode(&encoder, line, sizeof line);
    bench_end();
    bench_group(name, 1u);
    return size;
}

static void decode(const char *name, size_t size)
{
    takt_frame_decoder_init(&decoder, received, BYTES);
    bench_begin();
    for (size_t i = 0; i < size; i++) {
        whole += takt_frame_decode(&decoder, line[i]) ? 1u : 0u;
    }
    bench_end();
    bench_group(name, 1u);
}

void bench_main(void)
{
    bench_calibrate();
    for (unsigned i = 0; i < BYTES; i++) {
        message[i] = (uint8_t)(i * 37u + 5u) & 0x3Fu;
    }
    bench_begin();
    crc = takt_crc16(0, message, BYTES);
    bench_end();
    bench_group("crc_64_bytes", 1u);
    decode("unframing_64_bytes", encode("framing_64_bytes"));
    memset(message, 0x7E, sizeof message);
    decode("unframing_64_bytes_max", encode("framing_64_bytes_max"));
    bench_group(whole == 2u ? "frames_whole" : "frames_broken", 0u);
    measure_codecs();
}
