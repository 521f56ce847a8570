/* Supply voltage; see takt/supply.h. */
#include "takt/supply.h"

/* Samples in a row below `limit_mv`, at most `enough`: motors that start pull the supply down for a moment.
 */
static uint32_t count_below(uint32_t below, uint16_t supply_mv, uint16_t limit_mv, uint32_t enough)
{
    uint32_t count = 0u;
    if (supply_mv < limit_mv) {
        count = (below < enough) ? (below + 1u) : enough;
    }
    return count;
}

void takt_supply_update(takt_supply_t *supply, const takt_supply_config_t *config, uint16_t supply_mv)
{
    if (supply_mv == 0u) {
        *supply = (takt_supply_t){0};
        return;
    }
    supply->below_low = count_below(supply->below_low, supply_mv, config->low_mv, config->low_cycles);
    supply->below_brown_out =
        count_below(supply->below_brown_out, supply_mv, config->brown_out_mv, config->brown_out_cycles);
    supply->low = (config->low_mv > 0u) && (supply->below_low >= config->low_cycles);
    if ((config->brown_out_mv > 0u) && (supply->below_brown_out >= config->brown_out_cycles)) {
        supply->brown_out = true;
    } else if (supply_mv >= config->low_mv) {
        supply->brown_out = false; /* with its load gone a flat battery recovers: not enough to drive again */
    } else {
        /* between the two: as before */
    }
}
