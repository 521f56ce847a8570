/* Miss ledger; see takt/ledger.h. */
#include "takt/ledger.h"

#include <stddef.h> /* offsetof */
#include <string.h> /* memset */

#include "takt/framing.h" /* takt_crc16 */

#define LAYOUT 0x5401u /* start value of every CRC here; another number reads old stores as empty */

static uint16_t crc_of(const void *bytes, size_t count)
{
    return takt_crc16(LAYOUT, bytes, count);
}

static uint16_t record_crc(const takt_ledger_record_t *record)
{
    return crc_of(record, offsetof(takt_ledger_record_t, crc));
}

static uint16_t confirmed_crc(const takt_ledger_confirmed_t *confirmed)
{
    return crc_of(confirmed, offsetof(takt_ledger_confirmed_t, crc));
}

static bool is_whole(const takt_ledger_record_t *record)
{
    return record->crc == record_crc(record) && record->first != 0 && record->first <= record->last;
}

/* The CRC goes in last; the fences keep compiler and processor from storing it earlier. While the content
 * changes the CRC is wrong on purpose. */
static void store_record(takt_ledger_record_t *slot, const takt_ledger_record_t *record)
{
    slot->crc = (uint16_t)~slot->crc;
    atomic_thread_fence(memory_order_seq_cst);
    const uint16_t crc = record_crc(record);
    memcpy(slot, record, offsetof(takt_ledger_record_t, crc));
    atomic_thread_fence(memory_order_seq_cst);
    slot->crc = crc;
}

static void invalidate(takt_ledger_record_t *slot)
{
    slot->crc = (uint16_t)~record_crc(slot);
}

/* ---- opening
 * ------------------------------------------------------------------------------------------------ */

static uint64_t find_confirmed(takt_ledger_t *ledger)
{
    uint64_t newest = 0;
    for (unsigned slot = 0; slot < 2; slot++) {
        const takt_ledger_confirmed_t *confirmed = &ledger->store->confirmed[slot];
        if (confirmed->crc == confirmed_crc(confirmed) && confirmed->identity >= newest) {
            newest = confirmed->identity;
            ledger->confirmed_slot = slot;
        }
    }
    return newest;
}

static bool is_waiting(const takt_ledger_t *ledger, uint32_t slot)
{
    const takt_ledger_record_t *record = &ledger->store->records[slot];
    return is_whole(record) && record->last > ledger->confirmed;
}

/* The waiting records lie in ring order somewhere. Oldest and newest are found by identity; a slot between
 * them that is not whole was being written when the reset came, so it can only be the newest: nothing to hand
 * over. */
static void find_records(takt_ledger_t *ledger)
{
    uint32_t oldest = TAKT_LEDGER_RECORDS;
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < TAKT_LEDGER_RECORDS; slot++) {
        if (!is_waiting(ledger, slot)) {
            continue;
        }
        count++;
        const takt_ledger_record_t *records = ledger->store->records;
        if (oldest == TAKT_LEDGER_RECORDS || records[slot].last < records[oldest].last) {
            oldest = slot;
        }
    }
    const uint32_t start = oldest % TAKT_LEDGER_RECORDS; /* 0 where nothing waits */
    uint32_t run = 0;
    while (run < count && is_waiting(ledger, (start + run) % TAKT_LEDGER_RECORDS)) {
        ledger->previous = ledger->store->records[(start + run) % TAKT_LEDGER_RECORDS].last;
        run++;
    }
    atomic_init(&ledger->tail, start);
    atomic_init(&ledger->head, start + run);
}

static void count_boot(takt_ledger_t *ledger, uint32_t nonce)
{
    takt_ledger_store_t *store = ledger->store;
    const bool known = store->boot.crc == crc_of(&store->boot, offsetof(takt_ledger_store_t, boot.crc));
    ledger->boot_count = known ? store->boot.boot_count + 1u : (nonce << TAKT_LEDGER_BOOT_BITS) + 1u;
    store->boot.boot_count = ledger->boot_count;
    store->boot.crc = crc_of(&store->boot, offsetof(takt_ledger_store_t, boot.crc));
}

void takt_ledger_open(takt_ledger_t *ledger, takt_ledger_store_t *store, uint32_t nonce)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->store = store;
    if (store->boot.crc != crc_of(&store->boot, offsetof(takt_ledger_store_t, boot.crc))) {
        memset(store, 0, sizeof *store); /* power was lost, or the layout is another one */
    }
    ledger->confirmed = find_confirmed(ledger);
    ledger->previous = ledger->confirmed;
    find_records(ledger);
    /* A gap that had just been copied into the ring when the reset came is there already. */
    ledger->gap_open = is_whole(&store->gap) && store->gap.last > ledger->previous;
    count_boot(ledger, nonce);
}

uint32_t takt_ledger_boots(const takt_ledger_t *ledger)
{
    return ledger->boot_count & ((1u << TAKT_LEDGER_BOOT_BITS) - 1u);
}

/* ---- control thread
 * ----------------------------------------------------------------------------------------- */

static bool has_room(const takt_ledger_t *ledger)
{
    const uint32_t head = atomic_load_explicit(&ledger->head, memory_order_relaxed);
    return head - atomic_load_explicit(&ledger->tail, memory_order_acquire) < TAKT_LEDGER_RECORDS;
}

