/* What native_sim asks of the host. Implemented in the simulator's runner (host.c), which knows the host's C
 * library; called from the embedded side, which does not. Only plain types cross. */
#ifndef TAKT_ZEPHYR_HOST_H
#define TAKT_ZEPHYR_HOST_H

#include <stdbool.h>
#include <stdint.h>

#define TAKT_HOST_LINK  0u
#define TAKT_HOST_PLANT 1u

/* Opens the line that the command line names; ends the process with cause and fix if that is not possible. */
void takt_host_open(unsigned line);

/* Never block. */
unsigned takt_host_read(unsigned line, uint8_t *bytes, unsigned capacity);
unsigned takt_host_write(unsigned line, const uint8_t *bytes, unsigned count);

/* Reopens lost devices. */
void takt_host_service(void);

/* `size` bytes that outlive a reset, in the file that the command line names. */
void *takt_host_retained(unsigned size);

/* 0: the host has none to give. */
uint32_t takt_host_random(void);

/* A reset is this program executed anew, with the same arguments. Does not return. */
void takt_host_reset_by_watchdog(void);
bool takt_host_was_reset_by_watchdog(void);

#endif
