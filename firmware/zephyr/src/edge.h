/* The hardware edge: what turns the wheels and counts their turns. One of edge_motors.c (PWM and quadrature
 * decoders) and edge_plant.c (a simulated plant on a UART) is built in. Control thread, after takt_edge_open.
 */
#ifndef TAKT_ZEPHYR_EDGE_H
#define TAKT_ZEPHYR_EDGE_H

#include "takt/platform.h"

/* Motors off, windings shorted; encoders running. 0 or a negative errno of the device that failed. */
int takt_edge_open(void);

/* The newest sample at board time `now_ns`. */
void takt_edge_read(uint64_t now_ns, takt_encoder_sample_t *sample);

void takt_edge_drive(const takt_drive_t *drive);

#endif
