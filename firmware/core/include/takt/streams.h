/* XRCE streams: takt_fifo_t (messages of various lengths in one buffer), takt_reliable_out_t,
 * takt_reliable_in_t, takt_best_effort_in_t. Sequence numbers are 16 bits and compared by serial-number
 * arithmetic. */
#ifndef TAKT_STREAMS_H
#define TAKT_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "takt_contract.h"

#define TAKT_FIFO_MESSAGES 8u /* messages a FIFO can hold, as far as its bytes go */
#define TAKT_RELIABLE_BYTES \
    ((uint16_t)(TAKT_LINK_HISTORY * TAKT_LINK_MTU_BYTES)) /* of the reliable history */

typedef struct {
    uint8_t *bytes;
    uint16_t capacity;
    uint8_t first; /* index of the oldest message */
    uint8_t count;
    struct {
        uint16_t offset;
        uint16_t size;
    } messages[TAKT_FIFO_MESSAGES];
} takt_fifo_t;

void takt_fifo_init(takt_fifo_t *fifo, uint8_t *bytes, uint16_t capacity);
void takt_fifo_clear(takt_fifo_t *fifo);

/* Room for one message of up to `size` contiguous bytes, or NULL. Nothing is stored before takt_fifo_push. */
uint8_t *takt_fifo_reserve(const takt_fifo_t *fifo, uint16_t size);
void takt_fifo_push(takt_fifo_t *fifo, const uint8_t *reserved, uint16_t size);
const uint8_t *takt_fifo_at(const takt_fifo_t *fifo, uint8_t index, uint16_t *size); /* 0 is the oldest */
void takt_fifo_pop(takt_fifo_t *fifo);

/* Messages not yet confirmed, oldest first; the first has the sequence number `first`. */
typedef struct {
    takt_fifo_t history;
    uint16_t first;    /* sequence number of the oldest message held; the next to be confirmed */
    uint8_t due;       /* bit i: message i of the history must go to the line */
    uint8_t sent_once; /* bit i: message i has been on the line */
    uint8_t confirmed; /* messages at the front that are confirmed but still being sent */
    bool sending;      /* message `sending_index` is on its way through the encoder */
    uint8_t sending_index;
} takt_reliable_out_t;

void takt_reliable_out_reset(takt_reliable_out_t *out);
uint16_t takt_reliable_out_next(const takt_reliable_out_t *out); /* sequence number of the next message */
void takt_reliable_out_push(takt_reliable_out_t *out, const uint8_t *reserved, uint16_t size);

/* What a HEARTBEAT announces: the range of messages that have been on the line and are not confirmed. False:
 * none. */
bool takt_reliable_out_unconfirmed(const takt_reliable_out_t *out, uint16_t *first, uint16_t *last);

/* ACKNACK: everything before `first` is confirmed, bit i of `missing` asks for first + i. False: nothing it
 * could speak of. */
bool takt_reliable_out_acknack(takt_reliable_out_t *out, uint16_t first, uint16_t missing);

/* Next message for the line, or NULL; it stays put until takt_reliable_out_sent. `again`: it has been out
 * before. */
const uint8_t *takt_reliable_out_take(takt_reliable_out_t *out, uint16_t *size, bool *again);
void takt_reliable_out_sent(takt_reliable_out_t *out);

/* In order or not at all: what arrives early is asked for again, which saves the buffers. */
typedef struct {
    uint16_t expected; /* next sequence number in order */
    uint16_t heard;    /* one past the newest number heard of */
    uint16_t asked;    /* one past the newest number asked for again */
} takt_reliable_in_t;

typedef enum { TAKT_SEQUENCE_NEXT, TAKT_SEQUENCE_EARLY, TAKT_SEQUENCE_REPEATED } takt_sequence_t;

void takt_reliable_in_reset(takt_reliable_in_t *in);
takt_sequence_t takt_reliable_in_check(takt_reliable_in_t *in, uint16_t sequence);
void takt_reliable_in_accept(takt_reliable_in_t *in);

typedef enum {
    TAKT_HEARTBEAT_PLAIN,
    TAKT_HEARTBEAT_SKIPPED, /* the sender no longer has what was expected; went on to what it has */
    TAKT_HEARTBEAT_BEHIND   /* the sender claims to have sent less than was received; nothing changed */
} takt_heartbeat_t;

takt_heartbeat_t takt_reliable_in_heartbeat(takt_reliable_in_t *in, uint16_t first, uint16_t last);

/* Bitmap for the ACKNACK, bit i: expected + i is missing. What was asked for is under way and not asked for
 * again before it has come, unless a HEARTBEAT shows that it got lost (`again`). */
uint16_t takt_reliable_in_missing(takt_reliable_in_t *in, bool again);

#define TAKT_BEST_EFFORT_PATIENCE 4u /* refusals in a row until the sender is believed */

typedef struct {
    uint16_t last;
    uint8_t refused; /* in a row */
} takt_best_effort_in_t;

void takt_best_effort_in_reset(takt_best_effort_in_t *in);
bool takt_best_effort_in_accept(takt_best_effort_in_t *in, uint16_t sequence); /* false: late or twice */

bool takt_sequence_before(uint16_t a, uint16_t b);

#endif
