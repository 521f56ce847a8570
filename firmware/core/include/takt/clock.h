/* ROS time on the board: takt_clock_t reads it, takt_clock_filter_t learns it from time exchanges with the
 * agent.
 *
 * takt_clock_t is small and holds all that a reader needs, so it can be copied to another thread. Within an
 * epoch the clock never steps backwards: corrections are slewed. A jump of ROS time beyond the bound ends the
 * epoch. */
#ifndef TAKT_CLOCK_H
#define TAKT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define TAKT_CLOCK_POINTS 8u /* points of the drift regression, one for each two seconds */

typedef struct {
    uint64_t anchor_board_ns;    /* board time from which the line below holds */
    int64_t anchor_ros_ns;       /* ROS time there */
    int64_t correction_ns;       /* still to be slewed in from the anchor on */
    int32_t drift_ppb;           /* rate of ROS time against board time, minus one */
    uint64_t accepted_board_ns;  /* board time of the accepted exchange */
    uint32_t half_round_trip_ns; /* of the accepted exchange */
    uint32_t epoch;              /* grows by one at every jump; 0 before the first exchange */
    uint8_t exchanges;           /* in this epoch, saturating */
    bool suspect;                /* the newest exchange contradicts the clock; the next one decides */
} takt_clock_t;

typedef struct {
    uint32_t board_ms;
    int32_t offset_ns; /* from the filter's base_offset_ns */
    uint32_t half_round_trip_ns;
} takt_clock_point_t;

typedef struct {
    takt_clock_t clock;
    int64_t accepted_offset_ns; /* ROS time minus board time of the accepted exchange */
    int64_t base_offset_ns;     /* the points' offsets count from here */
    uint32_t interval_start_ms; /* board time at which the interval of the newest point began */
    uint32_t rejected;          /* exchanges that cannot be: negative or absurd round trip */
    uint8_t point_count;
    takt_clock_point_t points[TAKT_CLOCK_POINTS]; /* best accepted exchange of each interval */
} takt_clock_filter_t;

/* True when the bound is below the limit of the contract and no contradiction is open. */
bool takt_clock_locked(const takt_clock_t *clock, uint64_t now_ns);

/* ROS time in ns at board time `board_ns`; meaningful only while locked. */
int64_t takt_clock_ros_ns(const takt_clock_t *clock, uint64_t board_ns);

/* The other way: board time in ns at which takt_clock_ros_ns shows `ros_ns`; as true, and as far to be
 * trusted, as that. For stamps of the host in board time. */
uint64_t takt_clock_board_ns(const takt_clock_t *clock, int64_t ros_ns);

/* How far ROS time may be from takt_clock_ros_ns: half the round trip of the accepted exchange, the drift
 * limit times its age, and what is still to be slewed. UINT64_MAX before the first exchange. */
uint64_t takt_clock_bound_ns(const takt_clock_t *clock, uint64_t board_ns);

uint32_t takt_clock_epoch(const takt_clock_t *clock);

/* Nothing known. The limits of bound and drift are those of the contract's link section. */
void takt_clock_filter_init(takt_clock_filter_t *filter);

/* One exchange: request sent and reply received in board time, agent's receive and transmit in ROS time, all
 * ns. */
void takt_clock_filter_exchange(takt_clock_filter_t *filter, uint64_t sent_ns, int64_t agent_receive_ns,
                                int64_t agent_transmit_ns, uint64_t received_ns);

#endif
