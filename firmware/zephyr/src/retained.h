/* Memory that outlives a reset, and the reset itself: takt_retained_store, takt_retained_watchdog_reset. */
#ifndef TAKT_ZEPHYR_RETAINED_H
#define TAKT_ZEPHYR_RETAINED_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/ledger.h"

/* What this start was. Once, before the watchdog runs. */
bool takt_retained_was_watchdog(void);

/* The ledger's store; after power-up its content is anything, which the store's CRCs find out. */
takt_ledger_store_t *takt_retained_store(void);

/* takt_platform_t.nonce. Before the store is opened, which overwrites what it is made of. */
uint32_t takt_retained_nonce(void);

/* The task watchdog bit: says so to the next start, and starts anew. Any context; does not return. */
void takt_retained_watchdog_reset(void);

#endif
