/* Fixed histogram; see takt/histogram.h. */
#include "takt/histogram.h"

#define UNIT_SHIFT 8u /* 256 ns: a shift instead of a division on the control path */
#define UNIT_US    0.256f
#define LINEAR     16u

static uint32_t load(const _Atomic uint32_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void store(_Atomic uint32_t *value, uint32_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

static uint32_t units_of(uint64_t duration_ns)
{
    const uint64_t units = duration_ns >> UNIT_SHIFT;
    return units > UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

/* 0 to 15 have a bin each; beyond, the four bits below the leading one choose among 16 bins of its octave. */
static uint32_t bin_of(uint32_t units)
{
    if (units < LINEAR) {
        return units;
    }
    uint32_t shift = 0;
    for (uint32_t rest = units; rest >= 2u * LINEAR; rest >>= 1) {
        shift++;
    }
    const uint32_t bin = LINEAR + shift * LINEAR + ((units >> shift) - LINEAR);
    return bin < TAKT_HISTOGRAM_BINS ? bin : TAKT_HISTOGRAM_BINS - 1u;
}

static float bin_start_us(uint32_t bin)
{
    if (bin < LINEAR) {
        return (float)bin * UNIT_US;
    }
    const uint32_t shift = (bin - LINEAR) / LINEAR;
    const uint32_t step = (bin - LINEAR) % LINEAR;
    return (float)((uint64_t)(LINEAR + step) << shift) * UNIT_US;
}

void takt_histogram_reset(takt_histogram_t *histogram)
{
    for (uint32_t bin = 0; bin < TAKT_HISTOGRAM_BINS; bin++) {
        store(&histogram->bins[bin], 0);
    }
    store(&histogram->count, 0);
    store(&histogram->max_units, 0);
}

void takt_histogram_add(takt_histogram_t *histogram, uint64_t duration_ns)
{
    const uint32_t units = units_of(duration_ns);
    _Atomic uint32_t *bin = &histogram->bins[bin_of(units)];
    store(bin, load(bin) + 1u); /* one writer: no read-modify-write needed */
    store(&histogram->count, load(&histogram->count) + 1u);
    if (units > load(&histogram->max_units)) {
        store(&histogram->max_units, units);
    }
}

float takt_histogram_quantile_us(const takt_histogram_t *histogram, float quantile)
{
    const float max_us = takt_histogram_max_us(histogram);
    const float rank = quantile * (float)load(&histogram->count);
    float below = 0.0f;
    for (uint32_t bin = 0; bin < TAKT_HISTOGRAM_BINS; bin++) {
        const float inside = (float)load(&histogram->bins[bin]);
        if (inside > 0.0f && below + inside >= rank) {
            const float start = bin_start_us(bin);
            const float at = start + (bin_start_us(bin + 1u) - start) * (rank - below) / inside;
            return at < max_us ? at : max_us;
        }
        below += inside;
    }
    return max_us;
}

float takt_histogram_max_us(const takt_histogram_t *histogram)
{
    return (float)load(&histogram->max_units) * UNIT_US;
}

uint32_t takt_histogram_count(const takt_histogram_t *histogram)
{
    return load(&histogram->count);
}
