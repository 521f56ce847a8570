/* The marks, and a loop whose instructions are known: a file of its own, so that nothing is inlined. */
#include "marks.h"

__attribute__((noinline, noclone)) void bench_begin(void)
{
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline, noclone)) void bench_end(void)
{
    __asm__ volatile("" ::: "memory");
}

void bench_group(const char *name, uint32_t samples)
{
    bench_print("group ");
    bench_print(name);
    bench_print(" ");
    bench_print_number(samples);
    bench_print("\n");
}

/* One mov, then two instructions a turn. */
__attribute__((noinline, noclone)) void bench_known_loop(void)
{
    __asm__ volatile("movw r3, #1000\n"
                     "1: subs r3, r3, #1\n"
                     "bne 1b\n" ::
                         : "r3", "cc");
}

/* Functions of their own, so that the compiler has nothing to move between the marks. */
static __attribute__((noinline)) void empty(void)
{
    bench_begin();
    bench_end();
}

static __attribute__((noinline)) void known(void)
{
    bench_begin();
    bench_known_loop();
    bench_end();
}

void bench_calibrate(void)
{
    empty();
    bench_group("empty", 1u);
    known();
    bench_group("known_loop", 1u);
}
