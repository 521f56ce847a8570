/* Fuzz target: everything that reads bytes without a state of its own: frames, message codecs, parameter
 * requests.
 *
 * Input: what it is (frames, a message, a parameter request), one more byte of choice, then the bytes. Every
 * buffer has its exact size, so that the sanitizer sees a byte too many. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_target.h"
#include "takt/framing.h"
#include "takt/parameters.h"
#include "takt_messages.h"

#define PAYLOAD_BYTES 512u
#define REPLY_BYTES   456u
#define PART_BYTES    468u

static volatile uint32_t sink; /* what was read is used, so that no read is optimised away */

static uint8_t *exact_copy(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1u);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, size);
    return copy;
}

/* ---- frames: whatever comes, a frame handed out has a good CRC and encodes to what decodes to it again
 * ------------ */

static void check_round_trip(const takt_frame_decoder_t *frame)
{
    uint8_t line[TAKT_FRAME_ENCODED_MAX(PAYLOAD_BYTES)];
    uint8_t payload[PAYLOAD_BYTES];
    takt_frame_encoder_t encoder;
    takt_frame_decoder_t decoder;
    takt_frame_encoder_start(&encoder, frame->source, frame->destination, frame->payload, frame->size);
    const size_t count = takt_frame_encode(&encoder, line, sizeof line);
    takt_frame_decoder_init(&decoder, payload, PAYLOAD_BYTES);
    bool whole = false;
    for (size_t i = 0; i < count; i++) {
        whole = takt_frame_decode(&decoder, line[i]);
    }
    fuzz_require(whole && decoder.size == frame->size &&
                 memcmp(decoder.payload, frame->payload, frame->size) == 0);
}

static void take_line(uint8_t choice, const uint8_t *bytes, size_t size)
{
    const uint16_t capacity = (uint16_t)(choice * 2u); /* 0 to 510 */
    uint8_t *payload = malloc(capacity > 0 ? capacity : 1u);
    if (payload == NULL) {
        abort();
    }
    takt_frame_decoder_t decoder;
    takt_frame_decoder_init(&decoder, payload, capacity);
    for (size_t i = 0; i < size; i++) {
        if (takt_frame_decode(&decoder, bytes[i])) {
            fuzz_require(decoder.size <= capacity);
            check_round_trip(&decoder);
        }
    }
    free(payload);
}

/* ---- messages
 * ------------------------------------------------------------------------------------------------------ */

static void take_message(uint8_t choice, const uint8_t *bytes, size_t size)
{
    takt_cdr_t cdr;
    takt_cdr_reader(&cdr, bytes, size);
    takt_geometry_msgs_TwistStamped_t twist;
    takt_std_msgs_UInt64_t number;
    takt_std_srvs_SetBool_Request_t wish;
    takt_sensor_msgs_TimeReference_t time;
    takt_diagnostic_msgs_KeyValue_t pair;
    bool read = false;
    switch (choice % 5u) {
    case 0:
        read = takt_read_geometry_msgs_TwistStamped(&cdr, &twist);
        sink += read ? twist.header.frame_id.size : 0u;
        break;
    case 1:
        read = takt_read_std_msgs_UInt64(&cdr, &number);
        sink += read ? (uint32_t)number.data : 0u;
        break;
    case 2:
        read = takt_read_std_srvs_SetBool_Request(&cdr, &wish);
        break;
    case 3:
        read = takt_read_sensor_msgs_TimeReference(&cdr, &time);
        sink += read && time.source.size > 0 ? (uint32_t)time.source.data[time.source.size - 1u] : 0u;
        break;
    default:
        read = takt_read_diagnostic_msgs_KeyValue(&cdr, &pair);
        sink += read && pair.value.size > 0 ? (uint32_t)pair.value.data[pair.value.size - 1u] : 0u;
        break;
    }
    fuzz_require(!read || cdr.offset <= size);
}

/* ---- parameters: values stay in range, and a reply in parts is the reply
 * -------------------------------------------- */

static void check_values(const takt_parameters_t *parameters)
{
    for (unsigned i = 0; i < TAKT_PARAMETER_COUNT; i++) {
        const takt_parameter_t *row = &takt_parameter_table[i];
        fuzz_require(parameters->values[i] >= row->low && parameters->values[i] <= row->high);
    }
}

static void check_parts(const takt_parameters_t *parameters, unsigned service, const uint8_t *start,
                        size_t size)
{
    uint8_t part[PART_BYTES];
    for (size_t from = 0; from < size; from += PART_BYTES) {
        const size_t count = size - from < PART_BYTES ? size - from : PART_BYTES;
        takt_parameters_reply_part(parameters, service, from, part, count);
        const size_t known = from < REPLY_BYTES ? REPLY_BYTES - from : 0u;
        fuzz_require(memcmp(part, start + from, known < count ? known : count) == 0);
        sink += part[count - 1u];
    }
}

static void take_request(uint8_t choice, const uint8_t *bytes, size_t size)
{
    static takt_parameters_t parameters;
    takt_parameters_init(&parameters);
    const unsigned service = TAKT_SERVICE_COUNT + choice % TAKT_PARAMETER_SERVICE_COUNT;
    const takt_motion_t motion = {.armed = (choice & 0x80u) != 0, .standing = (choice & 0x40u) != 0};
    uint8_t reply[REPLY_BYTES];
    const size_t written =
        takt_parameters_serve(&parameters, service, bytes, size, motion, reply, sizeof reply);
    check_values(&parameters);
    check_parts(&parameters, service, reply, written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2u) {
        return 0;
    }
    uint8_t *bytes = exact_copy(data + 2, size - 2u);
    switch (data[0] % 3u) {
    case 0:
        take_line(data[1], bytes, size - 2u);
        break;
    case 1:
        take_message(data[1], bytes, size - 2u);
        break;
    default:
        take_request(data[1], bytes, size - 2u);
        break;
    }
    free(bytes);
    return 0;
}
