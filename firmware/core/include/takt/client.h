/* The micro-ROS (DDS-XRCE) client of the board: takt_client_t.
 *
 * One thread calls all of it; nothing blocks. Memory is the struct alone. Entities come from the contract's
 * generated tables; the client creates them, keeps them through every loss of line or agent, and reports its
 * state. */
#ifndef TAKT_CLIENT_H
#define TAKT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "takt/clock.h"
#include "takt/framing.h"
#include "takt/streams.h"

typedef enum {
    TAKT_CLIENT_DISCONNECTED, /* no agent has answered for a while; login is tried all the same */
    TAKT_CLIENT_CONNECTING,   /* login sent, answer awaited */
    TAKT_CLIENT_CREATING,     /* session open, entities being created */
    TAKT_CLIENT_CONNECTED     /* all topics and the robot's services are there; those of parameters follow */
} takt_client_state_t;

typedef enum {
    TAKT_LOSS_NONE,
    TAKT_LOSS_SILENCE,         /* nothing valid from the agent for link_silence_ms of the contract */
    TAKT_LOSS_AGENT_RESTARTED, /* the agent answers but does not know this client */
    TAKT_LOSS_CREATE_TIMEOUT,  /* an entity was not answered for */
    TAKT_LOSS_REFUSED,         /* login or participant refused */
    TAKT_LOSS_UNCONFIRMED,     /* reliable messages stay unconfirmed although the agent talks */
    TAKT_LOSS_OUT_OF_STEP      /* the agent's reliable stream started anew behind our back */
} takt_client_loss_t;

typedef struct {
    void *context; /* handed to the callbacks */
    /* Line out: takes up to `count` bytes, returns how many it took; never blocks. */
    size_t (*write)(void *context, const uint8_t *bytes, size_t count);
    /* A sample of a host_to_board topic (TAKT_TOPIC_*); up to 3 bytes may trail. The bytes are gone after the
     * return. */
    void (*on_sample)(void *context, unsigned topic, const uint8_t *cdr, size_t size, uint64_t now_ns);
    /* A request for TAKT_SERVICE_*: writes the reply's CDR, returns its size (0: no reply). Must not publish.
     * Above `capacity` only that many bytes are written here, and reply_part is asked for all of them. */
    size_t (*on_request)(void *context, unsigned service, const uint8_t *cdr, size_t size, uint8_t *reply,
                         size_t capacity, uint64_t now_ns);
    /* Bytes [from, from + count) of the reply to the request that came last; no other request comes before
     * its end. NULL: there are no replies larger than one message, such are refused. */
    void (*reply_part)(void *context, unsigned service, size_t from, uint8_t *bytes, size_t count);
    /* Where requests larger than one message are put together; free to use for the reply until its end. NULL:
     * such are dropped. */
    uint8_t *assembly;
    uint16_t assembly_bytes;
    /* Services that are created last, once samples flow; numbered from TAKT_SERVICE_COUNT on. */
    const takt_service_t *late_services;
    uint8_t late_service_count;
    uint32_t key;                  /* not 0; sent high byte first */
    uint16_t domain;               /* ROS domain; 255 leaves it to the agent */
    const char *contract_property; /* value of the login property takt_contract; at most 159 characters */
    const char *node_name;         /* at most 59 characters */
} takt_client_config_t;

typedef struct {
    uint32_t rx;                /* messages received with a good CRC */
    uint32_t tx;                /* messages put on the line */
    uint32_t crc_errors;        /* frames with a bad CRC */
    uint32_t oversized_frames;  /* frames longer than the MTU */
    uint32_t oversized_samples; /* samples of too many fragments */
    uint32_t malformed;         /* messages that could not be understood to their end */
    uint32_t duplicates;        /* reliable messages that came twice, best-effort ones that came late */
    uint32_t retransmits;       /* reliable messages sent again */
    uint32_t reconnects;        /* sessions opened after the first */
    uint32_t dropped;           /* messages that found the transmit queue full */
    uint32_t refused;           /* publications refused: not connected, too large, or history full */
    uint32_t create_errors;     /* entities that the agent refused in this session */
    uint32_t round_trip_us;     /* of the newest time exchange */
    uint64_t last_rx_ns;     /* board time of the newest valid message from the agent; 0 before the first */
    takt_client_loss_t loss; /* why the last session ended */
} takt_client_stats_t;

typedef struct takt_client takt_client_t;

void takt_client_init(takt_client_t *client, const takt_client_config_t *config, uint64_t now_ns);

