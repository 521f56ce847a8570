/* The client's session: login, its loss, and the timers that keep it: heartbeat, time exchange, ping. */
#include "client_parts.h"

#include <string.h>

#include "takt_contract.h"

#define LOGIN_PERIOD_NS       (50u * NS_PER_MS)
#define REFUSED_PAUSE_NS      (1000u * NS_PER_MS) /* before the next login after a refusal */
#define LOGIN_FRESH_NS        (500u * NS_PER_MS)  /* unanswered for longer: no agent */
#define LOGIN_BYTES           256u
#define CONTROL_BYTES         16u
#define HEARTBEAT_PERIOD_NS   (50u * NS_PER_MS)
#define HEARTBEATS_UNANSWERED 20u /* then the session is of no use */
#define EXCHANGE_PERIOD_NS    (1000000000u / (unsigned)TAKT_SAFETY_LINK_TIME_EXCHANGE_HZ)
#define OUT_OF_STEP_NS        (3u * NS_PER_MS) /* else each could meet the same 100 Hz traffic for minutes */
#define QUICK_PERIOD_NS       (20u * NS_PER_MS)
#define QUICK_EXCHANGES       16u
#define PING_AFTER_NS         (250u * NS_PER_MS) /* of silence; a time exchange has gone unanswered by then */
#define PING_PERIOD_NS        (100u * NS_PER_MS)
#define PING_REQUEST          10u
#define GIVE_UP_NS            ((uint64_t)(TAKT_SAFETY_LINK_SILENCE_MS)*NS_PER_MS)
#define GIVE_UP_CREATING_NS   (1000u * NS_PER_MS) /* an agent may be busy making the ROS entities */

_Static_assert(LOGIN_BYTES <= TAKT_CLIENT_QUEUE_BYTES, "an empty queue holds a login");

static const uint8_t COOKIE_VERSION_VENDOR[] = {'X', 'R', 'C', 'E', 1, 0, 1, 15};

bool client_session_open(const takt_client_t *client)
{
    return client->state == TAKT_CLIENT_CREATING || client->state == TAKT_CLIENT_CONNECTED;
}

static void restart_streams(takt_client_t *client)
{
    client_line_reset(client);
    client_messages_reset(client);
    client->best_effort_sequence = 0;
    client->next_request = XRCE_FIRST_REQUEST;
    client->created = 0;
    client->answered = 0;
    client->unconfirmed_heartbeats = 0;
    client->late_heartbeats = 0;
    client->request_waits = false;
    client->long_reply.size = 0;
    client->acknack = TAKT_ACKNACK_NONE;
}

void client_session_lose(takt_client_t *client, takt_client_loss_t loss, uint64_t now_ns)
{
    restart_streams(client);
    client->state = TAKT_CLIENT_DISCONNECTED;
    client->stats.loss = loss;
    client->timers.next_login_ns = loss == TAKT_LOSS_REFUSED ? now_ns + REFUSED_PAUSE_NS : now_ns;
}

/* ---- login
 * --------------------------------------------------------------------------------------------------- */

static void send_login(takt_client_t *client)
{
    uint8_t *room = client_line_reserve(client, LOGIN_BYTES); /* the queue is empty: see run_login */
    xrce_writer_t message = xrce_message(room, LOGIN_BYTES, XRCE_NO_SESSION, XRCE_STREAM_NONE, 0);
    const size_t place = xrce_open(&message, XRCE_CREATE_CLIENT, 0);
    xrce_put_bytes(&message, COOKIE_VERSION_VENDOR, sizeof COOKIE_VERSION_VENDOR);
    xrce_put_pair(&message, client->config.key >> 16);
    xrce_put_pair(&message, client->config.key & 0xFFFFu);
    xrce_put_u8(&message, XRCE_SESSION);
    xrce_put_u8(&message, 1); /* properties follow */
    xrce_put_u32(&message, 1);
    xrce_put_string(&message, "takt_contract");
    xrce_put_string(&message, client->config.contract_property);
    xrce_put_u16(&message, TAKT_CLIENT_MESSAGE_BYTES);
    xrce_close(&message, place);
    client_line_queue(client, &message);
}

