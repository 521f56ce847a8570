/* Miss ledger: every missed deadline is one record, or lies inside one gap record, until the host has it on
 * disk.
 *
 * A record is identified by (boot count, sequence); sequences count from 1 in every boot without holes.
 * Records wait in a ring in retained memory. When the ring is full, further misses go into the one open gap
 * record, which states the range of sequences and the count by cause and enters the ring as soon as there is
 * room again.
 *
 * Threads: the control thread appends, the link thread reads and confirms; they share two counters and never
 * wait. Resets: the retained store says for each record by itself whether it is whole (CRC, written last), so
 * a reset may come at any instant; what was complete is found again at the next boot. After power loss all
 * CRCs are wrong and the store reads as empty. */
#ifndef TAKT_LEDGER_H
#define TAKT_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "takt/deadline_monitor.h" /* takt_miss_t */

#define TAKT_LEDGER_RECORDS   64u
#define TAKT_LEDGER_BOOT_BITS 12u /* boots between two losses of power; one more just counts on */

typedef struct {
    uint64_t previous;   /* identity of the record before this one; 0: none known */
    uint64_t first;      /* identity of the first miss inside; equals last unless this is a gap */
    uint64_t last;       /* identity: boot count << 32 | sequence */
    uint64_t release_ns; /* board time of that boot */
    uint64_t late_ns;
    uint32_t cycle;                    /* grid place; of a gap: that of its first miss */
    uint32_t counts[TAKT_MISS_CAUSES]; /* misses inside, by cause: one in all unless this is a gap */
    uint16_t reserved;
    uint16_t crc; /* of all before it, started at the layout number so that zeroes are not valid */
} takt_ledger_record_t;

typedef struct {
    uint64_t identity; /* everything up to here is on the host's disk */
    uint32_t reserved;
    uint16_t reserved2;
    uint16_t crc;
} takt_ledger_confirmed_t;

/* What must survive a reset. Contents are private; the size depends on the compiler's layout, which the CRC
 * of each part covers: a store written by another layout reads as empty. */
typedef struct {
    struct {
        uint32_t boot_count;
        uint16_t reserved;
        uint16_t crc;
    } boot;
    takt_ledger_confirmed_t confirmed[2]; /* written in turn: one of them is whole at any instant */
    takt_ledger_record_t gap;             /* open while its crc is right */
    takt_ledger_record_t records[TAKT_LEDGER_RECORDS];
} takt_ledger_store_t;

typedef struct {
    takt_ledger_store_t *store;
    uint32_t boot_count;
    uint32_t sequence;       /* of the newest miss of this boot (control thread) */
    uint64_t previous;       /* identity of the newest record (control thread) */
    uint64_t confirmed;      /* (link thread) */
    unsigned confirmed_slot; /* (link thread) */
    bool gap_open;           /* (control thread) */
    _Atomic uint32_t head;   /* records ever put into the ring; slot is head % TAKT_LEDGER_RECORDS */
    _Atomic uint32_t tail;   /* records confirmed */
} takt_ledger_t;

/* Opens the store, finds what an earlier boot left, counts this boot.
 *
 * Boots count from 1 in the lower TAKT_LEDGER_BOOT_BITS; above them stands `nonce`, drawn anew whenever the
 * store was lost with the power. Without it a confirmation meant for a record from before the loss could
 * release one of the same number made after it. */
void takt_ledger_open(takt_ledger_t *ledger, takt_ledger_store_t *store, uint32_t nonce);

/* Boots since the store was lost last, without the nonce: what a person counts. */
uint32_t takt_ledger_boots(const takt_ledger_t *ledger);

/* Control thread. */
void takt_ledger_append(takt_ledger_t *ledger, const takt_miss_t *miss);
void takt_ledger_append_skipped(takt_ledger_t *ledger, const takt_skipped_t *skipped, uint64_t resumed_ns,
                                uint64_t period_ns);
void takt_ledger_settle(
    takt_ledger_t *ledger); /* once per cycle: moves the gap into the ring when there is room */

/* Link thread. `index` 0 is the oldest record that is not confirmed. */
uint32_t takt_ledger_pending(const takt_ledger_t *ledger);
const takt_ledger_record_t *takt_ledger_at(const takt_ledger_t *ledger, uint32_t index);

/* The host has everything up to `identity` on disk. Numbers beyond what this board ever wrote are ignored:
 * they speak of a board whose retained memory was lost. Returns how many records were released. */
uint32_t takt_ledger_confirm(takt_ledger_t *ledger, uint64_t identity);

bool takt_ledger_is_gap(const takt_ledger_record_t *record);

#endif
