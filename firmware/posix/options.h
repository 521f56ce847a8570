/* Command line of takt_firmware. */
#ifndef TAKT_POSIX_OPTIONS_H
#define TAKT_POSIX_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "rehearsal.h"

typedef struct {
    const char *link;       /* pty:PATH or device */
    const char *plant;      /* pty:PATH or device */
    const char *retained;   /* file, or NULL */
    const char *parameters; /* file, or NULL */
    const char *orders;     /* socket, or NULL */
    uint32_t key;           /* of the XRCE client, not 0 */
    uint16_t domain;        /* ROS domain; 255 leaves it to the agent */
    int fifo;               /* priority of the control thread; 0: normal class */
    int64_t drift_ppb;      /* of the board clock */
    bool clock_by_plant;    /* board time is the plant's */
    uint32_t watchdog_ms;   /* 0: none */
    takt_rehearsal_t stretch;
    takt_rehearsal_t block_link;
} takt_options_t;

typedef enum { TAKT_OPTIONS_OK, TAKT_OPTIONS_HELP, TAKT_OPTIONS_BAD } takt_options_result_t;

/* BAD: cause and fix are on stderr. HELP: the usage is on stdout. */
takt_options_result_t takt_options_parse(int argc, char **argv, takt_options_t *options);

#endif
