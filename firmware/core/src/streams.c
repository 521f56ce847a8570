/* Streams of XRCE messages (takt/streams.h). */
#include "takt/streams.h"

#define WINDOW 16u /* sequence numbers that an ACKNACK can speak of */

bool takt_sequence_before(uint16_t a, uint16_t b)
{
    return (uint16_t)(b - a - 1u) < 0x7FFFu;
}

/* ---- FIFO
 * ---------------------------------------------------------------------------------------------------- */

void takt_fifo_init(takt_fifo_t *fifo, uint8_t *bytes, uint16_t capacity)
{
    *fifo = (takt_fifo_t){.bytes = bytes, .capacity = capacity};
}

void takt_fifo_clear(takt_fifo_t *fifo)
{
    fifo->count = 0;
}

static uint8_t slot(const takt_fifo_t *fifo, unsigned index)
{
    return (uint8_t)((fifo->first + index) % TAKT_FIFO_MESSAGES);
}

uint8_t *takt_fifo_reserve(const takt_fifo_t *fifo, uint16_t size)
{
    if (fifo->count == 0) {
        return size <= fifo->capacity ? fifo->bytes : NULL;
    }
    if (fifo->count == TAKT_FIFO_MESSAGES) {
        return NULL;
    }
    const uint16_t head = fifo->messages[fifo->first].offset;
    const uint8_t last = slot(fifo, fifo->count - 1u);
    const uint16_t tail = (uint16_t)(fifo->messages[last].offset + fifo->messages[last].size);
    const bool wrapped = fifo->messages[last].offset < head;
    if (!wrapped && fifo->capacity - tail >= size) {
        return fifo->bytes + tail;
    }
    if (wrapped) {
        return head - tail >= size ? fifo->bytes + tail : NULL;
    }
    return head >= size ? fifo->bytes : NULL;
}

void takt_fifo_push(takt_fifo_t *fifo, const uint8_t *reserved, uint16_t size)
{
    const uint8_t index = slot(fifo, fifo->count);
    fifo->messages[index].offset = (uint16_t)(reserved - fifo->bytes);
    fifo->messages[index].size = size;
    fifo->count++;
}

const uint8_t *takt_fifo_at(const takt_fifo_t *fifo, uint8_t index, uint16_t *size)
{
    const uint8_t at = slot(fifo, index);
    *size = fifo->messages[at].size;
    return fifo->bytes + fifo->messages[at].offset;
}

void takt_fifo_pop(takt_fifo_t *fifo)
{
    fifo->first = slot(fifo, 1);
    fifo->count--;
}

/* ---- reliable, out
 * ------------------------------------------------------------------------------------------- */

void takt_reliable_out_reset(takt_reliable_out_t *out)
{
    takt_fifo_t history = out->history;
    takt_fifo_clear(&history);
    *out = (takt_reliable_out_t){.history = history};
}

uint16_t takt_reliable_out_next(const takt_reliable_out_t *out)
{
    return (uint16_t)(out->first + out->history.count);
}

void takt_reliable_out_push(takt_reliable_out_t *out, const uint8_t *reserved, uint16_t size)
{
    out->due = (uint8_t)(out->due | (1u << out->history.count));
    takt_fifo_push(&out->history, reserved, size);
}

bool takt_reliable_out_unconfirmed(const takt_reliable_out_t *out, uint16_t *first, uint16_t *last)
{
    unsigned sent = 0; /* messages at the front that have been on the line; they go out in order */
    while (sent < out->history.count && (out->sent_once >> sent & 1u) != 0) {
        sent++;
    }
    *first = (uint16_t)(out->first + out->confirmed);
    *last = (uint16_t)(out->first + sent - 1u);
    return sent > out->confirmed;
}

/* Forgets what is confirmed, except a message that the encoder is still reading. */
static void release(takt_reliable_out_t *out)
{
    while (out->confirmed > 0 && !(out->sending && out->sending_index == 0)) {
        takt_fifo_pop(&out->history);
        out->due >>= 1;
        out->sent_once >>= 1;
        out->sending_index--; /* of no meaning unless sending, and then above 0 */
        out->confirmed--;
        out->first++;
    }
}

