/* Feeds the client random and half-right bytes under the sanitizers: any finding ends the program.
 *
 * Usage: robustness_driver SEED INPUTS. An input is a handful of frames, good or broken, in random portions,
 * with the client's timers running and its own frames sometimes sent back to it. Prints what the client
 * counted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "takt/client.h"
#include "takt_contract.h"

#define FRAME_MAX 600u

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % limit;
}

static size_t take_some(void *context, const uint8_t *bytes, size_t count)
{
    (void)context;
    volatile uint8_t last = count > 0 ? bytes[count - 1u] : 0; /* reads what it was given */
    (void)last;
    return random_below(8) == 0 ? random_below((uint32_t)count + 1u) : count;
}

static void on_sample(void *context, unsigned topic, const uint8_t *cdr, size_t size, uint64_t now_ns)
{
    (void)now_ns;
    uint32_t *sum = context;
    *sum += topic;
    for (size_t i = 0; i < size; i++) {
        *sum += cdr[i];
    }
}

static size_t on_request(void *context, unsigned service, const uint8_t *cdr, size_t size, uint8_t *reply,
                         size_t capacity, uint64_t now_ns)
{
    on_sample(context, service, cdr, size, now_ns);
    const size_t count = random_below(random_below(4) == 0 ? 3000u : (uint32_t)capacity + 2u);
    memset(reply, 0x7E, count < capacity ? count : capacity);
    return count;
}

static void reply_part(void *context, unsigned service, size_t from, uint8_t *bytes, size_t count)
{
    *(uint32_t *)context += service;
    memset(bytes, (int)(from & 0xFFu), count);
}

/* A message that looks right in all but a few bytes. */
static uint16_t make_message(uint8_t *message, const takt_client_t *client)
{
    static const uint8_t streams[] = {0, 0, 1, 0x80, 0x80, 5};
    static const uint8_t kinds[] = {4, 5, 6, 9, 9, 10, 11, 13, 13, 15, 2};
    const uint16_t size = (uint16_t)(8u + random_below(random_below(4) == 0 ? 500u : 60u));
    for (uint16_t i = 0; i < size; i++) {
        message[i] = (uint8_t)random_below(256);
    }
    message[0] = random_below(8) == 0 ? 0x80 : 0x81;
    message[1] = streams[random_below(sizeof streams)];
    const uint16_t sequence =
        (uint16_t)(message[1] == 0x80 ? client->reliable_in.expected + random_below(3) : random_below(4));
    message[2] = (uint8_t)sequence;
    message[3] = (uint8_t)(sequence >> 8);
    message[4] = kinds[random_below(sizeof kinds)];
    message[5] = (uint8_t)(1u | random_below(2) << 1);
    const uint32_t length = random_below(8) == 0 ? random_below(700) : size - 8u;
    message[6] = (uint8_t)length;
    message[7] = (uint8_t)(length >> 8);
    if (size >= 18 && random_below(2) == 0) { /* ids, status and stream that exist */
        message[10] = (uint8_t)random_below(2);
        message[11] = (uint8_t)(random_below(8) << 4 | (random_below(2) == 0 ? 6u : 8u));
        message[12] = 0x80;
    }
    if (message[4] == 4 && size >= 18) {
        memcpy(message + 8, "\0\0XRCE", 6);
    }
    return size;
}

/* What a good agent would say next: the answer to a creation step, or the confirmation of all that was sent.
 */
static uint16_t make_answer(uint8_t *message, const takt_client_t *client)
{
    const bool confirm = random_below(2) == 0;
    const uint16_t sequence = client->reliable_in.expected;
    const uint16_t confirmed = takt_reliable_out_next(&client->reliable_out);
    const unsigned request = 10u + client->answered;
    const uint8_t status[] = {
        0x81, 0x80, (uint8_t)sequence, (uint8_t)(sequence >> 8), 5, 1, 6, 0, 0, (uint8_t)request, 0, 0x12,
        0,    0};
    const uint8_t acknack[] = {0x81, 0, 0,   0, 10, 1, 5, 0, (uint8_t)confirmed, (uint8_t)(confirmed >> 8),
                               0,    0, 0x80};
    memcpy(message, confirm ? acknack : status, confirm ? sizeof acknack : sizeof status);
    return confirm ? sizeof acknack : sizeof status;
}

static size_t make_line(uint8_t *line, const takt_client_t *client)
{
    static uint8_t message[FRAME_MAX];
    takt_frame_encoder_t encoder;
    const uint16_t size = random_below(3) == 0 ? make_message(message, client) : make_answer(message, client);
    takt_frame_encoder_start(&encoder, 0, 1, message, size);
    const size_t count = takt_frame_encode(&encoder, line, TAKT_FRAME_ENCODED_MAX(FRAME_MAX));
    if (random_below(6) == 0) {
        line[random_below((uint32_t)count)] ^= (uint8_t)(1u << random_below(8));
    }
    return random_below(10) == 0 ? random_below((uint32_t)count) : count;
}

static void publish_something(takt_client_t *client, uint64_t now_ns)
{
    static uint8_t sample[600];
    const uint32_t size = random_below(sizeof sample);
    uint8_t *exact = malloc(size + 1u); /* so that a read past the sample is seen */
    memcpy(exact, sample, size);
    (void)takt_client_publish(client, random_below(TAKT_TOPIC_COUNT + 1u), exact, size, now_ns);
    free(exact);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        return 2;
    }
    random_state = 0x9E3779B97F4A7C15u ^ strtoull(arguments[1], NULL, 10);
    const uint64_t inputs = strtoull(arguments[2], NULL, 10);
    static uint8_t line[TAKT_FRAME_ENCODED_MAX(FRAME_MAX)];
    uint32_t sum = 0;
    uint32_t states = 0;
    takt_client_t *client = malloc(sizeof *client);
    uint8_t *assembly = malloc(TAKT_PARAMETER_REQUEST_BYTES); /* so that a byte too many is seen */
    const takt_client_config_t config = {.context = &sum,
                                         .write = take_some,
                                         .on_sample = on_sample,
                                         .on_request = on_request,
                                         .reply_part = reply_part,
                                         .assembly = assembly,
                                         .assembly_bytes = TAKT_PARAMETER_REQUEST_BYTES,
                                         .key = 7,
                                         .domain = 255,
                                         .contract_property = "contract",
                                         .node_name = "base"};
    uint64_t now_ns = 0;
    takt_client_init(client, &config, now_ns);
    for (uint64_t input = 0; input < inputs; input++) {
        const size_t bytes = make_line(line, client);
        const size_t cut = random_below((uint32_t)bytes + 1u);
        takt_client_receive(client, line, cut, now_ns);
        takt_client_receive(client, line + cut, bytes - cut, now_ns);
        now_ns += random_below(100) == 0 ? random_below(400) * UINT64_C(1000000) : random_below(1000000);
        takt_client_run(client, now_ns);
        if (random_below(4) == 0) {
            publish_something(client, now_ns);
        }
        states |= 1u << takt_client_state(client);
    }
    const takt_client_stats_t *stats = takt_client_stats(client);
    printf("{\"rx\": %" PRIu32 ", \"crc_errors\": %" PRIu32 ", \"malformed\": %" PRIu32
           ", \"reconnects\": %" PRIu32 ", \"states\": %" PRIu32 ", \"sum\": %" PRIu32 "}\n",
           stats->rx, stats->crc_errors, stats->malformed, stats->reconnects, states, sum);
    free(client);
    free(assembly);
    return 0;
}
