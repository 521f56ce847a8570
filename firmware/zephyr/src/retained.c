/* Retained memory in a region that the devicetree reserves; see retained.h.
 *
 * The linker does not know the region, so no start-up code clears it. It is not cached on any of our boards:
 * a reset at any instant, also by the hardware watchdog, finds what was written. */
#include "retained.h"

#include <zephyr/devicetree.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/reboot.h>

#define REGION DT_CHOSEN(takt_retained)
#define BITTEN 0x54414B57u

typedef struct {
    takt_ledger_store_t ledger;
    volatile uint32_t mark; /* BITTEN: the task watchdog reset the board */
} retained_t;

BUILD_ASSERT(sizeof(retained_t) <= DT_REG_SIZE(REGION), "the retained region is too small for the ledger");
#if DT_NODE_EXISTS(DT_CHOSEN(zephyr_dtcm)) && defined(CONFIG_CPU_HAS_DCACHE)
BUILD_ASSERT(DT_REG_ADDR(REGION) >= DT_REG_ADDR(DT_CHOSEN(zephyr_dtcm)) &&
                 DT_REG_ADDR(REGION) < DT_REG_ADDR(DT_CHOSEN(zephyr_dtcm)) + 128 * 1024,
             "retained memory must lie where the data cache never is");
#endif
BUILD_ASSERT(DT_REG_ADDR(REGION) % 8 == 0, "the store holds 64-bit numbers");

static retained_t *region(void)
{
    return (retained_t *)DT_REG_ADDR(REGION);
}

static bool hardware_says_watchdog(void)
{
    uint32_t cause = 0;
    if (!IS_ENABLED(CONFIG_HWINFO) || hwinfo_get_reset_cause(&cause) != 0) {
        return false;
    }
    (void)hwinfo_clear_reset_cause();
    return (cause & RESET_WATCHDOG) != 0;
}

bool takt_retained_was_watchdog(void)
{
    const bool marked = region()->mark == BITTEN;
    region()->mark = 0;
    return hardware_says_watchdog() || marked;
}

takt_ledger_store_t *takt_retained_store(void)
{
    return &region()->ledger;
}

/* After a loss of power the cells hold noise, no two times the same, until the ledger takes the region. An
 * emulator's hold nothing: 0. */
uint32_t takt_retained_nonce(void)
{
    const uint32_t *const words = (const uint32_t *)DT_REG_ADDR(REGION);
    uint32_t hash = 2166136261u;
    bool noise = false;
    for (size_t word = 0; word < DT_REG_SIZE(REGION) / sizeof *words; word++) {
        hash = (hash ^ words[word]) * 16777619u;
        hash ^= hash >> 15; /* a product alone never lets a high bit reach the low ones */
        noise = noise || words[word] != words[0];
    }
    return noise ? hash : 0u;
}

void takt_retained_watchdog_reset(void)
{
    region()->mark = BITTEN;
    sys_reboot(SYS_REBOOT_COLD);
}
