/* What the bench programs need of the emulated machine, and how they mark what is to be counted. */
#ifndef TAKT_BENCH_START_H
#define TAKT_BENCH_START_H

#include <stdint.h>

void bench_main(void); /* of the program */
void bench_reset(void);
void bench_print(const char *text);
void bench_print_number(uint32_t number);

/* The counter (count.c) takes the instructions from the first of bench_begin to the first of bench_end as one
 * sample; what an empty pair gives is taken off. */
void bench_begin(void);
void bench_end(void);

/* One line a group of samples: its name and how many samples it took. */
void bench_group(const char *name, uint32_t samples);

#endif
