/* Creation of the board's entities, from the contract's tables: participant; per topic a topic, publisher or
 * subscriber, writer or reader; per service a replier; and a READ_DATA for whatever is read.
 *
 * One step is one reliable message with the request id XRCE_FIRST_REQUEST + step. As many steps are under way
 * as the history holds, half of what the agent keeps answers for. The services of parameters come last: the
 * board is connected, and samples flow, before they are there. */
#include "client_parts.h"

#include "takt_contract.h"

#define TIMEOUT_NS \
    (3000u * (uint64_t)NS_PER_MS) /* without a further answer; a loaded host makes ROS nodes slowly */
#define STEPS_UNDER_WAY  TAKT_FIFO_MESSAGES
#define MESSAGE_BYTES    320u /* a replier has five names */
#define REUSE_OR_REPLACE (XRCE_REUSE | XRCE_REPLACE)

enum { /* QoS flags */
       QOS_RELIABLE = 0x01,
       QOS_KEEP_LAST = 0x02
};

typedef enum { STEP_NONE, STEP_CREATE, STEP_READ } step_kind_t;

typedef struct {
    step_kind_t kind;
    uint8_t object_kind; /* of what is created, or read */
    uint8_t number;      /* of the topic or service */
} step_t;

unsigned client_service_count(const takt_client_t *client)
{
    return TAKT_SERVICE_COUNT + client->config.late_service_count;
}

static step_t topic_step(unsigned number, unsigned within)
{
    const bool publishes = takt_topics[number].board_publishes;
    const uint8_t kinds[] = {XRCE_TOPIC, publishes ? XRCE_PUBLISHER : XRCE_SUBSCRIBER,
                             publishes ? XRCE_WRITER : XRCE_READER, XRCE_READER};
    return (step_t){within < 3u ? STEP_CREATE : STEP_READ, kinds[within], (uint8_t)number};
}

/* Steps after which the board is connected. */
static unsigned robot_steps(void)
{
    unsigned steps = 1u + 2u * TAKT_SERVICE_COUNT;
    for (unsigned topic = 0; topic < TAKT_TOPIC_COUNT; topic++) {
        steps += takt_topics[topic].board_publishes ? 3u : 4u;
    }
    return steps;
}

static step_t step_at(const takt_client_t *client, unsigned step)
{
    if (step == 0) {
        return (step_t){STEP_CREATE, XRCE_PARTICIPANT, 0};
    }
    step--;
    for (unsigned topic = 0; topic < TAKT_TOPIC_COUNT; topic++) {
        const unsigned steps = takt_topics[topic].board_publishes ? 3u : 4u;
        if (step < steps) {
            return topic_step(topic, step);
        }
        step -= steps;
    }
    if (step < 2u * client_service_count(client)) {
        return (step_t){step % 2u == 0 ? STEP_CREATE : STEP_READ, XRCE_REPLIER, (uint8_t)(step / 2u)};
    }
    return (step_t){STEP_NONE, 0, 0};
}

/* ---- representations
 * ----------------------------------------------------------------------------------------- */

static void put_optional_string(xrce_writer_t *message, const char *text)
{
    xrce_put_u8(message, 1);
    xrce_put_string(message, text);
}

static void put_participant(xrce_writer_t *message, const takt_client_t *client)
{
    xrce_put_u8(message, 0); /* no domain reference */
    put_optional_string(message, client->config.node_name);
}

static void put_topic(xrce_writer_t *message, const takt_topic_t *topic)
{
    xrce_put_string(message, topic->dds_name);
    xrce_put_u8(message, 0); /* no type reference */
    put_optional_string(message, topic->dds_type);
}

/* Writer and reader differ by the reader's content filter. */
static void put_endpoint(xrce_writer_t *message, const takt_topic_t *topic, unsigned number, bool reader)
{
    const unsigned reliability = topic->reliable ? QOS_RELIABLE : 0u;
    xrce_put_pair(message, xrce_object(number, XRCE_TOPIC));
    xrce_put_u8(message, 1); /* QoS follows: volatile */
    xrce_put_u16(message, QOS_KEEP_LAST | reliability);
    xrce_put_u8(message, 1); /* depth follows */
    xrce_put_u16(message, topic->depth);
    /* No deadline, lifespan, user data, ownership strength or time filter. */
    for (unsigned absent = 0; absent < (reader ? 5u : 4u); absent++) {
        xrce_put_u8(message, 0);
    }
}

static void put_replier(xrce_writer_t *message, const takt_service_t *service)
{
    xrce_put_string(message, service->ros_name);
    xrce_put_string(message, service->request_type);
    xrce_put_string(message, service->reply_type);
    put_optional_string(message, service->request_topic);
    put_optional_string(message, service->reply_topic);
}

static void put_representation(xrce_writer_t *message, const takt_client_t *client, step_t step)
{
    switch (step.object_kind) {
    case XRCE_PARTICIPANT:
        put_participant(message, client);
        break;
    case XRCE_TOPIC:
        put_topic(message, &takt_topics[step.number]);
        break;
    case XRCE_WRITER:
        put_endpoint(message, &takt_topics[step.number], step.number, false);
        break;
    case XRCE_READER:
        put_endpoint(message, &takt_topics[step.number], step.number, true);
        break;
    case XRCE_REPLIER:
        put_replier(message, step.number < TAKT_SERVICE_COUNT
                                 ? &takt_services[step.number]
                                 : &client->config.late_services[step.number - TAKT_SERVICE_COUNT]);
        break;
    default:
        xrce_put_u16(message, 0);
        break; /* publisher, subscriber: neither name nor QoS */
    }
}

