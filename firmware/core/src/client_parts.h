/* Seams between the files of the client; private. */
#ifndef TAKT_CLIENT_PARTS_H
#define TAKT_CLIENT_PARTS_H

#include "takt/client.h"
#include "xrce.h"

#define NS_PER_MS UINT64_C(1000000) /* wide: no product of it wraps */

/* client_line.c: the queue and the reliable history share the line. */
void client_line_reset(takt_client_t *client);
void client_line_push(takt_client_t *client); /* as much as the line takes */
uint8_t *client_line_reserve(takt_client_t *client,
                             size_t size); /* in the queue; NULL and counted when full */
void client_line_queue(takt_client_t *client, const xrce_writer_t *message); /* what was reserved */

/* client_session.c: login, loss, and the timers of an open session. */
void client_session_run(takt_client_t *client, uint64_t now_ns);
void client_session_lose(takt_client_t *client, takt_client_loss_t loss, uint64_t now_ns);
void client_session_opened(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns);
void client_session_info(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns);
void client_session_asked(takt_client_t *client, const uint8_t *payload, size_t size);
void client_session_time(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns);
void client_session_confirm(takt_client_t *client); /* sends the ACKNACK that is due */
void client_session_heard_acknack(takt_client_t *client, uint64_t now_ns);
bool client_session_open(const takt_client_t *client);

/* client_entities.c: the creation of entities, one step a message. */
void client_entities_run(takt_client_t *client, uint64_t now_ns);
unsigned client_service_count(const takt_client_t *client);
void client_entities_status(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns);

/* client_messages.c: what the agent sends. */
void client_messages_take(takt_client_t *client, uint64_t now_ns); /* one message, in the decoder's payload */
void client_messages_reset(takt_client_t *client);

/* client_reply.c: replies larger than one message, in fragments as the history has room for them. */
bool client_reply_start(takt_client_t *client, unsigned service, uint16_t request, const uint8_t *identity,
                        size_t size);
void client_reply_run(takt_client_t *client);
bool client_reply_under_way(const takt_client_t *client); /* the reliable stream is its own until then */

/* client_data.c: samples and services. */
uint16_t client_next_request(takt_client_t *client);
void client_data_take(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns);

#endif
