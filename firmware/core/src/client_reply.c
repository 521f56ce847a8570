/* A reply larger than one message: FRAGMENTs, each made when the reliable history has room for it.
 *
 * What is cut up is the WRITE_DATA submessage that the reply would be: its header, the ids, the identity of
 * the request, then the reply's CDR, which the board writes anew for each part; nothing holds it as a whole.
 * Fragments of a message must not be mixed with other messages of the stream, so publications and requests
 * wait meanwhile. */
#include "client_parts.h"

#include <string.h> /* memcpy */

#define IDS_BYTES      4u
#define HEAD_BYTES     (XRCE_SUBMESSAGE_BYTES + IDS_BYTES + XRCE_IDENTITY_BYTES)
#define FRAGMENT_BYTES (TAKT_CLIENT_MESSAGE_BYTES - XRCE_HEADER_BYTES - XRCE_SUBMESSAGE_BYTES)
#define REPLY_MAX      60000u /* the length of a submessage has 16 bits */

bool client_reply_under_way(const takt_client_t *client)
{
    return client->long_reply.size > 0;
}

bool client_reply_start(takt_client_t *client, unsigned service, uint16_t request, const uint8_t *identity,
                        size_t size)
{
    if (client->config.reply_part == NULL || size > REPLY_MAX) {
        return false;
    }
    client->long_reply.size = (uint32_t)size;
    client->long_reply.sent = 0;
    client->long_reply.request = request;
    client->long_reply.service = (uint8_t)service;
    memcpy(client->long_reply.identity, identity, XRCE_IDENTITY_BYTES);
    return true;
}

/* The submessage up to the reply; it fits the first fragment. */
static void put_head(xrce_writer_t *message, const takt_client_t *client)
{
    const size_t length = IDS_BYTES + XRCE_IDENTITY_BYTES + client->long_reply.size;
    xrce_put_u8(message, XRCE_WRITE_DATA);
    xrce_put_u8(message, XRCE_LITTLE_ENDIAN);
    xrce_put_u16(message, (unsigned)length);
    xrce_put_pair(message, client->long_reply.request);
    xrce_put_pair(message, xrce_object(client->long_reply.service, XRCE_REPLIER));
    xrce_put_bytes(message, client->long_reply.identity, XRCE_IDENTITY_BYTES);
}

static void put_part(xrce_writer_t *message, takt_client_t *client, size_t count)
{
    size_t from = 0;
    if (client->long_reply.sent == 0) {
        put_head(message, client);
        count -= HEAD_BYTES;
    } else {
        from = client->long_reply.sent - HEAD_BYTES;
    }
    client->config.reply_part(client->config.context, client->long_reply.service, from,
                              message->bytes + message->size, count);
    message->size += count;
}

/* False: no room for a whole message yet. */
static bool send_fragment(takt_client_t *client)
{
    uint8_t *room = takt_fifo_reserve(&client->reliable_out.history, (uint16_t)TAKT_CLIENT_MESSAGE_BYTES);
    if (room == NULL) {
        return false;
    }
    const size_t left = HEAD_BYTES + client->long_reply.size - client->long_reply.sent;
    const bool last = left <= FRAGMENT_BYTES;
    const size_t count = last ? left : FRAGMENT_BYTES;
    xrce_writer_t message = xrce_message(room, TAKT_CLIENT_MESSAGE_BYTES, XRCE_SESSION, XRCE_STREAM_RELIABLE,
                                         takt_reliable_out_next(&client->reliable_out));
    const size_t place = xrce_open(&message, XRCE_FRAGMENT, last ? XRCE_LAST_FRAGMENT : 0);
    put_part(&message, client, count);
    xrce_close(&message, place);
    xrce_align(&message, 4);
    takt_reliable_out_push(&client->reliable_out, room, (uint16_t)message.size);
    client->long_reply.sent += (uint32_t)count;
    client->long_reply.size = last ? 0 : client->long_reply.size;
    return true;
}

void client_reply_run(takt_client_t *client)
{
    while (client_reply_under_way(client) && send_fragment(client)) {
    }
}