/* What the object belongs to follows its representation. */
static void put_parent(xrce_writer_t *message, const takt_client_t *client, step_t step)
{
    switch (step.object_kind) {
    case XRCE_PARTICIPANT:
        xrce_put_u16(message, client->config.domain);
        break;
    case XRCE_WRITER:
        xrce_put_pair(message, xrce_object(step.number, XRCE_PUBLISHER));
        break;
    case XRCE_READER:
        xrce_put_pair(message, xrce_object(step.number, XRCE_SUBSCRIBER));
        break;
    default:
        xrce_put_pair(message, xrce_object(0, XRCE_PARTICIPANT));
        break;
    }
}

/* ---- messages
 * ------------------------------------------------------------------------------------------------ */

static void put_create(xrce_writer_t *message, const takt_client_t *client, step_t step)
{
    xrce_put_u8(message, step.object_kind);
    xrce_put_u8(message, XRCE_FORMAT_BINARY);
    xrce_put_u32(message, 0); /* size of the representation, known below */
    const size_t start = message->size;
    put_representation(message, client, step);
    if (message->ok) {
        message->bytes[start - 4u] = (uint8_t)(message->size - start);
        message->bytes[start - 3u] = (uint8_t)((message->size - start) >> 8);
    }
    put_parent(message, client, step);
}

/* Without end, limits or filter, on the stream that suits the reader. */
static void put_read(xrce_writer_t *message, step_t step)
{
    static const uint8_t of_topics[2] = {[false] = XRCE_STREAM_BEST_EFFORT, [true] = XRCE_STREAM_RELIABLE};
    const uint8_t stream = step.object_kind == XRCE_REPLIER ? XRCE_STREAM_RELIABLE
                                                            : of_topics[takt_topics[step.number].reliable];
    xrce_put_u8(message, stream);
    xrce_put_u8(message, 0); /* format: DATA */
    xrce_put_u8(message, 0); /* no content filter */
    xrce_put_u8(message, 1); /* delivery control follows */
    xrce_put_u16(message, 0xFFFFu);
    xrce_put_u16(message, 0);
    xrce_put_u16(message, 0);
    xrce_put_u16(message, 0);
}

static bool send_step(takt_client_t *client, step_t step)
{
    uint8_t *room = takt_fifo_reserve(&client->reliable_out.history, MESSAGE_BYTES);
    if (room == NULL) {
        return false;
    }
    const bool create = step.kind == STEP_CREATE;
    xrce_writer_t message = xrce_message(room, MESSAGE_BYTES, XRCE_SESSION, XRCE_STREAM_RELIABLE,
                                         takt_reliable_out_next(&client->reliable_out));
    const size_t place =
        xrce_open(&message, create ? XRCE_CREATE : XRCE_READ_DATA, create ? REUSE_OR_REPLACE : 0);
    xrce_put_pair(&message, client_next_request(client));
    xrce_put_pair(&message, xrce_object(step.number, step.object_kind));
    if (create) {
        put_create(&message, client, step);
    } else {
        put_read(&message, step);
    }
    xrce_close(&message, place);
    xrce_align(&message, 4);
    if (message.ok) {
        takt_reliable_out_push(&client->reliable_out, room, (uint16_t)message.size);
    }
    return message.ok;
}

/* A READ_DATA that succeeds is not answered. */
static void skip_reads(takt_client_t *client)
{
    while (client->answered < client->created && step_at(client, client->answered).kind == STEP_READ) {
        client->answered++;
    }
}

static void send_steps(takt_client_t *client, uint64_t now_ns)
{
    step_t step = step_at(client, client->created);
    if (client->answered == client->created) {
        client->timers.progress_ns = now_ns; /* nothing is waited for yet */
    }
    while (step.kind != STEP_NONE && (unsigned)(client->created - client->answered) < STEPS_UNDER_WAY &&
           send_step(client, step)) {
        client->created++;
        skip_reads(client);
        step = step_at(client, client->created);
    }
}

/* A robot without its topics is of no use and starts anew; without its parameters it goes on. */
static void take_silence(takt_client_t *client, uint64_t now_ns)
{
    if (client->state == TAKT_CLIENT_CREATING) {
        client_session_lose(client, TAKT_LOSS_CREATE_TIMEOUT, now_ns);
        return;
    }
    client->stats.create_errors += (uint32_t)client->created - client->answered;
    client->answered = client->created;
}

void client_entities_run(takt_client_t *client, uint64_t now_ns)
{
    if (client_reply_under_way(client)) {
        return;
    }
    send_steps(client, now_ns);
    if (client->state == TAKT_CLIENT_CREATING && client->answered >= robot_steps()) {
        client->state = TAKT_CLIENT_CONNECTED;
    }
    if (client->answered < client->created && now_ns - client->timers.progress_ns >= TIMEOUT_NS) {
        take_silence(client, now_ns);
    }
}

void client_entities_status(takt_client_t *client, const uint8_t *payload, size_t size, uint64_t now_ns)
{
    if (size < 6u || !client_session_open(client)) {
        client->stats.malformed++;
        return;
    }
    const unsigned step = (unsigned)xrce_pair(payload) - XRCE_FIRST_REQUEST;
    const bool failed = payload[4] >= XRCE_FAILED;
    client->stats.create_errors += failed;
    if (failed && xrce_pair(payload + 2) == xrce_object(0, XRCE_PARTICIPANT)) {
        client_session_lose(client, TAKT_LOSS_REFUSED, now_ns);
        return;
    }
    if (step >= client->answered && step < client->created) {
        client->answered = (uint8_t)(step + 1u);
        client->timers.progress_ns = now_ns;
        skip_reads(client);
        client_entities_run(client, now_ns);
    }
}
