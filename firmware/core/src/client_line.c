/* The client's way to the line: queued messages (control, best effort) and the reliable history take turns.
 */
#include "client_parts.h"

#define CHUNK_BYTES 128u

void client_line_reset(takt_client_t *client)
{
    /* A frame that is half out stays so: the flag of the next one ends it at the receiver. */
    client->line = TAKT_LINE_IDLE;
    takt_fifo_clear(&client->queue);
    takt_reliable_out_reset(&client->reliable_out);
}

uint8_t *client_line_reserve(takt_client_t *client, size_t size)
{
    uint8_t *reserved =
        size <= TAKT_CLIENT_QUEUE_BYTES ? takt_fifo_reserve(&client->queue, (uint16_t)size) : NULL;
    if (reserved == NULL) {
        client->stats.dropped++;
    }
    return reserved;
}

void client_line_queue(takt_client_t *client, const xrce_writer_t *message)
{
    if (message->ok) {
        takt_fifo_push(&client->queue, message->bytes, (uint16_t)message->size);
    }
}

static void send(takt_client_t *client, const uint8_t *message, uint16_t size)
{
    takt_frame_encoder_start(&client->encoder, TAKT_FRAME_BOARD, TAKT_FRAME_AGENT, message, size);
}

static bool send_queued(takt_client_t *client)
{
    uint16_t size;
    if (client->queue.count == 0) {
        return false;
    }
    const uint8_t *message = takt_fifo_at(&client->queue, 0, &size);
    send(client, message, size);
    client->line = TAKT_LINE_QUEUED;
    return true;
}

static bool send_reliable(takt_client_t *client)
{
    uint16_t size;
    bool again;
    const uint8_t *message = takt_reliable_out_take(&client->reliable_out, &size, &again);
    if (message == NULL) {
        return false;
    }
    client->stats.retransmits += again;
    send(client, message, size);
    client->line = TAKT_LINE_RELIABLE;
    return true;
}

/* After a queued message a reliable one comes first, so that neither kind can starve the other. */
static bool send_next(takt_client_t *client)
{
    if (client->reliable_turn) {
        client->reliable_turn = false;
        return send_reliable(client) || send_queued(client);
    }
    client->reliable_turn = true;
    return send_queued(client) || send_reliable(client);
}

static void finish(takt_client_t *client)
{
    client->stats.tx++;
    if (client->line == TAKT_LINE_QUEUED) {
        takt_fifo_pop(&client->queue);
    } else {
        takt_reliable_out_sent(&client->reliable_out);
    }
    client->line = TAKT_LINE_IDLE;
}

/* False when the line is full. */
static bool write_chunk(takt_client_t *client)
{
    uint8_t chunk[CHUNK_BYTES];
    const takt_frame_encoder_t before = client->encoder;
    const size_t count = takt_frame_encode(&client->encoder, chunk, sizeof chunk);
    const size_t taken = client->config.write(client->config.context, chunk, count);
    if (taken < count) {
        client->encoder = before;
        (void)takt_frame_encode(&client->encoder, chunk, taken);
        return false;
    }
    return true;
}

void client_line_push(takt_client_t *client)
{
    bool room = true;
    while (room && (client->line != TAKT_LINE_IDLE || send_next(client))) {
        room = write_chunk(client);
        if (takt_frame_encoder_done(&client->encoder)) {
            finish(client);
        }
    }
}
