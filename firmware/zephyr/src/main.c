/* The Takt firmware on Zephyr: the port of takt_platform_t, and the start in the order that safety asks for:
 * motors off, memory, line, watchdog, and only then the threads. */
#include <zephyr/devicetree.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "board_clock.h"
#include "edge.h"
#include "parameter_store.h"
#include "retained.h"
#include "status_led.h"
#include "takt_contract.h"
#include "threads.h"
#include "watchdog.h"

#define LINK_UART DT_CHOSEN(takt_link_uart)

BUILD_ASSERT(DT_PROP(LINK_UART, current_speed) == TAKT_LINK_BAUD,
             "the link's UART runs at the contract's baud rate");

RING_BUF_DECLARE(link_rx, CONFIG_TAKT_LINK_RX_BYTES);
RING_BUF_DECLARE(link_tx, CONFIG_TAKT_LINK_TX_BYTES);

static takt_machine_t
    machine; /* filled at the start: as an initialised variable it would take its size in flash too */

static uint64_t now_ns(void *context)
{
    ARG_UNUSED(context);
    return takt_board_clock_now_ns();
}

#if defined(CONFIG_TAKT_TEST_BUSY_MS) && CONFIG_TAKT_TEST_BUSY_MS > 0
#define TEST_BUSY_CYCLE 300u

static void stretch_one_cycle(void)
{
    if (machine.board.deadlines.cycle == TEST_BUSY_CYCLE && !machine.platform.watchdog_reset) {
        k_busy_wait(CONFIG_TAKT_TEST_BUSY_MS * 1000);
    }
}
#else
static inline void stretch_one_cycle(void) {}
#endif

static void read_encoder(void *context, takt_encoder_sample_t *sample)
{
    ARG_UNUSED(context);
    stretch_one_cycle();
    takt_edge_read(takt_board_clock_now_ns(), sample);
}

static void drive(void *context, const takt_drive_t *order)
{
    ARG_UNUSED(context);
    takt_edge_drive(order);
}

static void feed_watchdog(void *context)
{
    ARG_UNUSED(context);
    takt_watchdog_feed();
}

static size_t link_read(void *context, uint8_t *bytes, size_t capacity)
{
    return takt_uart_line_read(&((takt_machine_t *)context)->link, bytes, capacity);
}

static size_t link_write(void *context, const uint8_t *bytes, size_t count)
{
    return takt_uart_line_write(&((takt_machine_t *)context)->link, bytes, count);
}

static void fill_platform(void)
{
    machine.platform = (takt_platform_t){
        .context = &machine,
        .now_ns = now_ns, /* no cpu_ns: no thread preempts a cycle, so the time that passes is its own */
        .read_encoder = read_encoder,
        .drive = drive,
        .feed_watchdog = feed_watchdog,
        .link_read = link_read,
        .link_write = link_write,
        .retained = takt_retained_store(),
        .nonce = takt_retained_nonce(),
        .watchdog_reset = takt_retained_was_watchdog(),
        .miss_limit = TAKT_SAFETY_MISS_LIMIT_BOARD,
    };
}

static int start(void)
{
    static const takt_board_config_t config = {.client_key = CONFIG_TAKT_CLIENT_KEY,
                                               .domain = CONFIG_TAKT_ROS_DOMAIN};
    machine.link = (takt_uart_line_t){.uart = DEVICE_DT_GET(LINK_UART), .rx = &link_rx, .tx = &link_tx};
    int status = takt_edge_open();
    status = status != 0 ? status : takt_status_led_open();
    status = status != 0 ? status : takt_uart_line_open(&machine.link);
    if (status != 0) {
        return status;
    }
    fill_platform();
    takt_board_init(&machine.board, &machine.platform, &config);
    status = takt_parameter_store_open(&machine.board.parameters);
    if (status != 0) {
        printk("takt: parameters are not kept (%d). Fix: compare the board's overlay with its flash\n",
               status);
    }
    return takt_watchdog_start();
}

int main(void)
{
    const int status = start();
    if (status != 0) { /* nothing was armed and nothing will be: motors stay off */
        printk("takt: a device failed (%d). Fix: compare the board's overlay with its wiring\n", status);
        return status;
    }
    printk("takt: boot %u%s, contract %s\n", takt_ledger_boots(&machine.board.ledger),
           machine.platform.watchdog_reset ? " after the watchdog" : "", TAKT_CONTRACT_HASH);
    takt_threads_start(&machine);
    return 0;
}
