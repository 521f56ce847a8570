/* Samples and services: DATA in, WRITE_DATA out. */
#include "client_parts.h"

#include "takt_contract.h"

#define DATA_IDS_BYTES   4u /* request id, object id */
#define WRITE_BYTES      (XRCE_HEADER_BYTES + XRCE_SUBMESSAGE_BYTES + DATA_IDS_BYTES)
#define SAMPLE_BYTES_MAX (TAKT_CLIENT_MESSAGE_BYTES - WRITE_BYTES)

uint16_t client_next_request(takt_client_t *client)
{
    const uint16_t request = client->next_request;
    client->next_request = (uint16_t)(request == UINT16_MAX ? XRCE_FIRST_REQUEST : request + 1u);
    return request;
}

/* Opens a message with a WRITE_DATA to `object`; the sample follows. */
static xrce_writer_t open_write(takt_client_t *client, uint8_t *room, size_t capacity, bool reliable,
                                uint16_t object, size_t *place)
{
    const uint16_t sequence =
        reliable ? takt_reliable_out_next(&client->reliable_out) : client->best_effort_sequence;
    xrce_writer_t message = xrce_message(room, capacity, XRCE_SESSION,
                                         reliable ? XRCE_STREAM_RELIABLE : XRCE_STREAM_BEST_EFFORT, sequence);
    *place = xrce_open(&message, XRCE_WRITE_DATA, 0);
    xrce_put_pair(&message, client_next_request(client));
    xrce_put_pair(&message, object);
    return message;
}

/* ---- services
 * ------------------------------------------------------------------------------------------------ */

/* The reply is written in place behind the identity of the request, in the room that was made sure of before.
 */
static void serve(takt_client_t *client, unsigned service, const uint8_t *payload, size_t size,
                  uint64_t now_ns)
{
    uint8_t *room = takt_fifo_reserve(&client->reliable_out.history, TAKT_CLIENT_MESSAGE_BYTES);
    if (room == NULL || size < XRCE_IDENTITY_BYTES) {
        client->stats.refused++;
        return;
    }
    size_t place;
    const uint16_t request = client->next_request;
    xrce_writer_t message =
        open_write(client, room, TAKT_CLIENT_MESSAGE_BYTES, true, xrce_object(service, XRCE_REPLIER), &place);
    xrce_put_bytes(&message, payload, XRCE_IDENTITY_BYTES);
    client->serving = true;
    const size_t written = client->config.on_request(
        client->config.context, service, payload + XRCE_IDENTITY_BYTES, size - XRCE_IDENTITY_BYTES,
        room + message.size, message.capacity - message.size, now_ns);
    client->serving = false;
    /* The payload may be gone by now: the identity is read where it was written. */
    const uint8_t *identity = room + message.size - XRCE_IDENTITY_BYTES;
    if (written > message.capacity - message.size &&
        client_reply_start(client, service, request, identity, written)) {
        return;
    }
    if (written == 0 || written > message.capacity - message.size) {
        client->stats.refused++;
        return;
    }
    message.size += written;
    xrce_close(&message, place);
    xrce_align(&message, 4);
    takt_reliable_out_push(&client->reliable_out, room, (uint16_t)message.size);
}

void client_data_take(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns)
{
    if (size < DATA_IDS_BYTES || !client_session_open(client)) {
        client->stats.malformed++;
        return;
    }
    const unsigned object = xrce_pair(payload + 2);
    const unsigned number = object >> 4;
    const unsigned kind = object & 15u;
    if (kind == XRCE_READER && number < TAKT_TOPIC_COUNT && !takt_topics[number].board_publishes) {
        client->config.on_sample(client->config.context, number, payload + DATA_IDS_BYTES,
                                 size - DATA_IDS_BYTES, now_ns);
    } else if (kind == XRCE_REPLIER && number < client_service_count(client)) {
        serve(client, number, payload + DATA_IDS_BYTES, size - DATA_IDS_BYTES, now_ns);
    } else {
        client->stats.malformed++;
    }
}

/* ---- publications
 * -------------------------------------------------------------------------------------------- */

static size_t message_bytes(size_t sample_bytes)
{
    return (WRITE_BYTES + sample_bytes + 3u) & ~(size_t)3u;
}

bool takt_client_has_room(const takt_client_t *client, size_t size)
{
    return client->state == TAKT_CLIENT_CONNECTED && !client->serving && !client_reply_under_way(client) &&
           size <= SAMPLE_BYTES_MAX &&
           takt_fifo_reserve(&client->reliable_out.history, (uint16_t)message_bytes(size)) != NULL;
}

static bool publish_reliable(takt_client_t *client, uint16_t object, const uint8_t *cdr, size_t size)
{
    if (!takt_client_has_room(client, size)) {
        client->stats.refused++;
        return false;
    }
    const size_t capacity = message_bytes(size);
    uint8_t *room = takt_fifo_reserve(&client->reliable_out.history, (uint16_t)capacity);
    size_t place;
    xrce_writer_t message = open_write(client, room, capacity, true, object, &place);
    xrce_put_bytes(&message, cdr, size);
    xrce_close(&message, place);
    xrce_align(&message, 4);
    takt_reliable_out_push(&client->reliable_out, room, (uint16_t)message.size);
    return true;
}

static bool publish_best_effort(takt_client_t *client, uint16_t object, const uint8_t *cdr, size_t size)
{
    const size_t capacity = WRITE_BYTES + size;
    uint8_t *room = client_line_reserve(client, capacity);
    if (room == NULL) {
        return false;
    }
    size_t place;
    xrce_writer_t message = open_write(client, room, capacity, false, object, &place);
    xrce_put_bytes(&message, cdr, size);
    xrce_close(&message, place);
    client_line_queue(client, &message);
    client->best_effort_sequence++;
    return true;
}

bool takt_client_publish(takt_client_t *client, unsigned topic, const uint8_t *cdr, size_t size,
                         uint64_t now_ns)
{
    (void)now_ns; /* nothing here is timed: the heartbeat's timer runs in takt_client_run */
    if (client->state != TAKT_CLIENT_CONNECTED || size > SAMPLE_BYTES_MAX || topic >= TAKT_TOPIC_COUNT ||
        !takt_topics[topic].board_publishes) {
        client->stats.refused++;
        return false;
    }
    const uint16_t object = xrce_object(topic, XRCE_WRITER);
    const bool taken = takt_topics[topic].reliable ? publish_reliable(client, object, cdr, size)
                                                   : publish_best_effort(client, object, cdr, size);
    client_line_push(client);
    return taken;
}
