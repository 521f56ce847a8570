/* Fuzz target: the whole client over a session, with the board's parameter services behind it.
 *
 * Input: one byte that says where to start (before login, or connected), then steps, each an operation and a
 * length or amount: bytes on the line, framed messages with a header of choice, time, publications, a line
 * that fills up, and the answers of a good agent. Every step must end, keep the client's books in order and
 * its memory in bounds. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_target.h"
#include "takt/client.h"
#include "takt/parameters.h"

#define MESSAGE_MAX  512u
#define NS_PER_MS    UINT64_C(1000000)
#define MAX_STEPS    32u
#define SETTLE_TURNS 40u
#define COME_BACK    0xF0u /* first byte: this input ends with a check that costs as much as forty others */

typedef struct {
    takt_client_t *client; /* on the heap, of exact size */
    takt_parameters_t *parameters;
    uint64_t now_ns;
    size_t line_room;
    uint32_t sum;
} world_t;

static world_t world;

/* ---- the board around the client
 * ------------------------------------------------------------------------------------ */

static size_t take_line(void *context, const uint8_t *bytes, size_t count)
{
    world_t *here = context;
    const size_t taken = count < here->line_room ? count : here->line_room;
    here->line_room -= taken;
    here->sum += taken > 0 ? bytes[taken - 1u] : 0u;
    return taken;
}

static void on_sample(void *context, unsigned topic, const uint8_t *cdr, size_t size, uint64_t now_ns)
{
    world_t *here = context;
    fuzz_require(topic < TAKT_TOPIC_COUNT && now_ns == here->now_ns);
    for (size_t i = 0; i < size; i++) {
        here->sum += cdr[i];
    }
}

static size_t on_request(void *context, unsigned service, const uint8_t *cdr, size_t size, uint8_t *reply,
                         size_t capacity, uint64_t now_ns)
{
    world_t *here = context;
    on_sample(context, 0, cdr, size, now_ns);
    if (service < TAKT_SERVICE_COUNT) {
        memset(reply, 0x7E, capacity);
        return size % (capacity + 1u);
    }
    const takt_motion_t motion = {.armed = (size & 1u) != 0, .standing = true};
    return takt_parameters_serve(here->parameters, service, cdr, size, motion, reply, capacity);
}

static void reply_part(void *context, unsigned service, size_t from, uint8_t *bytes, size_t count)
{
    const world_t *here = context;
    if (service < TAKT_SERVICE_COUNT) {
        memset(bytes, (int)(from & 0xFFu), count);
    } else {
        takt_parameters_reply_part(here->parameters, service, from, bytes, count);
    }
}

static void check_fifo(const takt_fifo_t *fifo)
{
    fuzz_require(fifo->count <= TAKT_FIFO_MESSAGES && fifo->first < TAKT_FIFO_MESSAGES);
    for (uint8_t i = 0; i < fifo->count; i++) {
        uint16_t size;
        const uint8_t *message = takt_fifo_at(fifo, i, &size);
        fuzz_require(message >= fifo->bytes && size <= fifo->capacity &&
                     (size_t)(message - fifo->bytes) + size <= fifo->capacity);
    }
}

static void check_books(const takt_client_t *client)
{
    check_fifo(&client->queue);
    check_fifo(&client->reliable_out.history);
    fuzz_require(client->answered <= client->created);
    fuzz_require(client->assembled <= client->config.assembly_bytes);
    fuzz_require(client->state <= TAKT_CLIENT_CONNECTED);
    fuzz_require(client->reliable_out.confirmed <= client->reliable_out.history.count);
}

/* ---- steps
 * ----------------------------------------------------------------------------------------------------------
 */

static void receive_message(const uint8_t *message, uint16_t size, uint8_t flip)
{
    uint8_t line[TAKT_FRAME_ENCODED_MAX(MESSAGE_MAX)];
    takt_frame_encoder_t encoder;
    takt_frame_encoder_start(&encoder, TAKT_FRAME_AGENT, TAKT_FRAME_BOARD, message, size);
    const size_t count = takt_frame_encode(&encoder, line, sizeof line);
    if (flip != 0) {
        line[flip % count] ^= (uint8_t)(1u << (flip & 7u));
    }
    takt_client_receive(world.client, line, count, world.now_ns);
}

/* Header of choice before the given submessages: bits 0-1 the stream, 2-3 how far from the expected sequence.
 */
static void receive_submessages(uint8_t choice, const uint8_t *bytes, size_t size, uint8_t flip)
{
    static const uint8_t streams[] = {0x00, 0x01, 0x80, 0x80};
    const uint8_t stream = streams[choice & 3u];
    const uint16_t expected = stream == 0x80u ? world.client->reliable_in.expected
                                              : (uint16_t)(world.client->best_effort_in.last + 1u);
    const uint16_t sequence = (uint16_t)(expected + (choice >> 2 & 3u) - ((choice & 0x10u) != 0 ? 2u : 0u));
    uint8_t message[MESSAGE_MAX];
    const size_t room = sizeof message - 4u;
    const size_t count = size < room ? size : room;
    message[0] = (choice & 0x20u) != 0 ? 0x80 : 0x81;
    message[1] = stream;
    message[2] = (uint8_t)sequence;
    message[3] = (uint8_t)(sequence >> 8);
    memcpy(message + 4, bytes, count);
    receive_message(message, (uint16_t)(count + 4u), flip);
}

/* What a good agent says next: the answer to the oldest creation step, and that all which was sent has come.
 */
