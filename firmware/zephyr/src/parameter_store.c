/* Parameters in flash; see parameter_store.h.
 *
 * Two areas of equal size, each a row of slots. A save is a whole set in the next blank slot, with a sequence
 * number and a checksum: the valid set with the highest number counts, and a set that the power cut short is
 * passed over. A start that finds the area more than half full erases the other one and goes on there; until
 * the first set stands in it, the old area holds. */
#include "parameter_store.h"

#include <errno.h>
#include <string.h>

#include <zephyr/cache.h>
#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/sys/printk.h>

#include "takt/framing.h"

#define STORE       DT_CHOSEN(takt_parameter_store)
#define AREA_BYTES  (DT_REG_SIZE(STORE) / 2)
#define SLOT_BYTES  512u /* the same for every contract: what an earlier one wrote is still found */
#define SLOTS       (AREA_BYTES / SLOT_BYTES)
#define UNIT_BYTES  32u /* a flash word of the H743, the largest of our boards */
#define LAYOUT      0x544B5031u
#define SETTLING_MS 1000u
#define BLANK       0xFFu

typedef struct {
    uint32_t name;     /* mark_of its name */
    uint32_t value[2]; /* a double, as its bits */
} entry_t;

#define ENTRIES_MAX ((SLOT_BYTES - 16u) / sizeof(entry_t))

typedef struct {
    uint32_t layout;
    uint32_t sequence;
    uint32_t count;
    uint32_t crc; /* of all entries, started at the sequence */
    entry_t entries[ENTRIES_MAX];
} set_t;

BUILD_ASSERT(TAKT_PARAMETER_COUNT <= ENTRIES_MAX, "a set fits into a slot");
BUILD_ASSERT(sizeof(set_t) <= SLOT_BYTES, "a set fits into a slot");
BUILD_ASSERT(DT_REG_SIZE(STORE) % (2 * SLOT_BYTES) == 0, "the store is two areas of whole slots");
BUILD_ASSERT(UNIT_BYTES % DT_PROP(DT_GPARENT(STORE), write_block_size) == 0,
             "a save is a whole number of flash words");

static struct {
    const struct flash_area *flash;
    uint32_t sequence; /* of the newest set; 0: there is none */
    unsigned area;
    unsigned slot;  /* next to be written; SLOTS: full */
    uint32_t saved; /* takt_parameters_changes of what is kept */
    uint32_t seen;  /* the same, of the last poll */
    uint32_t seen_ms;
    bool told;
    union {
        set_t set;
        uint8_t bytes[SLOT_BYTES];
    } buffer;
} store;

static uint32_t mark_of(const char *name) /* FNV-1a */
{
    uint32_t mark = 2166136261u;
    for (; *name != '\0'; name++) {
        mark = (mark ^ (uint8_t)*name) * 16777619u;
    }
    return mark;
}

static off_t place_of(unsigned area, unsigned slot)
{
    return (off_t)(area * AREA_BYTES + slot * SLOT_BYTES);
}

static uint32_t crc_of(const set_t *set)
{
    return takt_crc16((uint16_t)(set->sequence ^ (set->sequence >> 16)), (const uint8_t *)set->entries,
                      set->count * sizeof(entry_t));
}

/* The flash as it is, not as the data cache saw it before a write. */
static void forget_cached(unsigned area, unsigned slot)
{
#if defined(CONFIG_DCACHE) && defined(CONFIG_CACHE_MANAGEMENT)
    const uintptr_t start = CONFIG_FLASH_BASE_ADDRESS + DT_REG_ADDR(STORE);
    (void)sys_cache_data_invd_range((void *)(start + (uintptr_t)place_of(area, slot)), SLOT_BYTES);
#else
    ARG_UNUSED(area);
    ARG_UNUSED(slot);
#endif
}

static bool read_slot(unsigned area, unsigned slot)
{
    return flash_area_read(store.flash, place_of(area, slot), store.buffer.bytes, SLOT_BYTES) == 0;
}

static bool is_blank(void)
{
    for (unsigned byte = 0; byte < SLOT_BYTES; byte++) {
        if (store.buffer.bytes[byte] != BLANK) {
            return false;
        }
    }
    return true;
}

static bool is_valid(const set_t *set)
{
    return set->layout == LAYOUT && set->count <= ENTRIES_MAX && set->crc == crc_of(set);
}

/* Leaves the newest set's place in `area` and `slot`, and in store.sequence its number. A slot that cannot be
 * read counts as written. */
static void find_newest(unsigned *area, unsigned *slot)
{
    store.sequence = 0;
    for (unsigned a = 0; a < 2u; a++) {
        for (unsigned s = 0; s < SLOTS; s++) {
            if (read_slot(a, s) && is_valid(&store.buffer.set) &&
                store.buffer.set.sequence > store.sequence) {
                store.sequence = store.buffer.set.sequence;
                *area = a;
                *slot = s;
            }
        }
    }
}