static void run_login(takt_client_t *client, uint64_t now_ns)
{
    if (now_ns < client->timers.next_login_ns || client->queue.count > 0) {
        return;
    }
    const bool first = client->state == TAKT_CLIENT_DISCONNECTED && !client->login_stale;
    if (first) {
        client->state = TAKT_CLIENT_CONNECTING;
        client->timers.progress_ns = now_ns;
    } else if (now_ns - client->timers.progress_ns >= LOGIN_FRESH_NS) {
        client->state = TAKT_CLIENT_DISCONNECTED;
        client->login_stale = true;
    }
    client->timers.next_login_ns = now_ns + LOGIN_PERIOD_NS;
    send_login(client);
}

void client_session_opened(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns)
{
    if (client_session_open(client) || size < 2u + sizeof COOKIE_VERSION_VENDOR) {
        return; /* an answer to a login that was repeated */
    }
    if (payload[0] >= XRCE_FAILED || memcmp(payload + 2, COOKIE_VERSION_VENDOR, 4) != 0) {
        client_session_lose(client, TAKT_LOSS_REFUSED, now_ns);
        return;
    }
    restart_streams(client);
    client->state = TAKT_CLIENT_CREATING;
    client->login_stale = false;
    client->stats.reconnects += client->had_session;
    client->had_session = true;
    client->stats.create_errors = 0;
    client->quick_exchanges = QUICK_EXCHANGES;
    client->timers.progress_ns = now_ns;
    client->timers.next_exchange_ns = now_ns;
    client->timers.next_ping_ns = now_ns;
}

/* ---- control messages: one small submessage on no stream
 * ---------------------------------------------------------- */

/* False, and counted: the queue is full. */
static bool open_control(takt_client_t *client, xrce_writer_t *message, uint8_t id)
{
    uint8_t *room = client_line_reserve(client, CONTROL_BYTES);
    if (room == NULL) {
        return false;
    }
    *message = xrce_message(room, CONTROL_BYTES, XRCE_SESSION, XRCE_STREAM_NONE, 0);
    (void)xrce_open(message, id, 0);
    return true;
}

static void send_control(takt_client_t *client, xrce_writer_t *message)
{
    xrce_close(message, XRCE_HEADER_BYTES);
    client_line_queue(client, message);
}

/* ---- reliability
 * --------------------------------------------------------------------------------------------- */

static void send_pair_for_stream(takt_client_t *client, uint8_t id, uint16_t first, uint16_t second)
{
    xrce_writer_t message;
    if (!open_control(client, &message, id)) {
        return;
    }
    xrce_put_u16(&message, first);
    if (id == XRCE_ACKNACK) {
        xrce_put_pair(&message, second); /* the bitmap travels high byte first */
    } else {
        xrce_put_u16(&message, second);
    }
    xrce_put_u8(&message, XRCE_STREAM_RELIABLE);
    send_control(client, &message);
}

void client_session_confirm(takt_client_t *client)
{
    if (client->acknack == TAKT_ACKNACK_NONE || takt_fifo_reserve(&client->queue, CONTROL_BYTES) == NULL) {
        return; /* a full queue leaves it for later */
    }
    const bool again = client->acknack == TAKT_ACKNACK_AGAIN;
    const uint16_t missing = takt_reliable_in_missing(&client->reliable_in, again);
    client->acknack = TAKT_ACKNACK_NONE;
    send_pair_for_stream(client, XRCE_ACKNACK, client->reliable_in.expected, missing);
}

static void run_heartbeat(takt_client_t *client, uint64_t now_ns)
{
    uint16_t first;
    uint16_t last;
    if (!takt_reliable_out_unconfirmed(&client->reliable_out, &first, &last)) {
        client->timers.next_heartbeat_ns = now_ns + HEARTBEAT_PERIOD_NS;
        client->unconfirmed_heartbeats = 0;
        return;
    }
    if (now_ns < client->timers.next_heartbeat_ns) {
        return;
    }
    client->timers.next_heartbeat_ns = now_ns + HEARTBEAT_PERIOD_NS;
    if (client->unconfirmed_heartbeats++ >= HEARTBEATS_UNANSWERED) {
        client_session_lose(client, TAKT_LOSS_UNCONFIRMED, now_ns);
        return;
    }
    send_pair_for_stream(client, XRCE_HEARTBEAT, first, last);
}

void client_session_heard_acknack(takt_client_t *client, uint64_t now_ns)
{
    client->unconfirmed_heartbeats = 0;
    client->timers.next_heartbeat_ns = now_ns + HEARTBEAT_PERIOD_NS;
}

/* ---- time
 * ---------------------------------------------------------------------------------------------------- */