static void answer_well(void)
{
    takt_client_t *client = world.client;
    if (client->state < TAKT_CLIENT_CREATING) {
        const uint8_t opened[] = {0x81, 0, 0, 0, 4, 1, 11, 0, 0, 0, 'X', 'R', 'C', 'E', 1, 0, 1, 15, 0};
        receive_message(opened, sizeof opened, 0);
        return;
    }
    uint16_t first;
    uint16_t last;
    if (takt_reliable_out_unconfirmed(&client->reliable_out, &first, &last)) {
        last++;
        const uint8_t acknack[] = {0x81, 0, 0,   0, 10, 1, 5, 0, (uint8_t)last, (uint8_t)(last >> 8),
                                   0,    0, 0x80};
        receive_message(acknack, sizeof acknack, 0);
    }
    if (client->answered < client->created) {
        const uint16_t sequence = client->reliable_in.expected;
        const uint16_t request = (uint16_t)(10u + client->answered);
        const uint8_t status[] = {0x81, 0x80, (uint8_t)sequence,       (uint8_t)(sequence >> 8), 5, 1,
                                  6,    0,    (uint8_t)(request >> 8), (uint8_t)request,         0, 0x12,
                                  0,    0};
        receive_message(status, sizeof status, 0);
    }
}

static void publish(uint8_t topic, size_t size)
{
    uint8_t *sample = calloc(size > 0 ? size : 1u, 1u);
    if (sample == NULL) {
        abort();
    }
    (void)takt_client_publish(world.client, topic % (TAKT_TOPIC_COUNT + 1u), sample, size, world.now_ns);
    free(sample);
}

/* One step of the input; returns how many bytes of it were used. */
static size_t step(const uint8_t *data, size_t size)
{
    const uint8_t operation = data[0] & 7u;
    const uint8_t choice = (uint8_t)(data[0] >> 3);
    const uint8_t amount = data[1];
    const size_t head = operation == 7u ? 3u : 2u;
    size_t bytes = 0;
    if (operation <= 2u || operation == 7u) { /* these bring bytes along */
        const size_t wanted = operation == 2u ? amount * 2u : amount;
        bytes = size > head ? size - head : 0u;
        bytes = bytes < wanted ? bytes : wanted;
    }
    const uint8_t *content = data + (size < head ? size : head);
    switch (operation) {
    case 0:
        takt_client_receive(world.client, content, bytes, world.now_ns);
        break;
    case 1:
        receive_message(content, (uint16_t)bytes, 0);
        break;
    case 2:
        receive_submessages(choice, content, bytes, 0);
        break;
    case 3:
        world.now_ns += amount * (choice >= 16u ? 10u * NS_PER_MS : NS_PER_MS / 4u);
        break;
    case 4:
        publish(choice, amount * 2u);
        break;
    case 5:
        world.line_room = amount == 255u ? SIZE_MAX : amount * 4u;
        break;
    case 6:
        answer_well();
        break;
    default:
        receive_submessages(choice, content, bytes, size > 2u ? data[2] : 0u);
        break;
    }
    takt_client_run(world.client, world.now_ns);
    check_books(world.client);
    return bytes + head;
}

/* ---- one input
 * ------------------------------------------------------------------------------------------------------ */

static void power_up(void)
{
    world.now_ns = NS_PER_MS;
    world.line_room = SIZE_MAX;
    takt_parameters_init(world.parameters);
    const takt_client_config_t config = {.context = &world,
                                         .write = take_line,
                                         .on_sample = on_sample,
                                         .on_request = on_request,
                                         .reply_part = reply_part,
                                         .assembly = world.parameters->request,
                                         .assembly_bytes = sizeof world.parameters->request,
                                         .late_services = takt_parameter_services,
                                         .late_service_count = TAKT_PARAMETER_SERVICE_COUNT,
                                         .key = 7,
                                         .domain = 255,
                                         .contract_property = TAKT_CONTRACT_HASH,
                                         .node_name = "base"};
    takt_client_init(world.client, &config, world.now_ns);
}

static void settle(void)
{
    for (unsigned turn = 0; turn < SETTLE_TURNS; turn++) {
        world.now_ns += NS_PER_MS;
        takt_client_run(world.client, world.now_ns);
        answer_well();
    }
}

/* Connecting costs more than an input: it is done once and copied. */
static void start(bool connected)
{
    static takt_client_t snapshot;
    static uint64_t snapshot_ns;
    if (world.client == NULL) {
        world.client = malloc(sizeof *world.client);
        world.parameters = malloc(sizeof *world.parameters);
        if (world.client == NULL || world.parameters == NULL) {
            abort();
        }
        power_up();
        settle();
        fuzz_require(takt_client_state(world.client) == TAKT_CLIENT_CONNECTED);
        snapshot = *world.client;
        snapshot_ns = world.now_ns;
    }
    power_up();
    if (connected) {
        *world.client = snapshot;
        world.now_ns = snapshot_ns;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1u) {
        return 0;
    }
    start((data[0] & 1u) != 0);
    size_t place = 1;
    for (unsigned steps = 0; steps < MAX_STEPS && place + 2u <= size; steps++) {
        place += step(data + place, size - place);
    }
    /* Whatever came, a good agent on a free line is connected to again. */
    world.line_room = SIZE_MAX;
    if (data[0] >= COME_BACK) {
        world.now_ns += 2000u * NS_PER_MS;
        settle();
        settle();
        fuzz_require(takt_client_state(world.client) == TAKT_CLIENT_CONNECTED);
    }
    return 0;
}
