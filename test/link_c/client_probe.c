/* What the tests need beyond the public interface: sizes, whole-run framing, and the generated tables. */
#include <string.h>

#include "takt/client.h"
#include "takt_contract.h"

typedef void (*probe_frame_t)(const uint8_t *payload, size_t size, unsigned source, unsigned destination);

size_t probe_client_size(void)
{
    return sizeof(takt_client_t);
}
size_t probe_filter_size(void)
{
    return sizeof(takt_clock_filter_t);
}
unsigned probe_topic_count(void)
{
    return TAKT_TOPIC_COUNT;
}
unsigned probe_late_service_count(void)
{
    return TAKT_PARAMETER_SERVICE_COUNT;
}
unsigned probe_service_count(void)
{
    return TAKT_SERVICE_COUNT + TAKT_PARAMETER_SERVICE_COUNT;
}
const char *probe_topic_name(unsigned topic)
{
    return takt_topics[topic].dds_name;
}
const char *probe_topic_type(unsigned topic)
{
    return takt_topics[topic].dds_type;
}
unsigned probe_topic_publishes(unsigned topic)
{
    return takt_topics[topic].board_publishes;
}
unsigned probe_topic_reliable(unsigned topic)
{
    return takt_topics[topic].reliable;
}
unsigned probe_topic_depth(unsigned topic)
{
    return (unsigned)takt_topics[topic].depth;
}
const char *probe_service_name(unsigned service)
{
    return takt_services[service].ros_name;
}

/* True when every entity has been created and answered for, the services of parameters too. */
bool probe_complete(const takt_client_t *client)
{
    unsigned steps = 1u + 2u * probe_service_count();
    for (unsigned topic = 0; topic < TAKT_TOPIC_COUNT; topic++) {
        steps += takt_topics[topic].board_publishes ? 3u : 4u;
    }
    return client->state == TAKT_CLIENT_CONNECTED && client->answered == steps;
}

/* As if `sequence` reliable messages had been sent and confirmed. */
void probe_set_sequence(takt_client_t *client, unsigned sequence)
{
    client->reliable_out.first = (uint16_t)sequence;
}

/* As if as many requests had been made. */
void probe_set_request(takt_client_t *client, unsigned request)
{
    client->next_request = (uint16_t)request;
}

void probe_decode(const uint8_t *line, size_t count, uint16_t capacity, probe_frame_t on_frame,
                  uint32_t counters[3])
{
    static uint8_t payload[65536];
    takt_frame_decoder_t decoder;
    takt_frame_decoder_init(&decoder, payload, capacity);
    for (size_t i = 0; i < count; i++) {
        if (takt_frame_decode(&decoder, line[i])) {
            on_frame(payload, decoder.size, decoder.source, decoder.destination);
        }
    }
    counters[0] = decoder.crc_errors;
    counters[1] = decoder.oversized;
    counters[2] = decoder.cut;
}

/* Encodes in portions of `portion` bytes. After each, the encoder is set back by one byte and asked for that
 * byte again, as a caller does whose line took fewer bytes. */
size_t probe_encode(const uint8_t *payload, uint16_t size, unsigned source, unsigned destination,
                    size_t portion, uint8_t *out)
{
    takt_frame_encoder_t encoder;
    size_t total = 0;
    takt_frame_encoder_start(&encoder, (uint8_t)source, (uint8_t)destination, payload, size);
    while (!takt_frame_encoder_done(&encoder)) {
        const takt_frame_encoder_t before = encoder;
        size_t count = takt_frame_encode(&encoder, out + total, portion);
        if (count > 1) {
            encoder = before;
            count = takt_frame_encode(&encoder, out + total, count - 1);
        }
        total += count;
    }
    return total;
}