static void send_time_request(takt_client_t *client, uint64_t now_ns)
{
    xrce_writer_t message;
    if (!open_control(client, &message, XRCE_TIMESTAMP)) {
        return;
    }
    xrce_put_time(&message, now_ns);
    send_control(client, &message);
    client->exchange_sent_ns[client->exchange_slot] = now_ns;
    client->exchange_slot = (uint8_t)((client->exchange_slot + 1u) % TAKT_CLIENT_EXCHANGES);
}

static void run_exchange(takt_client_t *client, uint64_t now_ns)
{
    if (now_ns < client->timers.next_exchange_ns) {
        return;
    }
    const bool quick = client->quick_exchanges > 0 || !takt_clock_locked(&client->clock.clock, now_ns);
    const uint64_t period_ns = EXCHANGE_PERIOD_NS - client->exchange_slot * OUT_OF_STEP_NS;
    client->timers.next_exchange_ns = now_ns + (quick ? QUICK_PERIOD_NS : period_ns);
    client->quick_exchanges = (uint8_t)(client->quick_exchanges - (client->quick_exchanges > 0));
    send_time_request(client, now_ns);
}

void client_session_time(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns)
{
    if (size < 24u) {
        client->stats.malformed++;
        return;
    }
    const uint64_t originate_ns = (uint64_t)xrce_time_ns(payload + 16);
    for (unsigned i = 0; i < TAKT_CLIENT_EXCHANGES; i++) {
        if (client->exchange_sent_ns[i] == originate_ns && originate_ns != 0) {
            client->exchange_sent_ns[i] = 0; /* a repeated reply teaches nothing */
            client->stats.round_trip_us = (uint32_t)((now_ns - originate_ns) / 1000u);
            takt_clock_filter_exchange(&client->clock, originate_ns, xrce_time_ns(payload + 8),
                                       xrce_time_ns(payload), now_ns);
            if (!takt_clock_locked(&client->clock.clock, now_ns)) {
                client->timers.next_exchange_ns = now_ns + QUICK_PERIOD_NS;
            }
            return;
        }
    }
}

/* ---- is the agent there?
 * ------------------------------------------------------------------------------------- */

static void send_ping(takt_client_t *client)
{
    xrce_writer_t message;
    if (!open_control(client, &message, XRCE_GET_INFO)) {
        return;
    }
    xrce_put_pair(&message, PING_REQUEST);
    xrce_put_pair(&message, XRCE_AGENT_OBJECT);
    xrce_put_u32(&message, 2); /* activity */
    send_control(client, &message);
}

static void run_ping(takt_client_t *client, uint64_t now_ns)
{
    const uint64_t silence_ns = now_ns - client->stats.last_rx_ns;
    const bool creating = client->state == TAKT_CLIENT_CREATING;
    if (silence_ns >= (creating ? GIVE_UP_CREATING_NS : GIVE_UP_NS)) {
        client_session_lose(client, TAKT_LOSS_SILENCE, now_ns);
    } else if (silence_ns >= PING_AFTER_NS && now_ns >= client->timers.next_ping_ns) {
        client->timers.next_ping_ns = now_ns + PING_PERIOD_NS;
        send_ping(client);
    }
}

void client_session_info(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns)
{
    if (size < 6u) {
        client->stats.malformed++;
    } else if (client_session_open(client) && payload[5] == 0) {
        client_session_lose(client, TAKT_LOSS_AGENT_RESTARTED, now_ns); /* it holds no session for us */
    }
}

/* The agent's own ping (hard liveliness): an INFO without configuration and activity. */
void client_session_asked(takt_client_t *client, const uint8_t *payload, size_t size)
{
    xrce_writer_t message;
    if (size < 4u || !open_control(client, &message, XRCE_INFO)) {
        return;
    }
    xrce_put_bytes(&message, payload, 4); /* request and object */
    xrce_put_u32(&message, 0);            /* result, implementation status, no configuration, no activity */
    send_control(client, &message);
}

void client_session_run(takt_client_t *client, uint64_t now_ns)
{
    if (!client_session_open(client)) {
        run_login(client, now_ns);
        return;
    }
    run_ping(client, now_ns);
    if (client_session_open(client)) {
        run_exchange(client, now_ns);
        run_heartbeat(client, now_ns);
        client_session_confirm(client);
    }
    if (client_session_open(client)) {
        client_entities_run(client, now_ns);
    } else {
        run_login(client, now_ns);
    }
}
