/* Fixed histogram of durations: no allocation, constant time to add, about 6 % wide bins, percentiles
 * interpolated.
 *
 * One thread adds; another may read at the same time: each bin is read whole, the sum over bins may be a few
 * samples behind. */
#ifndef TAKT_HISTOGRAM_H
#define TAKT_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define TAKT_HISTOGRAM_BINS 336u /* 16 bins of 256 ns, then 16 for each doubling, up to 4.3 s */

typedef struct {
    _Atomic uint32_t bins[TAKT_HISTOGRAM_BINS];
    _Atomic uint32_t count;
    _Atomic uint32_t max_units; /* of 256 ns, saturating */
} takt_histogram_t;

void takt_histogram_reset(takt_histogram_t *histogram);
void takt_histogram_add(takt_histogram_t *histogram, uint64_t duration_ns);

/* Duration in us below which the share `quantile` (0 to 1) of the samples lies; 0 without samples, never
 * above the largest sample. */
float takt_histogram_quantile_us(const takt_histogram_t *histogram, float quantile);
float takt_histogram_max_us(const takt_histogram_t *histogram);
uint32_t takt_histogram_count(const takt_histogram_t *histogram);

#endif
