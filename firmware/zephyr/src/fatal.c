/* A fault of the processor or the kernel (bad address, stack overflow, failed assertion) starts the board
 * anew.
 *
 * The kernel's own handler stops with interrupts locked: then neither the control loop nor the task watchdog
 * runs, and a board without a hardware watchdog would hold its last duty. A reset is motors off, and the next
 * start refuses to arm until a person has cleared it, as after any watchdog. */
#include <zephyr/fatal.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>
#include <version.h>

#include "retained.h"

#if KERNEL_VERSION_MAJOR > 3 || (KERNEL_VERSION_MAJOR == 3 && KERNEL_VERSION_MINOR >= 7)
typedef struct arch_esf exception_frame_t;
#else
typedef z_arch_esf_t exception_frame_t;
#endif

void k_sys_fatal_error_handler(unsigned int reason, const exception_frame_t *frame)
{
#ifdef CONFIG_CPU_CORTEX_M
    if (frame != NULL) {
        printk("takt: at %x, called from %x\n", (unsigned int)frame->basic.pc, (unsigned int)frame->basic.lr);
    }
#else
    ARG_UNUSED(frame);
#endif
    printk("takt: fault %u, starting anew\n", reason);
    takt_retained_watchdog_reset();
    CODE_UNREACHABLE;
}
