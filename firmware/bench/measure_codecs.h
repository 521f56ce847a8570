/* Written for every build from takt_messages.h by takt.firmware_gates.codec_bench: one sample a writer and a
 * reader. */
#ifndef TAKT_BENCH_MEASURE_CODECS_H
#define TAKT_BENCH_MEASURE_CODECS_H

void measure_codecs(void);

#endif
