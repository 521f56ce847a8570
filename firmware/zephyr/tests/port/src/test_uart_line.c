/* The interrupt rings: every byte once and in order, losses counted, frames whole or not at all. */
#include <string.h>

#include <zephyr/ztest.h>

#include "fake_uart.h"
#include "uart_line.h"

#define RING_BYTES 256

RING_BUF_DECLARE(rx, RING_BYTES);
RING_BUF_DECLARE(tx, RING_BYTES);
static takt_uart_line_t line;
static uint8_t pattern[4096];

static void before(void *fixture)
{
    ARG_UNUSED(fixture);
    fake_uart_reset();
    ring_buf_reset(&rx);
    ring_buf_reset(&tx);
    line = (takt_uart_line_t){.uart = fake_uart_device(), .rx = &rx, .tx = &tx};
    for (size_t i = 0; i < sizeof pattern; i++) {
        pattern[i] = (uint8_t)(i * 7u + i / 256u);
    }
    zassert_ok(takt_uart_line_open(&line));
}

ZTEST_SUITE(uart_line, NULL, NULL, before, NULL, NULL);

ZTEST(uart_line, test_received_bytes_come_in_order_across_the_rings_end)
{
    uint8_t got[sizeof pattern];
    size_t size = 0;
    for (size_t sent = 0; sent < 2000; sent += 100) { /* 100 does not divide the ring: it wraps everywhere */
        fake_uart_receive(&pattern[sent], 100);
        size += takt_uart_line_read(&line, &got[size], 33);
        size += takt_uart_line_read(&line, &got[size], 200);
    }
    zassert_equal(size, 2000);
    zassert_mem_equal(got, pattern, size);
    zassert_equal(line.lost, 0);
}

ZTEST(uart_line, test_what_finds_the_ring_full_is_counted_and_the_interrupt_ends)
{
    uint8_t got[512];
    fake_uart_receive(pattern, 300);
    const size_t size = takt_uart_line_read(&line, got, sizeof got);
    zassert_equal(size + line.lost, 300);
    zassert_equal(size, RING_BYTES);
    zassert_mem_equal(got, pattern, size);
}

ZTEST(uart_line, test_sent_bytes_leave_in_order_and_the_transmit_interrupt_goes_off)
{
    zassert_equal(takt_uart_line_write(&line, pattern, 200), 200);
    zassert_true(fake_uart()->tx_enabled);
    fake_uart()->tx_room = 50;
    fake_uart_interrupt();
    zassert_equal(fake_uart()->from_board_size, 50);
    zassert_equal(takt_uart_line_write(&line, &pattern[200], 90), 90);
    fake_uart()->tx_room = 1000;
    fake_uart_interrupt();
    zassert_equal(fake_uart()->from_board_size, 290);
    zassert_mem_equal(fake_uart()->from_board, pattern, 290);
    zassert_false(fake_uart()->tx_enabled, "an enabled interrupt with nothing to send never ends");
}

ZTEST(uart_line, test_a_frame_is_taken_whole_or_not_at_all)
{
    zassert_true(takt_uart_line_write_whole(&line, pattern, 200));
    zassert_false(takt_uart_line_write_whole(&line, pattern, 57));
    zassert_true(takt_uart_line_write_whole(&line, &pattern[200], 56));
    fake_uart()->tx_room = 1000;
    fake_uart_interrupt();
    zassert_equal(fake_uart()->from_board_size, 256);
    zassert_mem_equal(fake_uart()->from_board, pattern, 256);
}

ZTEST(uart_line, test_a_write_takes_what_there_is_room_for)
{
    zassert_equal(takt_uart_line_write(&line, pattern, 300), RING_BYTES);
    zassert_equal(takt_uart_line_write(&line, pattern, 1), 0);
}

ZTEST(uart_line, test_line_errors_are_cleared_and_counted)
{
    fake_uart()->error = true;
    fake_uart_interrupt();
    fake_uart_interrupt();
    zassert_equal(line.errors, 1);
}
