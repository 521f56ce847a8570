/* System clock of the emulated LM3S6965, exact against the emulator's clock.
 *
 * The SysTick driver reloads its counter for every timeout and loses what passes between reading and writing
 * it: a few instructions on a chip, microseconds under QEMU, where 2000 reloads a second make the clock slow
 * by 0.5 %, fifty times more than the link allows a board's clock to be off. Here the SysTick counter runs
 * freely and is never written, and general-purpose timer 0 interrupts at the next timeout. */
#include <zephyr/arch/cpu.h>
#include <zephyr/drivers/timer/system_timer.h>
#include <zephyr/init.h>
#include <zephyr/irq.h>
#include <zephyr/kernel.h>

#define TIMER          0x40030000u
#define TIMER_CONFIG   (TIMER + 0x00u) /* 0: 32 bits wide */
#define TIMER_MODE     (TIMER + 0x04u) /* 1: one-shot */
#define TIMER_CONTROL  (TIMER + 0x0cu) /* bit 0: runs */
#define TIMER_MASK     (TIMER + 0x18u) /* bit 0: its end interrupts */
#define TIMER_CLEAR    (TIMER + 0x24u)
#define TIMER_LOAD     (TIMER + 0x28u)
#define TIMER_IRQ      19
#define TIMER_PRIORITY 3 /* the UARTs': none nests in another */

#define SYSTICK_CONTROL 0xe000e010u /* 5: runs, at the core's clock, without an interrupt */
#define SYSTICK_RELOAD  0xe000e014u
#define SYSTICK_VALUE   0xe000e018u
#define SYSTICK_BITS    0xffffffu

#define TICK ((uint32_t)(CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC / CONFIG_SYS_CLOCK_TICKS_PER_SEC))
#define MAX_TICKS \
    (SYSTICK_BITS / 4u / TICK) /* an interrupt at least this often: no turn of the counter is missed */

static uint64_t counted;   /* cycles since the start */
static uint32_t last;      /* counter when they were counted, turned to count up */
static uint64_t announced; /* cycles of the ticks that the kernel knows of */

/* Interrupts locked. QEMU's counter may step back by one around its turn: then time stands still. */
static uint64_t count(void)
{
    const uint32_t now = SYSTICK_BITS - (sys_read32(SYSTICK_VALUE) & SYSTICK_BITS);
    const uint32_t step = (now - last) & SYSTICK_BITS;
    if (step <= SYSTICK_BITS / 2u) {
        counted += step;
        last = now;
    }
    return counted;
}

static void on_timer(const void *unused)
{
    ARG_UNUSED(unused);
    const unsigned int key = irq_lock();
    sys_write32(1u, TIMER_CLEAR);
    const uint32_t ticks = (uint32_t)((count() - announced) / TICK);
    announced += (uint64_t)ticks * TICK;
    irq_unlock(key);
    sys_clock_announce((int32_t)ticks);
}

/* At the tick boundary that is `ticks` ticks ahead, 0 and 1 both meaning the next one. */
void sys_clock_set_timeout(int32_t ticks, bool idle)
{
    ARG_UNUSED(idle);
    const uint32_t ahead =
        ticks == K_TICKS_FOREVER ? MAX_TICKS : (uint32_t)CLAMP(ticks, 1, (int32_t)MAX_TICKS);
    const unsigned int key = irq_lock();
    const uint64_t now = count();
    const uint64_t passed = (now - announced) / TICK;
    const uint64_t at = announced + (passed + ahead) * TICK;
    sys_write32(0u, TIMER_CONTROL);
    sys_write32((uint32_t)(at - now), TIMER_LOAD);
    sys_write32(1u, TIMER_CONTROL);
    irq_unlock(key);
}

uint32_t sys_clock_elapsed(void)
{
    const unsigned int key = irq_lock();
    const uint32_t ticks = (uint32_t)((count() - announced) / TICK);
    irq_unlock(key);
    return ticks;
}

uint32_t sys_clock_cycle_get_32(void)
{
    const unsigned int key = irq_lock();
    const uint32_t cycles = (uint32_t)count();
    irq_unlock(key);
    return cycles;
}

static int start(void)
{
    sys_write32(0u, TIMER_CONTROL); /* a reset leaves it as it was */
    sys_write32(0u, TIMER_CONFIG);
    sys_write32(1u, TIMER_MODE);
    sys_write32(1u, TIMER_CLEAR);
    sys_write32(1u, TIMER_MASK);
    sys_write32(SYSTICK_BITS, SYSTICK_RELOAD);
    sys_write32(0u, SYSTICK_VALUE);
    sys_write32(5u, SYSTICK_CONTROL);
    IRQ_CONNECT(TIMER_IRQ, TIMER_PRIORITY, on_timer, NULL, 0);
    irq_enable(TIMER_IRQ);
    sys_clock_set_timeout(0, false);
    return 0;
}

SYS_INIT(start, PRE_KERNEL_2, CONFIG_SYSTEM_CLOCK_INIT_PRIORITY);
