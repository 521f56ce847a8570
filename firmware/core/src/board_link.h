/* Link side of the board, shared between board.c, board_link.c and telemetry.c only. */
#ifndef TAKT_BOARD_LINK_H
#define TAKT_BOARD_LINK_H

#include "takt/board.h"

void takt_board_link_init(takt_board_t *board, const takt_board_config_t *config);

/* Publishes what is due: joint_states, applied, diagnostics, ledger records. */
void takt_telemetry_publish(takt_board_t *board, uint64_t now_ns);

#endif