/* Bytes from the line, in any portions. Calls on_sample and on_request. */
void takt_client_receive(takt_client_t *client, const uint8_t *bytes, size_t count, uint64_t now_ns);

/* Timers: login, creation, heartbeat, time exchange, ping; pushes pending bytes out. At 1 kHz or more, or on
 * input. */
void takt_client_run(takt_client_t *client, uint64_t now_ns);

/* Publishes one sample (TAKT_TOPIC_*, board_to_host). False and counted: not connected, too large, history or
 * queue full. True means on the line (best effort) or held until confirmed (reliable). */
bool takt_client_publish(takt_client_t *client, unsigned topic, const uint8_t *cdr, size_t size,
                         uint64_t now_ns);

takt_client_state_t takt_client_state(const takt_client_t *client);
const takt_client_stats_t *takt_client_stats(const takt_client_t *client);
const takt_clock_t *takt_client_clock(const takt_client_t *client);

/* True when a reliable sample of `size` bytes would be taken now; lets a sender of exact records wait for
 * room. */
bool takt_client_has_room(const takt_client_t *client, size_t size);

/* ---- what follows is private; it stands here only so that the size is known ---- */

#define TAKT_CLIENT_MTU           ((unsigned)TAKT_LINK_MTU_BYTES)
#define TAKT_CLIENT_MESSAGE_BYTES (TAKT_CLIENT_MTU - 4u) /* largest message; the official client's, too */
#define TAKT_CLIENT_QUEUE_BYTES   480u                   /* best-effort and control messages waiting */
#define TAKT_CLIENT_EXCHANGES     4u                     /* time requests that may be under way */
#define TAKT_CLIENT_IDENTITY      24u                    /* SampleIdentity of a request */

typedef struct {
    uint64_t next_login_ns;
    uint64_t next_exchange_ns;
    uint64_t next_ping_ns;
    uint64_t next_heartbeat_ns;
    uint64_t progress_ns; /* last answer to what the present state waits for */
} takt_client_timers_t;

typedef enum { TAKT_ACKNACK_NONE, TAKT_ACKNACK_DUE, TAKT_ACKNACK_AGAIN } takt_acknack_t;

struct takt_client {
    takt_client_config_t config;
    takt_client_stats_t stats;
    takt_client_timers_t timers;
    takt_clock_filter_t clock;
    uint64_t exchange_sent_ns[TAKT_CLIENT_EXCHANGES]; /* 0: answered */
    takt_client_state_t state;

    takt_frame_decoder_t decoder;
    takt_frame_encoder_t encoder;
    enum { TAKT_LINE_IDLE, TAKT_LINE_QUEUED, TAKT_LINE_RELIABLE } line; /* what the encoder is sending */
    takt_fifo_t queue;
    takt_reliable_out_t reliable_out;
    takt_reliable_in_t reliable_in;
    takt_best_effort_in_t best_effort_in;
    uint16_t best_effort_sequence; /* of the next message out */
    uint16_t next_request;         /* request id of the next submessage */
    uint16_t assembled;            /* bytes of fragments in the assembly */

    struct {              /* a reply larger than one message */
        uint32_t size;    /* of the reply; 0: none under way */
        uint32_t sent;    /* bytes of the whole submessage that are in fragments */
        uint16_t request; /* id of its WRITE_DATA */
        uint8_t service;
        uint8_t identity[TAKT_CLIENT_IDENTITY];
    } long_reply;

    uint8_t created;         /* creation steps sent */
    uint8_t answered;        /* creation steps answered for */
    uint8_t quick_exchanges; /* time requests still to be sent at the quick rate */
    uint8_t exchange_slot;   /* of the next time request */
    uint8_t unconfirmed_heartbeats;
    uint8_t late_heartbeats;
    bool assembly_lost; /* a fragmented sample grew too large; dropped until its last fragment */
    bool had_session;
    bool login_stale;       /* login has gone unanswered for long */
    bool reliable_turn;     /* the next message for the line is a reliable one, if any */
    takt_acknack_t acknack; /* one answers for a whole portion of input */
    bool request_waits;     /* a request was not taken for want of room for its reply */
    bool serving;           /* a reply is being written into the history; publications wait */

    uint8_t input[TAKT_LINK_MTU_BYTES];
    uint8_t queue_bytes[TAKT_CLIENT_QUEUE_BYTES];
    uint8_t history_bytes[TAKT_RELIABLE_BYTES];
};

#endif
