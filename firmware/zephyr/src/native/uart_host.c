/* Driver for takt,host-uart: a UART with interrupts whose line is a pty or a device of the host (native_sim).
 *
 * The host cannot interrupt the simulated processor, so a timer looks once per simulated millisecond and
 * raises "interrupts" (timer handlers run in interrupt context) while there is something to do. */
#define DT_DRV_COMPAT takt_host_uart

#include <string.h>

#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

#include "host.h"

#define LOOK_MS 1

typedef struct {
    unsigned line;
} config_t;

typedef struct {
    const struct device *uart;
    struct k_timer look;
    uart_irq_callback_user_data_t callback;
    void *context;
    uint8_t
        fifo[1024]; /* received in this look, a little more than the line brings at 8 times its baud rate */
    unsigned fifo_first;
    unsigned fifo_end;
    bool rx_enabled;
    bool tx_enabled;
    bool tx_room; /* false: the host took nothing; next try in the next look */
} data_t;

static void look(struct k_timer *timer)
{
    data_t *data = CONTAINER_OF(timer, data_t, look);
    const config_t *config = data->uart->config;
    if (config->line == TAKT_HOST_LINK) {
        takt_host_service();
    }
    if (data->fifo_first == data->fifo_end) {
        data->fifo_first = 0;
        data->fifo_end = takt_host_read(config->line, data->fifo, sizeof data->fifo);
    }
    data->tx_room = true;
    if (data->callback != NULL) {
        data->callback(data->uart, data->context);
    }
}

static int rx_ready(const struct device *uart)
{
    const data_t *data = uart->data;
    return data->rx_enabled && data->fifo_first < data->fifo_end ? 1 : 0;
}

static int tx_ready(const struct device *uart)
{
    const data_t *data = uart->data;
    return data->tx_enabled && data->tx_room ? 1 : 0;
}

static int is_pending(const struct device *uart)
{
    return rx_ready(uart) || tx_ready(uart) ? 1 : 0;
}

static int update(const struct device *uart)
{
    ARG_UNUSED(uart);
    return 1;
}

static int fifo_read(const struct device *uart, uint8_t *bytes, const int capacity)
{
    data_t *data = uart->data;
    const unsigned count = MIN(data->fifo_end - data->fifo_first, (unsigned)capacity);
    memcpy(bytes, &data->fifo[data->fifo_first], count);
    data->fifo_first += count;
    return (int)count;
}

static int fifo_fill(const struct device *uart, const uint8_t *bytes, int count)
{
    data_t *data = uart->data;
    const unsigned taken = takt_host_write(((const config_t *)uart->config)->line, bytes, (unsigned)count);
    data->tx_room = taken > 0;
    return (int)taken;
}

static void rx_enable(const struct device *uart)
{
    ((data_t *)uart->data)->rx_enabled = true;
}

static void rx_disable(const struct device *uart)
{
    ((data_t *)uart->data)->rx_enabled = false;
}

static void tx_enable(const struct device *uart)
{
    ((data_t *)uart->data)->tx_enabled = true;
}

static void tx_disable(const struct device *uart)
{
    ((data_t *)uart->data)->tx_enabled = false;
}

static void callback_set(const struct device *uart, uart_irq_callback_user_data_t callback, void *context)
{
    data_t *data = uart->data;
    data->callback = callback;
    data->context = context;
}

static int poll_in(const struct device *uart, unsigned char *byte)
{
    return takt_host_read(((const config_t *)uart->config)->line, byte, 1) == 1 ? 0 : -1;
}

static void poll_out(const struct device *uart, unsigned char byte)
{
    (void)takt_host_write(((const config_t *)uart->config)->line, &byte, 1);
}

static const struct uart_driver_api api = {
    .poll_in = poll_in,
    .poll_out = poll_out,
    .fifo_fill = fifo_fill,
    .fifo_read = fifo_read,
    .irq_tx_enable = tx_enable,
    .irq_tx_disable = tx_disable,
    .irq_tx_ready = tx_ready,
    .irq_rx_enable = rx_enable,
    .irq_rx_disable = rx_disable,
    .irq_rx_ready = rx_ready,
    .irq_is_pending = is_pending,
    .irq_update = update,
    .irq_callback_set = callback_set,
};

static int start(const struct device *uart)
{
    data_t *data = uart->data;
    data->uart = uart;
    takt_host_open(((const config_t *)uart->config)->line);
    k_timer_init(&data->look, look, NULL);
    k_timer_start(&data->look, K_MSEC(LOOK_MS), K_MSEC(LOOK_MS));
    return 0;
}

#define HOST_UART(n)                                                                                        \
    static const config_t config_##n = {.line = DT_INST_ENUM_IDX(n, line)};                                 \
    static data_t data_##n;                                                                                 \
    DEVICE_DT_INST_DEFINE(n, start, NULL, &data_##n, &config_##n, POST_KERNEL, CONFIG_SERIAL_INIT_PRIORITY, \
                          &api);

DT_INST_FOREACH_STATUS_OKAY(HOST_UART)
