/* The board: takt_board_t ties control tick, deadline monitor, ledger and link client to a platform.
 *
 * Two threads. The control thread calls takt_board_control_cycle on an absolute grid and nothing else; it
 * never waits. The link thread, of lower priority, calls takt_board_link_poll at about 1 kHz or on input; it
 * does all framing, CDR and publishing. They share three things, all of which neither can block: `orders`
 * (newest, link to control), `status` (newest, control to link), `applied` and the ledger (rings with one
 * writer and one reader). */
#ifndef TAKT_BOARD_H
#define TAKT_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "takt/client.h"
#include "takt/control_tick.h"
#include "takt/deadline_monitor.h"
#include "takt/exchange.h"
#include "takt/ledger.h"
#include "takt/parameters.h"
#include "takt/platform.h"

/* Link to control: all that the host has to say. */
typedef struct {
    takt_command_t command;
    takt_requests_t requests;
    takt_clock_t clock;
    uint64_t agent_heard_ns;
    bool agent_heard;
    takt_tuning_t tuning;
} takt_orders_t;

/* Control to link: what the loop knew in its newest cycle. */
typedef struct {
    uint32_t cycle;  /* place on the grid */
    uint32_t cycles; /* that ran */
    uint32_t misses[TAKT_MISS_CAUSES];
    uint32_t window_misses;
    takt_outputs_t outputs;
    takt_safety_t safety;
    int64_t position_counts[TAKT_WHEELS];
    float speed_rad_s[TAKT_WHEELS];
    uint64_t sample_ns; /* board time at which the newest encoder sample was there */
    bool sample_present;
    uint16_t supply_mv;
    bool supply_low;
    takt_wheel_fault_t encoder_fault[TAKT_WHEELS]; /* found since the driver was last switched on */
    uint32_t refused[TAKT_GATE_COUNT];
} takt_board_status_t;

#define TAKT_APPLIED_RING 8u

typedef struct {
    takt_applied_t items[TAKT_APPLIED_RING];
    _Atomic uint32_t head; /* ever written (control thread) */
    _Atomic uint32_t tail; /* ever read (link thread) */
} takt_applied_ring_t;

/* What the link thread remembers between polls about what it has sent. */
typedef struct {
    uint32_t joint_cycle; /* count of cycles at the last joint_states */
    uint64_t next_applied_ns;
    uint64_t next_diagnostic_ns;
    uint64_t next_change_ns;
    unsigned next_diagnostic; /* which status is next */
    unsigned first_round;     /* statuses still to be sent at once after a connect */
    bool connected;
    takt_safety_t told_safety; /* what the host was told last */
    bool told_locked;
    uint64_t next_miss_ns;
    uint64_t miss_due_ns[TAKT_TOPICS_DEADLINE_MISSES_RATE_HZ]; /* when each of a second's places is free
                                                                  again, a ring */
    unsigned miss_place;
    uint64_t miss_sent_ns;
    uint32_t miss_cursor; /* index of the next record to send, from the oldest not confirmed */
} takt_telemetry_t;

typedef struct {
    const takt_platform_t *platform;

    /* control thread */
    takt_control_config_t config;
    takt_control_t control;
    takt_tuning_t tuning; /* that `config` has */
    takt_motion_t motion; /* of the last cycle */
    takt_deadline_config_t deadline_config;
    takt_deadline_monitor_t deadlines; /* histograms are read by the link thread too */
    takt_histogram_t photon_to_motor;  /* likewise */
    uint64_t last_start_ns;
    bool ran;

    /* between the threads */
    takt_exchange_t orders_exchange;
    takt_orders_t orders[TAKT_EXCHANGE_SLOTS];
    takt_exchange_t status_exchange;
    takt_board_status_t status[TAKT_EXCHANGE_SLOTS];
    takt_applied_ring_t applied;
    takt_ledger_t ledger;

    /* link thread */
    takt_client_t client;
    takt_orders_t next_orders;
    takt_parameters_t parameters;
    uint32_t request_count;
    takt_telemetry_t telemetry;
} takt_board_t;

typedef struct {
    uint32_t client_key; /* not 0 */
    uint16_t domain;     /* ROS domain; 255 leaves it to the agent */
} takt_board_config_t;

/* Power-up: SAFE, disarmed. `platform` must outlive the board. */
void takt_board_init(takt_board_t *board, const takt_platform_t *platform, const takt_board_config_t *config);

/* Control thread: one cycle for the release at `release_ns` (board time, on the grid). */
void takt_board_control_cycle(takt_board_t *board, uint64_t release_ns);

/* Control thread: the release to wait for next. */
uint64_t takt_board_next_release(const takt_board_t *board, uint64_t now_ns);

/* Link thread: reads the line, hands orders over, publishes what is due. Never blocks. */
void takt_board_link_poll(takt_board_t *board);

/* Link thread: what the control thread knew in its newest cycle; valid until the next poll. */
const takt_board_status_t *takt_board_status(const takt_board_t *board);

#endif
