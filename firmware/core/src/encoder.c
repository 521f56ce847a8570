/* Wheel encoders; see takt/encoder.h. */
#include "takt/encoder.h"

#include <math.h>   /* fabsf */
#include <string.h> /* memmove */

#define NS_PER_S 1e9f

void takt_encoder_init(takt_encoder_t *encoder)
{
    *encoder = (takt_encoder_t){.silent = true};
}

/* Difference of wrapping counters. */
static int32_t counts_between(int32_t from, int32_t to)
{
    return (int32_t)((uint32_t)to - (uint32_t)from);
}

static bool is_news(const takt_encoder_t *encoder, const takt_encoder_sample_t *sample)
{
    if (!sample->present) {
        return false;
    }
    return encoder->held == 0 || sample->sequence != encoder->history[0].sequence ||
           sample->sample_ns != encoder->history[0].sample_ns;
}

static void note_silence(takt_encoder_t *encoder, const takt_encoder_config_t *config)
{
    if (encoder->cycles_without_sample < config->silent_cycles) {
        encoder->cycles_without_sample++;
    }
    if (encoder->cycles_without_sample >= config->silent_cycles) {
        encoder->silent = true;
        encoder->speed_rad_s[TAKT_LEFT] = 0.0f;
        encoder->speed_rad_s[TAKT_RIGHT] = 0.0f;
    }
}

static bool starts_anew(const takt_encoder_t *encoder, const takt_encoder_config_t *config,
                        const takt_encoder_sample_t *sample)
{
    return encoder->held == 0 || sample->sample_ns <= encoder->history[0].sample_ns ||
           sample->sample_ns - encoder->history[0].sample_ns > config->gap_ns;
}

/* Speed against the newest sample that is at least a window old; against the oldest held if none is. */
static bool estimate_speed(takt_encoder_t *encoder, const takt_encoder_config_t *config,
                           const takt_encoder_sample_t *sample, float speed_rad_s[TAKT_WHEELS])
{
    unsigned base = 0;
    while (base + 1 < encoder->held &&
           sample->sample_ns - encoder->history[base].sample_ns < config->window_ns) {
        base++;
    }
    const float dt_s = (float)(sample->sample_ns - encoder->history[base].sample_ns) / NS_PER_S;
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        const int32_t counts = counts_between(encoder->history[base].counts[wheel], sample->counts[wheel]);
        speed_rad_s[wheel] = (float)counts * config->rad_per_count / dt_s;
        encoder->wild[wheel] = fabsf(speed_rad_s[wheel]) > config->implausible_rad_s;
    }
    return !encoder->wild[TAKT_LEFT] && !encoder->wild[TAKT_RIGHT];
}

static void accept(takt_encoder_t *encoder, const takt_encoder_sample_t *sample,
                   const float speed_rad_s[TAKT_WHEELS])
{
    for (unsigned wheel = 0; wheel < TAKT_WHEELS; wheel++) {
        encoder->position_counts[wheel] +=
            counts_between(encoder->history[0].counts[wheel], sample->counts[wheel]);
        encoder->speed_rad_s[wheel] = speed_rad_s[wheel];
    }
    encoder->implausible_in_row = 0;
    encoder->fault = false;
    encoder->fresh = true;
}

static void remember(takt_encoder_t *encoder, const takt_encoder_sample_t *sample)
{
    memmove(&encoder->history[1], &encoder->history[0], sizeof encoder->history - sizeof encoder->history[0]);
    encoder->history[0] = *sample;
    if (encoder->held < TAKT_ENCODER_HISTORY) {
        encoder->held++;
    }
}

void takt_encoder_update(takt_encoder_t *encoder, const takt_encoder_config_t *config,
                         const takt_encoder_sample_t *sample)
{
    encoder->fresh = false;
    if (!is_news(encoder, sample)) {
        note_silence(encoder, config);
        return;
    }
    encoder->cycles_without_sample = 0;
    encoder->silent = false;
    if (starts_anew(encoder, config, sample)) {
        encoder->held = 0;
        encoder->speed_rad_s[TAKT_LEFT] = 0.0f;
        encoder->speed_rad_s[TAKT_RIGHT] = 0.0f;
        remember(encoder, sample);
        return;
    }
    float speed_rad_s[TAKT_WHEELS];
    if (estimate_speed(encoder, config, sample, speed_rad_s)) {
        accept(encoder, sample, speed_rad_s);
        remember(encoder, sample);
        return;
    }
    /* A wild sample is dropped and the next one judged against the last good one. A row of them is a fault,
     * and the estimate starts anew from there, so that the fault can end once the counts make sense again. */
    encoder->implausible_in_row++;
    if (encoder->implausible_in_row >= config->implausible_limit) {
        encoder->fault = true;
        encoder->held = 0;
        encoder->implausible_in_row = 0;
        remember(encoder, sample);
    }
}
