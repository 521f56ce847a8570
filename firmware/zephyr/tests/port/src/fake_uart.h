/* A UART that is a counter: takes and gives what the test says, and raises its interrupt when told. */
#ifndef TAKT_TEST_FAKE_UART_H
#define TAKT_TEST_FAKE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zephyr/device.h>

typedef struct {
    uint8_t to_board[4096];
    size_t to_board_size;
    size_t to_board_taken;
    uint8_t from_board[4096];
    size_t from_board_size;
    size_t tx_room; /* bytes that it still takes */
    bool rx_enabled;
    bool tx_enabled;
    bool error; /* reported once */
} fake_uart_t;

const struct device *fake_uart_device(void);
fake_uart_t *fake_uart(void);
void fake_uart_reset(void);

/* Received bytes, then the interrupt. */
void fake_uart_receive(const uint8_t *bytes, size_t count);
void fake_uart_interrupt(void);

#endif
