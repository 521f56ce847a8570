/* Retained memory and reset on native_sim: a file and a new start of the program; see ../retained.h. */
#include "../retained.h"

#include "host.h"

bool takt_retained_was_watchdog(void)
{
    return takt_host_was_reset_by_watchdog();
}

takt_ledger_store_t *takt_retained_store(void)
{
    return takt_host_retained(sizeof(takt_ledger_store_t));
}

uint32_t takt_retained_nonce(void)
{
    return takt_host_random();
}

void takt_retained_watchdog_reset(void)
{
    takt_host_reset_by_watchdog();
}