static void push(takt_ledger_t *ledger, takt_ledger_record_t *record)
{
    const uint32_t head = atomic_load_explicit(&ledger->head, memory_order_relaxed);
    record->previous = ledger->previous;
    store_record(&ledger->store->records[head % TAKT_LEDGER_RECORDS], record);
    ledger->previous = record->last;
    atomic_store_explicit(&ledger->head, head + 1u, memory_order_release);
}

void takt_ledger_settle(takt_ledger_t *ledger)
{
    if (ledger->gap_open && has_room(ledger)) {
        takt_ledger_record_t gap = ledger->store->gap;
        push(ledger, &gap);
        invalidate(&ledger->store->gap);
        ledger->gap_open = false;
    }
}

/* Puts `count` misses of one cause, whose first is `miss`, into the open gap; opens it if need be. */
static void widen_gap(takt_ledger_t *ledger, const takt_miss_t *miss, uint64_t first, uint32_t count)
{
    takt_ledger_record_t gap = ledger->store->gap;
    if (!ledger->gap_open) {
        gap = (takt_ledger_record_t){.first = first, .release_ns = miss->release_ns, .cycle = miss->cycle};
        ledger->gap_open = true;
    }
    gap.last = first + count - 1u;
    gap.late_ns = miss->late_ns > gap.late_ns ? miss->late_ns : gap.late_ns;
    gap.counts[miss->cause] += count;
    store_record(&ledger->store->gap, &gap);
}

static uint64_t next_identity(takt_ledger_t *ledger, uint32_t count)
{
    const uint64_t first = ((uint64_t)ledger->boot_count << 32) | (ledger->sequence + 1u);
    ledger->sequence += count;
    return first;
}

void takt_ledger_append(takt_ledger_t *ledger, const takt_miss_t *miss)
{
    const uint64_t identity = next_identity(ledger, 1u);
    takt_ledger_settle(ledger);
    if (ledger->gap_open || !has_room(ledger)) {
        widen_gap(ledger, miss, identity, 1u);
        return;
    }
    takt_ledger_record_t record = {
        .first = identity,
        .last = identity,
        .release_ns = miss->release_ns,
        .late_ns = miss->late_ns,
        .cycle = miss->cycle,
    };
    record.counts[miss->cause] = 1u;
    push(ledger, &record);
}

void takt_ledger_append_skipped(takt_ledger_t *ledger, const takt_skipped_t *skipped, uint64_t resumed_ns,
                                uint64_t period_ns)
{
    takt_miss_t miss = {.cause = TAKT_MISS_SKIPPED};
    for (uint32_t n = 0; n < skipped->count; n++) {
        miss.cycle = skipped->first + n;
        miss.release_ns = skipped->first_release_ns + n * period_ns;
        miss.late_ns = resumed_ns - miss.release_ns;
        if (n >= TAKT_LEDGER_RECORDS) { /* bounds the loop, whatever the link thread confirms meanwhile */
            const uint32_t rest = skipped->count - n;
            widen_gap(ledger, &miss, next_identity(ledger, rest), rest);
            return;
        }
        takt_ledger_append(ledger, &miss);
    }
}

/* ---- link thread
 * -------------------------------------------------------------------------------------------- */

uint32_t takt_ledger_pending(const takt_ledger_t *ledger)
{
    return atomic_load_explicit(&ledger->head, memory_order_acquire) -
           atomic_load_explicit(&ledger->tail, memory_order_relaxed);
}

const takt_ledger_record_t *takt_ledger_at(const takt_ledger_t *ledger, uint32_t index)
{
    const uint32_t tail = atomic_load_explicit(&ledger->tail, memory_order_relaxed);
    return &ledger->store->records[(tail + index) % TAKT_LEDGER_RECORDS];
}

static void store_confirmed(takt_ledger_t *ledger, uint64_t identity)
{
    ledger->confirmed = identity;
    ledger->confirmed_slot ^= 1u;
    takt_ledger_confirmed_t *slot = &ledger->store->confirmed[ledger->confirmed_slot];
    const takt_ledger_confirmed_t confirmed = {.identity = identity};
    slot->crc = (uint16_t)~slot->crc;
    atomic_thread_fence(memory_order_seq_cst);
    slot->identity = confirmed.identity;
    slot->reserved = 0;
    slot->reserved2 = 0;
    atomic_thread_fence(memory_order_seq_cst);
    slot->crc = confirmed_crc(&confirmed);
}

uint32_t takt_ledger_confirm(takt_ledger_t *ledger, uint64_t identity)
{
    const uint32_t pending = takt_ledger_pending(ledger);
    if (pending == 0 || identity > takt_ledger_at(ledger, pending - 1u)->last) {
        return 0;
    }
    uint32_t released = 0;
    while (released < pending && takt_ledger_at(ledger, released)->last <= identity) {
        released++;
    }
    if (released > 0) {
        store_confirmed(ledger, takt_ledger_at(ledger, released - 1u)->last);
        const uint32_t tail = atomic_load_explicit(&ledger->tail, memory_order_relaxed);
        atomic_store_explicit(&ledger->tail, tail + released, memory_order_release);
    }
    return released;
}

bool takt_ledger_is_gap(const takt_ledger_record_t *record)
{
    return record->first != record->last;
}
