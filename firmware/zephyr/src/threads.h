/* The two threads of the application: control (cooperative, released by a timer) and link (preemptible). */
#ifndef TAKT_ZEPHYR_THREADS_H
#define TAKT_ZEPHYR_THREADS_H

#include "takt/board.h"
#include "uart_line.h"

typedef struct {
    takt_board_t board;
    takt_platform_t platform;
    takt_uart_line_t link;
} takt_machine_t;

/* Starts both and returns. */
void takt_threads_start(takt_machine_t *machine);

#endif
