/* A byte line over a UART; see uart_line.h. */
#include "uart_line.h"

#include <errno.h>

#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

/* Straight into the ring's memory; with the ring full the bytes are taken off the UART and counted. */
static void receive(takt_uart_line_t *line)
{
    uint8_t *place = NULL;
    uint8_t dropped[16];
    const uint32_t room = ring_buf_put_claim(line->rx, &place, 64);
    const int count =
        uart_fifo_read(line->uart, room > 0 ? place : dropped, room > 0 ? (int)room : sizeof dropped);
    const uint32_t taken = room > 0 && count > 0 ? (uint32_t)count : 0u;
    line->lost += room == 0 && count > 0 ? (uint32_t)count : 0u;
    (void)ring_buf_put_finish(line->rx, taken);
}

static void transmit(takt_uart_line_t *line)
{
    uint8_t *bytes = NULL;
    const uint32_t waiting = ring_buf_get_claim(line->tx, &bytes, 64);
    if (waiting == 0) {
        uart_irq_tx_disable(line->uart);
        return;
    }
    const int sent = uart_fifo_fill(line->uart, bytes, (int)waiting);
    (void)ring_buf_get_finish(line->tx, sent > 0 ? (uint32_t)sent : 0u);
}

static void on_interrupt(const struct device *uart, void *context)
{
    takt_uart_line_t *line = context;
    if (uart_err_check(uart) >
        0) { /* also clears an overrun, which would otherwise raise interrupts for ever */
        line->errors++;
    }
    while (uart_irq_update(uart) && uart_irq_is_pending(uart)) {
        if (uart_irq_rx_ready(uart) > 0) {
            receive(line);
        }
        if (uart_irq_tx_ready(uart) > 0) {
            transmit(line);
        }
    }
}

int takt_uart_line_open(takt_uart_line_t *line)
{
    if (!device_is_ready(line->uart)) {
        return -ENODEV;
    }
    const int status = uart_irq_callback_user_data_set(line->uart, on_interrupt, line);
    if (status < 0) {
        return status;
    }
    uart_irq_rx_enable(line->uart);
    return 0;
}

size_t takt_uart_line_read(takt_uart_line_t *line, uint8_t *bytes, size_t capacity)
{
    return ring_buf_get(line->rx, bytes, (uint32_t)capacity);
}

size_t takt_uart_line_write(takt_uart_line_t *line, const uint8_t *bytes, size_t count)
{
    const uint32_t taken = ring_buf_put(line->tx, bytes, (uint32_t)count);
    if (taken > 0) {
        uart_irq_tx_enable(line->uart);
    }
    return taken;
}

bool takt_uart_line_write_whole(takt_uart_line_t *line, const uint8_t *frame, size_t size)
{
    return ring_buf_space_get(line->tx) >= size && takt_uart_line_write(line, frame, size) == size;
}
