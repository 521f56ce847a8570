/* What the driver of the emulated LM3S6965's UARTs leaves out, done once after it has started. */
#include <zephyr/arch/cpu.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/init.h>
#include <zephyr/irq.h>

#define LINE_CONTROL(node) (DT_REG_ADDR(node) + 0x2cu)
#define FIFOS_ON           0x10u
#define MASK(node)         (DT_REG_ADDR(node) + 0x38u)

/* A reset of the board leaves the emulated UARTs as they were: with bytes waiting and their interrupt on,
 * which nobody would answer before the application has started. */
static int silence(void)
{
    sys_write32(0u, MASK(DT_CHOSEN(takt_link_uart)));
    sys_write32(0u, MASK(DT_CHOSEN(takt_plant_uart)));
    return 0;
}

SYS_INIT(silence, PRE_KERNEL_1, 0);

static void complete(const struct device *uart, uint32_t line_control)
{
    /* To raise its very first transmit interrupt the driver turns a port off and on again, which would lose
     * what has been received: here that is over before anything is. It does so for one port only; a byte
     * between frames is nothing to either receiver, and after it the interrupt works in all of them. */
    const unsigned int key = irq_lock(); /* nobody is there yet to answer it */
    uart_irq_tx_enable(uart);
    uart_irq_tx_disable(uart);
    irq_unlock(key);
    uart_poll_out(uart, 0);
    /* With its FIFOs off a UART takes one byte an interrupt, each a turn of the emulator's main loop. */
    sys_write32(sys_read32(line_control) | FIFOS_ON, line_control);
}

static int start(void)
{
    complete(DEVICE_DT_GET(DT_CHOSEN(takt_link_uart)), LINE_CONTROL(DT_CHOSEN(takt_link_uart)));
    complete(DEVICE_DT_GET(DT_CHOSEN(takt_plant_uart)), LINE_CONTROL(DT_CHOSEN(takt_plant_uart)));
    return 0;
}

SYS_INIT(start, APPLICATION, 0);
