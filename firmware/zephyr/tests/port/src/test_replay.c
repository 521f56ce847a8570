/* Recorded cycles through this build's control tick: every bit as recorded (firmware/replay/README.md). */
#include <zephyr/ztest.h>

#include "replay.h"

static const uint8_t recorded_in[] __aligned(8) = {
#include "control_in.bin.inc"
};
static const uint8_t recorded_out[] __aligned(8) = {
#include "control_out.bin.inc"
};

#define CYCLES (sizeof recorded_in / sizeof(takt_replay_in_t))

BUILD_ASSERT(sizeof recorded_in % sizeof(takt_replay_in_t) == 0, "whole records");
BUILD_ASSERT(sizeof recorded_out == CYCLES * sizeof(takt_replay_out_t), "a result for each cycle");

static takt_replay_t replay;
static takt_replay_out_t got[CYCLES];

ZTEST_SUITE(replay, NULL, NULL, NULL, NULL, NULL);

ZTEST(replay, test_every_recorded_cycle_gives_the_recorded_bits)
{
    const takt_replay_in_t *const in = (const takt_replay_in_t *)recorded_in;
    const takt_replay_out_t *const out = (const takt_replay_out_t *)recorded_out;
    takt_replay_init(&replay);
    takt_replay_run(&replay, in, CYCLES, got);
    const size_t place = takt_replay_compare(got, out, CYCLES);
    zassert_equal(place, CYCLES, "cycle %zu of %zu differs", place, CYCLES);
    got[CYCLES / 2u].duty[0] += 1e-7f;
    zassert_equal(takt_replay_compare(got, out, CYCLES), CYCLES / 2u, "the comparison sees nothing");
}