bool takt_reliable_out_acknack(takt_reliable_out_t *out, uint16_t first, uint16_t missing)
{
    uint16_t oldest;
    uint16_t newest;
    const bool pending = takt_reliable_out_unconfirmed(out, &oldest, &newest);
    if (!pending || takt_sequence_before(first, oldest) ||
        takt_sequence_before((uint16_t)(newest + 1u), first)) {
        return false;
    }
    out->confirmed = (uint8_t)(first - out->first);
    const unsigned confirmed_bits = (1u << out->confirmed) - 1u;
    const unsigned asked = (unsigned)missing << out->confirmed;
    out->due = (uint8_t)((out->due | asked) & ~confirmed_bits);
    release(out);
    return true;
}

const uint8_t *takt_reliable_out_take(takt_reliable_out_t *out, uint16_t *size, bool *again)
{
    for (uint8_t i = 0; i < out->history.count; i++) {
        const uint8_t bit = (uint8_t)(1u << i);
        if ((out->due & bit) == 0) {
            continue;
        }
        *again = (out->sent_once & bit) != 0;
        out->due = (uint8_t)(out->due & ~bit);
        out->sent_once |= bit;
        out->sending = true;
        out->sending_index = i;
        return takt_fifo_at(&out->history, i, size);
    }
    return NULL;
}

void takt_reliable_out_sent(takt_reliable_out_t *out)
{
    out->sending = false;
    release(out);
}

/* ---- reliable, in
 * -------------------------------------------------------------------------------------------- */

void takt_reliable_in_reset(takt_reliable_in_t *in)
{
    *in = (takt_reliable_in_t){0};
}

takt_sequence_t takt_reliable_in_check(takt_reliable_in_t *in, uint16_t sequence)
{
    if (takt_sequence_before(sequence, in->expected)) {
        return TAKT_SEQUENCE_REPEATED;
    }
    const uint16_t beyond = (uint16_t)(sequence + 1u);
    if (takt_sequence_before(in->heard, beyond) && (uint16_t)(beyond - in->expected) <= WINDOW) {
        in->heard = beyond;
    }
    return sequence == in->expected ? TAKT_SEQUENCE_NEXT : TAKT_SEQUENCE_EARLY;
}

void takt_reliable_in_accept(takt_reliable_in_t *in)
{
    in->expected++;
    if (takt_sequence_before(in->heard, in->expected)) {
        in->heard = in->expected;
    }
}

takt_heartbeat_t takt_reliable_in_heartbeat(takt_reliable_in_t *in, uint16_t first, uint16_t last)
{
    const uint16_t beyond = (uint16_t)(last + 1u);
    const bool skipped = takt_sequence_before(in->expected, first);
    if (takt_sequence_before(beyond, in->expected)) {
        return TAKT_HEARTBEAT_BEHIND;
    }
    if (skipped) {
        in->expected = first;
    }
    in->heard = takt_sequence_before(beyond, in->expected) ? in->expected : beyond;
    return skipped ? TAKT_HEARTBEAT_SKIPPED : TAKT_HEARTBEAT_PLAIN;
}

uint16_t takt_reliable_in_missing(takt_reliable_in_t *in, bool again)
{
    if (!again && takt_sequence_before(in->expected, in->asked)) {
        return 0;
    }
    const uint16_t gap = (uint16_t)(in->heard - in->expected);
    const uint16_t asked = gap < WINDOW ? gap : WINDOW;
    in->asked = (uint16_t)(in->expected + asked);
    return (uint16_t)((1u << asked) - 1u);
}

/* ---- best effort, in
 * ----------------------------------------------------------------------------------------- */

void takt_best_effort_in_reset(takt_best_effort_in_t *in)
{
    *in = (takt_best_effort_in_t){.last = 0xFFFFu};
}

bool takt_best_effort_in_accept(takt_best_effort_in_t *in, uint16_t sequence)
{
    /* Several refusals in a row are no late messages: the sender counts anew, or one false number got
     * through. */
    const bool newer = takt_sequence_before(in->last, sequence);
    if (sequence == in->last || (!newer && ++in->refused < TAKT_BEST_EFFORT_PATIENCE)) {
        return false;
    }
    in->last = sequence;
    in->refused = 0;
    return true;
}
