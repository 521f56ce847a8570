/* Wheel encoders: position and speed from counts, by the samples' own time stamps.
 *
 * Samples arrive unevenly (a stream, an interrupt), so a difference over the control period would be wrong by
 * the jitter; each sample says when its counts were taken. */
#ifndef TAKT_ENCODER_H
#define TAKT_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "takt/kinematics.h" /* TAKT_WHEELS */

#define TAKT_ENCODER_HISTORY 4u /* samples to choose the base of the difference from */

typedef struct {
    bool present;                /* false: no sample yet, all else is meaningless */
    uint32_t sequence;           /* changes with every sample */
    uint64_t sample_ns;          /* when the counts were taken, in the encoder's own clock */
    uint64_t received_ns;        /* board time at which the sample was there */
    int32_t counts[TAKT_WHEELS]; /* wrap around */
    uint16_t supply_mv;
    bool e_stop;
    bool motor_fault;
} takt_encoder_sample_t;

typedef struct {
    float rad_per_count;
    uint64_t window_ns;      /* shortest time to take a difference over: below it the counts are too coarse */
    uint64_t gap_ns;         /* a longer gap, or time running backwards, starts the estimate anew */
    float implausible_rad_s; /* no wheel of this robot turns that fast */
    unsigned implausible_limit; /* that many samples in a row are a fault */
    unsigned silent_cycles;     /* that many cycles without a sample mean the encoder is silent */
} takt_encoder_config_t;

typedef struct {
    takt_encoder_sample_t history[TAKT_ENCODER_HISTORY]; /* newest first */
    unsigned held;
    int64_t position_counts[TAKT_WHEELS]; /* since start-up; does not jump when the counter is restarted */
    float speed_rad_s[TAKT_WHEELS];
    unsigned cycles_without_sample; /* saturating */
    unsigned implausible_in_row;
    bool wild[TAKT_WHEELS]; /* wheels of the newest sample that could not be true */
    bool fresh;             /* a sample in this cycle, and the estimate is of it */
    bool silent;            /* see silent_cycles; true until the first sample */
    bool fault;             /* present samples that cannot be true; ends with the first that can */
} takt_encoder_t;

void takt_encoder_init(takt_encoder_t *encoder);

/* Once per control cycle with the newest sample. Counting silence in cycles that ran, not in time, keeps a
 * stall of the whole machine from looking like a broken encoder. */
void takt_encoder_update(takt_encoder_t *encoder, const takt_encoder_config_t *config,
                         const takt_encoder_sample_t *sample);

#endif
