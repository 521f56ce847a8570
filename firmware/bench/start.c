/* Start-up of the emulated Cortex-M4F (QEMU's mps2-an386) and its two ways out: text and exit, by
 * semihosting.
 */
#include "start.h"

#include <stdint.h>
#include <string.h>

extern uint32_t bench_stack_top[], bench_data_load[], bench_data_start[], bench_data_end[], bench_bss_start[],
    bench_bss_end[];

#define SYS_WRITE0     0x04
#define SYS_EXIT       0x18
#define EXIT_CLEANLY   0x20026
#define EXIT_ON_FAULT  0x20023
#define COPROCESSORS   (*(volatile uint32_t *)0xE000ED88)
#define FPU_FULLY_OURS (0xFu << 20)

static void semihost(int operation, const void *argument)
{
    register int number __asm__("r0") = operation;
    register const void *parameter __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(number) : "r"(parameter) : "memory");
}

void bench_print(const char *text)
{
    semihost(SYS_WRITE0, text);
}

void bench_print_number(uint32_t number)
{
    char digits[11];
    char *at = &digits[10];
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    bench_print(at);
}

static void fault(void)
{
    bench_print("fault\n");
    for (;;) {
        semihost(SYS_EXIT, (const void *)EXIT_ON_FAULT);
    }
}

void bench_reset(void)
{
    COPROCESSORS |= FPU_FULLY_OURS;
    __asm__ volatile("dsb\n isb" ::: "memory");
    memcpy(bench_data_start, bench_data_load, (size_t)((char *)bench_data_end - (char *)bench_data_start));
    memset(bench_bss_start, 0, (size_t)((char *)bench_bss_end - (char *)bench_bss_start));
    bench_main();
    semihost(SYS_EXIT, (const void *)EXIT_CLEANLY);
    fault();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    bench_stack_top,     (const void *)bench_reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault,       (const void *)fault,
};
