/* See marks.c. */
#ifndef TAKT_BENCH_MARKS_H
#define TAKT_BENCH_MARKS_H

#include "start.h"

void bench_known_loop(void); /* 2001 instructions, and the call and return around them */
void bench_calibrate(void);

#endif
