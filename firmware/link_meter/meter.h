/* takt_meter_t: the board's client with numbered samples, for proofs and measurements of the link. Not
 * shipped.
 *
 * A sample is a CDR string whose first eight characters are the topic's count and its complement. Pings go
 * out on the two ping topics, pongs are checked for order and for exactly once, and timed against their ping.
 */
#ifndef TAKT_METER_H
#define TAKT_METER_H

#include "takt/client.h"

#define METER_STREAMS   2u    /* best effort, reliable */
#define METER_REMEMBERS 8192u /* pings whose time is still known */
#define METER_OUT_BYTES 16384u

/* Counters of one kind of stream, mirrored in Python. */
typedef struct {
    uint64_t published;
    uint64_t refused;
    uint64_t heard; /* pongs in order */
    uint64_t wrong; /* pongs that came twice, late, damaged, or after a gap */
    uint64_t next;  /* number of the pong expected next */
} takt_meter_count_t;

/* What a caller may read at any time, mirrored in Python. */
typedef struct {
    takt_meter_count_t counts[METER_STREAMS];
    int64_t clock_ros_ns; /* at the `now_ns` of the reading */
    uint64_t clock_bound_ns;
    uint32_t clock_epoch;
    uint32_t clock_locked;
    uint32_t state;
    uint32_t reconnects;
    uint32_t retransmits;
    uint32_t unconfirmed; /* reliable pings not yet confirmed */
} takt_meter_view_t;

typedef struct {
    takt_client_t client;
    takt_meter_count_t counts[METER_STREAMS];
    uint64_t sent_ns[METER_STREAMS][METER_REMEMBERS];
    float *round_trips_us; /* of the running loop; NULL: not wanted */
    size_t round_trip_room;
    size_t round_trip_count;
    bool any_order; /* a gap is not wrong */
    int fd;         /* -1: bytes collect in `out` */
    uint8_t out[METER_OUT_BYTES];
    size_t out_size;
} takt_meter_t;

size_t takt_meter_size(void);
size_t takt_meter_view_size(void);
void takt_meter_init(takt_meter_t *meter, uint32_t key, uint16_t domain, uint64_t now_ns);

/* From now on a gap in the pongs is no error: best effort may lose. */
void takt_meter_allow_gaps(takt_meter_t *meter);

/* In virtual time or by hand: bytes in, timers, bytes out. */
void takt_meter_receive(takt_meter_t *meter, const uint8_t *bytes, size_t count, uint64_t now_ns);
void takt_meter_run(takt_meter_t *meter, uint64_t now_ns);
size_t takt_meter_take(takt_meter_t *meter, uint8_t *out, size_t capacity);
uint32_t takt_meter_publish(takt_meter_t *meter, bool reliable, uint32_t count, size_t size, uint64_t now_ns);
void takt_meter_read(const takt_meter_t *meter, uint64_t now_ns, takt_meter_view_t *view);

/* In real time on `fd`, a raw non-blocking line (meter_loop.c). */
typedef struct {
    int fd;
    uint32_t reliable;
    uint32_t count;         /* pings to send; 0: none, the loop just runs */
    uint32_t size;          /* bytes of CDR */
    uint32_t window;        /* pings that may be without their pong; 0: any number */
    uint64_t period_ns;     /* 0: as many as the stream takes */
    uint64_t limit_ns;      /* of the whole loop */
    int64_t drift_ppb;      /* how much faster the board's clock runs than CLOCK_MONOTONIC */
    uint64_t clock_from_ns; /* readings of the clock only after so long in the loop */
} takt_meter_plan_t;

/* One reading of the clock each period: error against CLOCK_REALTIME, and bound; ns. */
typedef struct {
    int64_t error_ns;
    uint64_t bound_ns;
} takt_meter_clock_t;

typedef struct {
    size_t round_trips;
    size_t clocks;
    uint64_t elapsed_ns;
    uint64_t backward_steps;
    uint64_t first_pong_ns; /* since the loop began; 0: none came */
} takt_meter_result_t;

uint64_t takt_meter_now_ns(int64_t drift_ppb);
void takt_meter_loop(takt_meter_t *meter, const takt_meter_plan_t *plan, float *round_trips_us,
                     size_t round_trip_room, takt_meter_clock_t *clocks, size_t clock_room,
                     takt_meter_result_t *result);

#endif
