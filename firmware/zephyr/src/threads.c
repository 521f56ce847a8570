/* Control and link thread; see threads.h. */
#include "threads.h"

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "board_clock.h"
#include "parameter_store.h"
#include "status_led.h"
#include "takt_contract.h"

#define PERIOD_NS    (TAKT_NS_PER_S / TAKT_CONTROL_RATE_HZ)
#define TICK_NS      (TAKT_NS_PER_S / CONFIG_SYS_CLOCK_TICKS_PER_SEC)
#define START_NS     2000000u /* room between starting the timer and its first release */
#define LINK_POLL_MS 1
#ifdef K_FP_REGS /* where floating-point registers are part of a thread's context */
#define THREAD_OPTIONS K_FP_REGS
#else
#define THREAD_OPTIONS 0
#endif

/* The control thread is the only cooperative one: nothing but interrupts runs before it, and a cycle never
 * waits for a thread of the kernel. */
BUILD_ASSERT(CONFIG_TAKT_CONTROL_PRIORITY < 0, "the control thread is cooperative");
BUILD_ASSERT(CONFIG_TAKT_LINK_PRIORITY >= 0, "the link thread is preemptible");
BUILD_ASSERT(CONFIG_MAIN_THREAD_PRIORITY >= 0, "the main thread is preemptible");
BUILD_ASSERT(CONFIG_SYSTEM_WORKQUEUE_PRIORITY >= 0, "the system work queue is preemptible");
BUILD_ASSERT(CONFIG_SYSTEM_WORKQUEUE_PRIORITY > CONFIG_TAKT_LINK_PRIORITY,
             "the link comes before deferred work");
BUILD_ASSERT(!IS_ENABLED(CONFIG_LOG_PROCESS_THREAD) && !IS_ENABLED(CONFIG_SHELL),
             "no thread that we do not know");

/* A release on the grid falls on a tick and on a whole number of cycles, so timer and board time agree
 * exactly. */
BUILD_ASSERT(CONFIG_SYS_CLOCK_TICKS_PER_SEC % TAKT_CONTROL_RATE_HZ == 0,
             "a period is a whole number of ticks");
BUILD_ASSERT(CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC % CONFIG_SYS_CLOCK_TICKS_PER_SEC == 0,
             "a tick is a whole number of cycles");

K_THREAD_STACK_DEFINE(control_stack, CONFIG_TAKT_CONTROL_STACK_SIZE);
K_THREAD_STACK_DEFINE(link_stack, CONFIG_TAKT_LINK_STACK_SIZE);
static struct k_thread control_data;
static struct k_thread link_data;
K_TIMER_DEFINE(release_timer, NULL, NULL);

/* ---- control ---- */

/* The first release, a little ahead; from there on the timer keeps the grid by itself. */
static uint64_t start_grid(const takt_board_t *board)
{
    const uint64_t first_ns = takt_board_next_release(board, takt_board_clock_now_ns() + START_NS);
    k_timer_start(&release_timer, K_TIMEOUT_ABS_TICKS((k_ticks_t)(first_ns / TICK_NS)),
                  K_TICKS(PERIOD_NS / TICK_NS));
    return first_ns;
}

/* Releases that passed during a long cycle have already fired: they are skipped, not run in a bunch. */
static void wait_for(uint64_t release_ns)
{
    do {
        (void)k_timer_status_sync(&release_timer);
    } while (takt_board_clock_now_ns() < release_ns);
}

static void control_thread(void *first, void *second, void *third)
{
    takt_machine_t *machine = first;
    ARG_UNUSED(second);
    ARG_UNUSED(third);
    uint64_t release_ns = start_grid(&machine->board);
    for (;;) {
        wait_for(release_ns);
        takt_board_control_cycle(&machine->board, release_ns);
        release_ns = takt_board_next_release(&machine->board, takt_board_clock_now_ns());
    }
}

/* ---- link ---- */

typedef struct {
    takt_safety_t safety;
    bool connected;
} told_t;

static void tell_changes(const takt_machine_t *machine, told_t *told)
{
    const takt_safety_t *safety = &takt_board_status(&machine->board)->safety;
    const bool connected = takt_client_state(&machine->board.client) == TAKT_CLIENT_CONNECTED;
    if (safety->rung != told->safety.rung || safety->cause != told->safety.cause ||
        safety->fault != told->safety.fault || safety->hold_reason != told->safety.hold_reason) {
        printk("takt: %s %s\n", takt_rung_name(safety->rung), takt_safety_reason(safety));
        told->safety = *safety;
    }
    if (connected != told->connected) {
        printk("takt: link %s\n", connected ? "connected" : "lost");
        told->connected = connected;
    }
}

#if defined(CONFIG_TAKT_TEST_LINK_STALL_MS) && CONFIG_TAKT_TEST_LINK_STALL_MS > 0
#define TEST_STALL_AT_MS 5000u

static void stall_once(void)
{
    static bool done;
    if (!done && k_uptime_get_32() >= TEST_STALL_AT_MS) {
        done = true;
        k_busy_wait(CONFIG_TAKT_TEST_LINK_STALL_MS *
                    1000u); /* runs and answers nobody; lower threads starve */
    }
}
#else
static inline void stall_once(void) {}
#endif

static void link_thread(void *first, void *second, void *third)
{
    takt_machine_t *machine = first;
    told_t told = {0};
    ARG_UNUSED(second);
    ARG_UNUSED(third);
    for (;;) {
        stall_once();
        takt_board_link_poll(&machine->board);
        const takt_safety_t *safety = &takt_board_status(&machine->board)->safety;
        takt_status_led_show(safety, k_uptime_get_32());
        takt_parameter_store_poll(&machine->board.parameters, safety->armed, k_uptime_get_32());
        tell_changes(machine, &told);
        k_msleep(LINK_POLL_MS);
    }
}

#ifdef CONFIG_TAKT_TEST_NEVER_IDLE
/* Below everything else that runs. */
static void spin(void *first, void *second, void *third)
{
    ARG_UNUSED(first);
    ARG_UNUSED(second);
    ARG_UNUSED(third);
    for (;;) {
        arch_nop();
    }
}

K_THREAD_DEFINE(spinning, 512, spin, NULL, NULL, NULL, K_LOWEST_APPLICATION_THREAD_PRIO, 0, 0);
#endif

void takt_threads_start(takt_machine_t *machine)
{
    k_thread_create(&control_data, control_stack, K_THREAD_STACK_SIZEOF(control_stack), control_thread,
                    machine, NULL, NULL, CONFIG_TAKT_CONTROL_PRIORITY, THREAD_OPTIONS, K_NO_WAIT);
    k_thread_create(&link_data, link_stack, K_THREAD_STACK_SIZEOF(link_stack), link_thread, machine, NULL,
                    NULL, CONFIG_TAKT_LINK_PRIORITY, THREAD_OPTIONS, K_NO_WAIT);
    (void)k_thread_name_set(&control_data, "control");
    (void)k_thread_name_set(&link_data, "link");
}
