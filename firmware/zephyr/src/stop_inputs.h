/* E-stop button and the motor drivers' fault outputs. Control thread, after takt_stop_inputs_open. */
#ifndef TAKT_ZEPHYR_STOP_INPUTS_H
#define TAKT_ZEPHYR_STOP_INPUTS_H

#include <stdbool.h>

/* 0 or a negative errno. A board without a takt,stop-inputs node has none: nothing ever stops it here. */
int takt_stop_inputs_open(void);

/* An input that cannot be read counts as active. */
bool takt_stop_inputs_e_stop(void);
bool takt_stop_inputs_motor_fault(void);

/* The motor outputs did not take the newest duty. */
void takt_stop_inputs_note_refusal(bool refused);

#endif
