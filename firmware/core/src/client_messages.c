/* What the agent sends: streams in, fragments, and the handing out of submessages. */
#include "client_parts.h"

#include <string.h>

#define HEARTBEATS_BEHIND 3u /* in a row, of an agent that claims to have sent less than was received */

static void drop_fragments(takt_client_t *client, bool until_last)
{
    client->assembled = 0;
    client->assembly_lost = until_last;
}

void client_messages_reset(takt_client_t *client)
{
    takt_reliable_in_reset(&client->reliable_in);
    takt_best_effort_in_reset(&client->best_effort_in);
    drop_fragments(client, false);
}

static bool reply_fits(const takt_client_t *client)
{
    return !client_reply_under_way(client) &&
           takt_fifo_reserve(&client->reliable_out.history, (uint16_t)TAKT_CLIENT_MTU) != NULL;
}

static void take_acknack(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns)
{
    if (size < 5u || payload[4] != XRCE_STREAM_RELIABLE ||
        !takt_reliable_out_acknack(&client->reliable_out, xrce_u16(payload), xrce_pair(payload + 2))) {
        return;
    }
    client_session_heard_acknack(client, now_ns);
    if (client->request_waits && reply_fits(client)) {
        client->request_waits = false;
        client->acknack = TAKT_ACKNACK_AGAIN; /* asks for it */
    }
}

static void take_heartbeat(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns)
{
    if (size < 5u || payload[4] != XRCE_STREAM_RELIABLE || !client_session_open(client)) {
        return;
    }
    const takt_heartbeat_t heartbeat =
        takt_reliable_in_heartbeat(&client->reliable_in, xrce_u16(payload), xrce_u16(payload + 2));
    if (heartbeat == TAKT_HEARTBEAT_SKIPPED) {
        drop_fragments(client, client->assembled > 0);
    }
    if (heartbeat != TAKT_HEARTBEAT_BEHIND) {
        client->late_heartbeats = 0;
    } else if (++client->late_heartbeats >= HEARTBEATS_BEHIND) {
        client_session_lose(client, TAKT_LOSS_OUT_OF_STEP, now_ns);
        return;
    }
    client->acknack = TAKT_ACKNACK_AGAIN;
}

static void take_submessage(takt_client_t *client, uint8_t id, const uint8_t *payload, size_t size,
                            uint64_t now_ns)
{
    switch (id) {
    case XRCE_STATUS_AGENT:
        client_session_opened(client, payload, size, now_ns);
        break;
    case XRCE_STATUS:
        client_entities_status(client, payload, size, now_ns);
        break;
    case XRCE_INFO:
        client_session_info(client, payload, size, now_ns);
        break;
    case XRCE_GET_INFO:
        client_session_asked(client, payload, size);
        break;
    case XRCE_DATA:
        client_data_take(client, payload, size, now_ns);
        break;
    case XRCE_ACKNACK:
        take_acknack(client, payload, size, now_ns);
        break;
    case XRCE_HEARTBEAT:
        take_heartbeat(client, payload, size, now_ns);
        break;
    case XRCE_TIMESTAMP_REPLY:
        client_session_time(client, payload, size, now_ns);
        break;
    default:
        client->stats.malformed++;
        break;
    }
}

/* Length of the submessage at `offset`, or -1 when the message ends before it does or it is not little
 * endian. */
static int32_t submessage_length(const uint8_t *message, size_t size, size_t offset)
{
    if (offset + XRCE_SUBMESSAGE_BYTES > size || (message[offset + 1u] & XRCE_LITTLE_ENDIAN) == 0) {
        return -1;
    }
    const uint16_t length = xrce_u16(message + offset + 2u);
    return offset + XRCE_SUBMESSAGE_BYTES + length > size ? -1 : length;
}

static void take_submessages(takt_client_t *client, const uint8_t *message, size_t size, size_t offset,
                             uint64_t now_ns)
{
    while (offset < size) {
        const int32_t length = submessage_length(message, size, offset);
        if (length < 0) {
            client->stats.malformed += offset + XRCE_SUBMESSAGE_BYTES <= size; /* else: trailing padding */
            return;
        }
        const size_t payload = offset + XRCE_SUBMESSAGE_BYTES;
        take_submessage(client, message[offset], message + payload, (size_t)length, now_ns);
        offset = (payload + (size_t)length + 3u) & ~(size_t)3u;
    }
}

