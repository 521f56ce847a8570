/* A byte line over a UART with a ring for each direction, served by interrupts: takt_uart_line_t.
 *
 * One thread reads and one writes (they may differ); the interrupt handler is the other end of both rings.
 * With one producer and one consumer Zephyr's ring_buf needs no lock, so neither thread ever waits. */
#ifndef TAKT_ZEPHYR_UART_LINE_H
#define TAKT_ZEPHYR_UART_LINE_H

#include <stddef.h>
#include <stdint.h>

#include <zephyr/device.h>
#include <zephyr/sys/ring_buffer.h>

typedef struct {
    const struct device *uart;
    struct ring_buf *rx;
    struct ring_buf *tx;
    uint32_t lost;   /* received bytes that found the ring full (interrupt) */
    uint32_t errors; /* overrun, framing and noise as the UART reports them (interrupt) */
} takt_uart_line_t;

/* Starts receiving. 0, or -ENODEV (no such device, or its driver failed), or what the driver answers. */
int takt_uart_line_open(takt_uart_line_t *line);

size_t takt_uart_line_read(takt_uart_line_t *line, uint8_t *bytes, size_t capacity);

/* Bytes taken. */
size_t takt_uart_line_write(takt_uart_line_t *line, const uint8_t *bytes, size_t count);

/* All of the frame or nothing. False: no room. */
bool takt_uart_line_write_whole(takt_uart_line_t *line, const uint8_t *frame, size_t size);

#endif
