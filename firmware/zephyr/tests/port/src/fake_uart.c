/* A UART that is a counter; see fake_uart.h. */
#include "fake_uart.h"

#include <string.h>

#include <zephyr/drivers/uart.h>

static fake_uart_t fake;
static uart_irq_callback_user_data_t callback;
static void *callback_context;

static int fifo_fill(const struct device *uart, const uint8_t *bytes, int count)
{
    ARG_UNUSED(uart);
    const size_t taken = MIN((size_t)count, fake.tx_room);
    memcpy(&fake.from_board[fake.from_board_size], bytes, taken);
    fake.from_board_size += taken;
    fake.tx_room -= taken;
    return (int)taken;
}

static int fifo_read(const struct device *uart, uint8_t *bytes, const int capacity)
{
    ARG_UNUSED(uart);
    const size_t count = MIN((size_t)capacity, fake.to_board_size - fake.to_board_taken);
    memcpy(bytes, &fake.to_board[fake.to_board_taken], count);
    fake.to_board_taken += count;
    return (int)count;
}

static int rx_ready(const struct device *uart)
{
    ARG_UNUSED(uart);
    return fake.rx_enabled && fake.to_board_taken < fake.to_board_size;
}

static int tx_ready(const struct device *uart)
{
    ARG_UNUSED(uart);
    return fake.tx_enabled && fake.tx_room > 0;
}

static int is_pending(const struct device *uart)
{
    return rx_ready(uart) || tx_ready(uart);
}

static int update(const struct device *uart)
{
    ARG_UNUSED(uart);
    return 1;
}

static void rx_enable(const struct device *uart)
{
    ARG_UNUSED(uart);
    fake.rx_enabled = true;
}

static void tx_enable(const struct device *uart)
{
    ARG_UNUSED(uart);
    fake.tx_enabled = true;
}

static void tx_disable(const struct device *uart)
{
    ARG_UNUSED(uart);
    fake.tx_enabled = false;
}

static int err_check(const struct device *uart)
{
    ARG_UNUSED(uart);
    const bool had = fake.error;
    fake.error = false;
    return had ? UART_ERROR_OVERRUN : 0;
}

static void callback_set(const struct device *uart, uart_irq_callback_user_data_t function, void *context)
{
    ARG_UNUSED(uart);
    callback = function;
    callback_context = context;
}

static const struct uart_driver_api api = {
    .err_check = err_check,
    .fifo_fill = fifo_fill,
    .fifo_read = fifo_read,
    .irq_tx_enable = tx_enable,
    .irq_tx_disable = tx_disable,
    .irq_tx_ready = tx_ready,
    .irq_rx_enable = rx_enable,
    .irq_rx_ready = rx_ready,
    .irq_is_pending = is_pending,
    .irq_update = update,
    .irq_callback_set = callback_set,
};

static int start(const struct device *uart)
{
    ARG_UNUSED(uart);
    return 0;
}

DEVICE_DEFINE(fake_uart_0, "fake_uart_0", start, NULL, NULL, NULL, POST_KERNEL, 50, &api);

const struct device *fake_uart_device(void)
{
    return DEVICE_GET(fake_uart_0);
}

fake_uart_t *fake_uart(void)
{
    return &fake;
}

void fake_uart_reset(void)
{
    fake = (fake_uart_t){0};
}

void fake_uart_receive(const uint8_t *bytes, size_t count)
{
    memcpy(&fake.to_board[fake.to_board_size], bytes, count);
    fake.to_board_size += count;
    fake_uart_interrupt();
}

void fake_uart_interrupt(void)
{
    callback(DEVICE_GET(fake_uart_0), callback_context);
}
