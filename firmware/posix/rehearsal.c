/* Rehearsals; see rehearsal.h. */
#include "rehearsal.h"

#include "realtime.h"

#define NS_PER_MS 1000000u

void takt_rehearse_stretch(const takt_rehearsal_t *stretch, uint32_t cycle)
{
    if (stretch->length_ms == 0u || cycle != stretch->start) {
        return;
    }
    const uint64_t begin_ns = takt_thread_cpu_ns(); /* its own processor time, whatever others take */
    while (takt_thread_cpu_ns() - begin_ns < (uint64_t)stretch->length_ms * NS_PER_MS) {
    }
}

void takt_rehearse_block(takt_rehearsal_t *block, uint64_t board_ns)
{
    if (block->length_ms == 0u || board_ns < (uint64_t)block->start * NS_PER_MS) {
        return;
    }
    const uint64_t end_ns = takt_monotonic_ns() + (uint64_t)block->length_ms * NS_PER_MS;
    block->length_ms = 0u;
    takt_sleep_until(end_ns);
}