/* The slot behind the last one of an area that is not blank. */
static unsigned first_free(unsigned area)
{
    unsigned slot = SLOTS;
    while (slot > 0 && read_slot(area, slot - 1u) && is_blank()) {
        slot--;
    }
    return slot;
}

static void restore(takt_parameters_t *parameters, const set_t *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        for (unsigned p = 0; p < TAKT_PARAMETER_COUNT; p++) {
            double value;
            memcpy(&value, set->entries[i].value, sizeof value);
            if (mark_of(takt_parameter_table[p].name) == set->entries[i].name &&
                !takt_parameters_restore(parameters, takt_parameter_table[p].name, value)) {
                printk("takt: %s is not restored, its range has changed\n", takt_parameter_table[p].name);
            }
        }
    }
}

static size_t fill(const takt_parameters_t *parameters)
{
    set_t *const set = &store.buffer.set;
    memset(store.buffer.bytes, BLANK, sizeof store.buffer.bytes);
    set->layout = LAYOUT; /* field by field: a whole one would pass over the main thread's small stack */
    set->sequence = store.sequence + 1u;
    set->count = 0;
    for (unsigned p = 0; p < TAKT_PARAMETER_COUNT; p++) {
        if (takt_parameter_table[p].change != TAKT_CHANGE_NEVER) {
            const double value = takt_parameters_value(parameters, p);
            entry_t *const entry = &set->entries[set->count++];
            entry->name = mark_of(takt_parameter_table[p].name);
            memcpy(entry->value, &value, sizeof value);
        }
    }
    set->crc = crc_of(set);
    const size_t bytes = offsetof(set_t, entries) + set->count * sizeof(entry_t);
    return ROUND_UP(bytes, UNIT_BYTES);
}

/* One set into the next slot, read back. What failed once has used its slot up. */
static int write_set(const takt_parameters_t *parameters)
{
    const size_t bytes = fill(parameters);
    const uint32_t sequence = store.buffer.set.sequence;
    const unsigned slot = store.slot++;
    int status = flash_area_write(store.flash, place_of(store.area, slot), store.buffer.bytes, bytes);
    forget_cached(store.area, slot);
    if (status == 0 && (!read_slot(store.area, slot) || !is_valid(&store.buffer.set) ||
                        store.buffer.set.sequence != sequence)) {
        status = -EIO;
    }
    if (status == 0) {
        store.sequence = sequence;
    }
    return status;
}

/* Before the watchdogs run: the only erase. The area in use is left alone. */
static int start_area(unsigned area, const takt_parameters_t *parameters)
{
    int status = first_free(area) == 0 ? 0 : flash_area_erase(store.flash, place_of(area, 0), AREA_BYTES);
    if (status == 0) {
        store.area = area;
        store.slot = 0;
        status = write_set(parameters);
    }
    return status;
}

int takt_parameter_store_open(takt_parameters_t *parameters)
{
    unsigned area = 1;
    unsigned slot = 0;
    memset(&store, 0, sizeof store);
    int status = flash_area_open(DT_FIXED_PARTITION_ID(STORE), &store.flash);
    if (status != 0) {
        store.flash = NULL;
        return status;
    }
    find_newest(&area, &slot);
    if (store.sequence > 0 && read_slot(area, slot)) {
        restore(parameters, &store.buffer.set);
    }
    store.saved = takt_parameters_changes(parameters);
    store.seen = store.saved;
    store.area = area;
    store.slot = first_free(area);
    if (store.sequence == 0 || takt_parameter_store_room() < SLOTS / 2u) {
        status = start_area(1u - area, parameters);
    }
    return status;
}

unsigned takt_parameter_store_room(void)
{
    return SLOTS - store.slot;
}

static void save(const takt_parameters_t *parameters)
{
    const int status = store.slot < SLOTS ? write_set(parameters) : -ENOSPC;
    store.saved = store.seen; /* one try a change: a worn flash must not keep the link thread busy */
    if (status != 0 && !store.told) {
        store.told = true;
        printk("takt: parameters are kept until power-off only (%d). Fix: %s\n", status,
               status == -ENOSPC ? "start the board anew, then set them again" : "the flash is worn out");
    }
}

void takt_parameter_store_poll(const takt_parameters_t *parameters, bool armed, uint32_t now_ms)
{
    const uint32_t changes = takt_parameters_changes(parameters);
    if (changes != store.seen) {
        store.seen = changes;
        store.seen_ms = now_ms;
    }
    if (store.flash == NULL || armed || changes == store.saved || now_ms - store.seen_ms < SETTLING_MS) {
        return;
    }
    save(parameters);
}