/* One piece of a submessage that did not fit one message. Pieces are gathered, without their headers, in the
 * assembly; a submessage too large for it is dropped and counted, and the stream goes on. */
static void take_fragment(takt_client_t *client, const uint8_t *message, size_t size, uint64_t now_ns)
{
    const int32_t length = submessage_length(message, size, XRCE_HEADER_BYTES);
    if (length < 0) {
        client->stats.malformed++;
        drop_fragments(client, true);
        return;
    }
    const bool last = (message[XRCE_HEADER_BYTES + 1u] & XRCE_LAST_FRAGMENT) != 0;
    if (client->assembly_lost) {
        client->assembly_lost = !last;
        return;
    }
    if (client->config.assembly == NULL || client->assembled + length > client->config.assembly_bytes) {
        client->stats.oversized_samples++;
        drop_fragments(client, !last);
        return;
    }
    memcpy(client->config.assembly + client->assembled, message + XRCE_HEADER_BYTES + XRCE_SUBMESSAGE_BYTES,
           (size_t)length);
    client->assembled = (uint16_t)(client->assembled + length);
    if (last) {
        const size_t assembled = client->assembled;
        drop_fragments(client, false);
        take_submessages(client, client->config.assembly, assembled, 0, now_ns);
    }
}

static void take_reliable(takt_client_t *client, const uint8_t *message, size_t size, uint64_t now_ns)
{
    const uint8_t first_id = message[XRCE_HEADER_BYTES];
    const takt_sequence_t order = takt_reliable_in_check(&client->reliable_in, xrce_u16(message + 2));
    if (order == TAKT_SEQUENCE_NEXT) {
        /* A sample may be a request: it is taken only when there is room for the reply, and asked for later.
         */
        if ((first_id == XRCE_DATA || first_id == XRCE_FRAGMENT) && !reply_fits(client)) {
            client->request_waits = true;
            return;
        }
        takt_reliable_in_accept(&client->reliable_in);
        if (first_id == XRCE_FRAGMENT) {
            take_fragment(client, message, size, now_ns);
        } else {
            drop_fragments(client, false);
            take_submessages(client, message, size, XRCE_HEADER_BYTES, now_ns);
        }
    } else if (order == TAKT_SEQUENCE_REPEATED) {
        client->stats.duplicates++;
    }
    if (client_session_open(client) && client->acknack == TAKT_ACKNACK_NONE) {
        client->acknack = TAKT_ACKNACK_DUE;
    }
}

static void take_best_effort(takt_client_t *client, const uint8_t *message, size_t size, uint64_t now_ns)
{
    if (takt_best_effort_in_accept(&client->best_effort_in, xrce_u16(message + 2))) {
        take_submessages(client, message, size, XRCE_HEADER_BYTES, now_ns);
    } else {
        client->stats.duplicates++;
    }
}

static void take_stream(takt_client_t *client, const uint8_t *message, size_t size, uint64_t now_ns)
{
    switch (message[1]) {
    case XRCE_STREAM_NONE:
        take_submessages(client, message, size, XRCE_HEADER_BYTES, now_ns);
        break;
    case XRCE_STREAM_BEST_EFFORT:
        take_best_effort(client, message, size, now_ns);
        break;
    case XRCE_STREAM_RELIABLE:
        take_reliable(client, message, size, now_ns);
        break;
    default:
        client->stats.malformed++;
        break;
    }
}

void client_messages_take(takt_client_t *client, uint64_t now_ns)
{
    const takt_frame_decoder_t *decoder = &client->decoder;
    const uint8_t *message = decoder->payload;
    if (decoder->source != TAKT_FRAME_AGENT || decoder->destination != TAKT_FRAME_BOARD ||
        decoder->size < XRCE_HEADER_BYTES + XRCE_SUBMESSAGE_BYTES ||
        (message[0] != XRCE_SESSION && message[0] != XRCE_NO_SESSION)) {
        client->stats.malformed++;
        return;
    }
    client->stats.rx++;
    client->stats.last_rx_ns = now_ns;
    client->login_stale = false;
    if (message[1] == XRCE_STREAM_NONE || client_session_open(client)) {
        take_stream(client, message, decoder->size, now_ns);
    }
}
