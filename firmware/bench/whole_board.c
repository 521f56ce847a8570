/* A board on which nothing happens: holds everything that a port uses in the image, and the structs' sizes.
 */
#include "start.h"
#include "takt/board.h"

#define SIZE_OF(name) char size_of_##name[sizeof(takt_##name##_t)] __attribute__((used))

SIZE_OF(board);
SIZE_OF(client);
SIZE_OF(ledger);
SIZE_OF(ledger_store);

static takt_board_t board;

void bench_main(void)
{
    static const takt_platform_t *volatile platform; /* a port's */
    static const takt_board_config_t config = {.client_key = 1, .domain = 255};
    takt_board_init(&board, platform, &config);
    for (;;) {
        takt_board_control_cycle(&board, takt_board_next_release(&board, 0));
        takt_board_link_poll(&board);
        bench_print(takt_board_status(&board)->safety.armed ? "armed" : "safe");
    }
}
