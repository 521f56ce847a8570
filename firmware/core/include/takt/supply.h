/* Supply voltage: low and brown-out, from the samples of the hardware edge. */
#ifndef TAKT_SUPPLY_H
#define TAKT_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint16_t low_mv;       /* 0: not watched */
    uint16_t brown_out_mv; /* 0: not watched */
    uint32_t low_cycles;   /* so many samples in a row, or the other way round to recover */
    uint32_t brown_out_cycles;
} takt_supply_config_t;

typedef struct {
    uint32_t below_low;       /* samples in a row, saturating */
    uint32_t below_brown_out; /* likewise */
    bool low;                 /* a warning */
    bool brown_out;           /* too little to drive with; ends once the supply is above `low_mv` again */
} takt_supply_t;

/* Once for each new sample. A reading of 0 says that this board does not measure its supply: all is well. */
void takt_supply_update(takt_supply_t *supply, const takt_supply_config_t *config, uint16_t supply_mv);

#endif
