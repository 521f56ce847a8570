/* The meter's samples and counters; see meter.h. */
#include "meter.h"

#include <string.h>
#include <unistd.h>

#include "takt_contract.h"

#define SAMPLE_MIN 16u
#define SAMPLE_MAX 480u

size_t takt_meter_size(void)
{
    return sizeof(takt_meter_t);
}

size_t takt_meter_view_size(void)
{
    return sizeof(takt_meter_view_t);
}

static size_t write_line(void *context, const uint8_t *bytes, size_t count)
{
    takt_meter_t *meter = context;
    if (meter->fd >= 0) {
        const ssize_t taken = write(meter->fd, bytes, count);
        return taken > 0 ? (size_t)taken : 0u;
    }
    const size_t room = METER_OUT_BYTES - meter->out_size;
    const size_t taken = count < room ? count : room;
    memcpy(&meter->out[meter->out_size], bytes, taken);
    meter->out_size += taken;
    return taken;
}

static void time_round_trip(takt_meter_t *meter, unsigned stream, uint64_t number, uint64_t now_ns)
{
    const takt_meter_count_t *count = &meter->counts[stream];
    if (meter->round_trips_us != NULL && meter->round_trip_count < meter->round_trip_room &&
        number < count->published && count->published - number <= METER_REMEMBERS) {
        const uint64_t sent_ns = meter->sent_ns[stream][number % METER_REMEMBERS];
        meter->round_trips_us[meter->round_trip_count++] = (float)(now_ns - sent_ns) * 1e-3f;
    }
}

static void on_sample(void *context, unsigned topic, const uint8_t *cdr, size_t size, uint64_t now_ns)
{
    takt_meter_t *meter = context;
    const unsigned stream = topic == METER_PONG_RELIABLE ? 1u : 0u;
    takt_meter_count_t *count = &meter->counts[stream];
    uint32_t number;
    uint32_t complement;
    if (size < SAMPLE_MIN) {
        count->wrong++;
        return;
    }
    memcpy(&number, cdr + 4, sizeof number);
    memcpy(&complement, cdr + 8, sizeof complement);
    const bool ahead = meter->any_order && number > count->next;
    if (number != ~complement || (number != count->next && !ahead)) {
        count->wrong++;
        return;
    }
    count->heard++;
    count->next = (uint64_t)number + 1u;
    time_round_trip(meter, stream, number, now_ns);
}

static size_t on_request(void *context, unsigned service, const uint8_t *cdr, size_t size, uint8_t *reply,
                         size_t capacity, uint64_t now_ns)
{
    (void)context, (void)service, (void)cdr, (void)size, (void)reply, (void)capacity, (void)now_ns;
    return 0; /* the meter offers no service */
}

void takt_meter_init(takt_meter_t *meter, uint32_t key, uint16_t domain, uint64_t now_ns)
{
    memset(meter, 0, sizeof *meter);
    meter->fd = -1;
    const takt_client_config_t config = {
        .context = meter,
        .write = write_line,
        .on_sample = on_sample,
        .on_request = on_request,
        .key = key,
        .domain = domain,
        .contract_property = TAKT_CONTRACT_HASH,
        .node_name = "meter",
    };
    takt_client_init(&meter->client, &config, now_ns);
}

void takt_meter_allow_gaps(takt_meter_t *meter)
{
    meter->any_order = true;
}

void takt_meter_receive(takt_meter_t *meter, const uint8_t *bytes, size_t count, uint64_t now_ns)
{
    takt_client_receive(&meter->client, bytes, count, now_ns);
}

void takt_meter_run(takt_meter_t *meter, uint64_t now_ns)
{
    takt_client_run(&meter->client, now_ns);
}

size_t takt_meter_take(takt_meter_t *meter, uint8_t *out, size_t capacity)
{
    const size_t taken = meter->out_size < capacity ? meter->out_size : capacity;
    memcpy(out, meter->out, taken);
    memmove(meter->out, &meter->out[taken], meter->out_size - taken);
    meter->out_size -= taken;
    return taken;
}

uint32_t takt_meter_publish(takt_meter_t *meter, bool reliable, uint32_t count, size_t size, uint64_t now_ns)
{
    takt_meter_count_t *counts = &meter->counts[reliable ? 1 : 0];
    uint8_t cdr[SAMPLE_MAX];
    uint32_t done = 0;
    size = size < SAMPLE_MIN ? SAMPLE_MIN : size;
    size = size > SAMPLE_MAX ? SAMPLE_MAX : size;
    memset(cdr, 'x', size);
    cdr[size - 1u] = 0;
    const uint32_t length = (uint32_t)size - 4u;
    memcpy(cdr, &length, sizeof length);
    while (done < count && (!reliable || takt_client_has_room(&meter->client, size))) {
        const uint32_t number = (uint32_t)counts->published;
        const uint32_t complement = ~number;
        memcpy(cdr + 4, &number, sizeof number);
        memcpy(cdr + 8, &complement, sizeof complement);
        meter->sent_ns[reliable ? 1 : 0][number % METER_REMEMBERS] = now_ns;
        if (!takt_client_publish(&meter->client, reliable ? METER_PING_RELIABLE : METER_PING_BEST_EFFORT, cdr,
                                 size, now_ns)) {
            counts->refused++;
            break;
        }
        counts->published++;
        done++;
    }
    return done;
}

void takt_meter_read(const takt_meter_t *meter, uint64_t now_ns, takt_meter_view_t *view)
{
    const takt_clock_t *clock = takt_client_clock(&meter->client);
    const takt_client_stats_t *stats = takt_client_stats(&meter->client);
    memset(view, 0, sizeof *view);
    memcpy(view->counts, meter->counts, sizeof view->counts);
    view->clock_ros_ns = takt_clock_ros_ns(clock, now_ns);
    view->clock_bound_ns = takt_clock_bound_ns(clock, now_ns);
    view->clock_epoch = takt_clock_epoch(clock);
    view->clock_locked = takt_clock_locked(clock, now_ns) ? 1u : 0u;
    view->state = (uint32_t)takt_client_state(&meter->client);
    view->reconnects = stats->reconnects;
    view->retransmits = stats->retransmits;
    view->unconfirmed = meter->client.reliable_out.history.count;
}
