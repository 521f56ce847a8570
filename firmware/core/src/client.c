/* The client's entry points (takt/client.h). The work is in client_session.c (login, loss, timers),
 * client_entities.c (creation), client_messages.c and client_data.c (what comes in, samples out),
 * client_reply.c (replies of several messages), client_line.c (the way out). */
#include "client_parts.h"

#include "takt_contract.h"

_Static_assert(TAKT_FIFO_MESSAGES <= 8, "takt_reliable_out_t has a bit for each message, eight of them");
_Static_assert(sizeof(void *) > 4 || sizeof(takt_client_t) <= 4096, "the client's memory on a board: 4 KiB");

void takt_client_init(takt_client_t *client, const takt_client_config_t *config, uint64_t now_ns)
{
    *client = (takt_client_t){.config = *config};
    takt_clock_filter_init(&client->clock);
    takt_fifo_init(&client->queue, client->queue_bytes, TAKT_CLIENT_QUEUE_BYTES);
    takt_fifo_init(&client->reliable_out.history, client->history_bytes, TAKT_RELIABLE_BYTES);
    takt_frame_decoder_init(&client->decoder, client->input, TAKT_CLIENT_MTU);
    client_session_lose(client, TAKT_LOSS_NONE, now_ns);
}

void takt_client_receive(takt_client_t *client, const uint8_t *bytes, size_t count, uint64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        if (takt_frame_decode(&client->decoder, bytes[i])) {
            client_messages_take(client, now_ns);
        }
    }
    client->stats.crc_errors = client->decoder.crc_errors;
    client->stats.oversized_frames = client->decoder.oversized;
    client_reply_run(client);
    client_session_confirm(client);
    client_line_push(client); /* confirmations and replies do not wait for the next run */
}

void takt_client_run(takt_client_t *client, uint64_t now_ns)
{
    client_session_run(client, now_ns);
    client_reply_run(client);
    client_line_push(client);
}

takt_client_state_t takt_client_state(const takt_client_t *client)
{
    return client->state;
}

const takt_client_stats_t *takt_client_stats(const takt_client_t *client)
{
    return &client->stats;
}

const takt_clock_t *takt_client_clock(const takt_client_t *client)
{
    return &client->clock.clock;
}
