/* takt_firmware: the board as a process on a host. Threads: control (absolute 100 Hz grid), plant edge, link.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "board_clock.h"
#include "options.h"
#include "trouble.h"
#include "parameters_file.h"
#include "plant_edge.h"
#include "realtime.h"
#include "retained_file.h"
#include "takt/board.h"
#include "takt_contract.h"
#include "watchdog.h"

#define RESET_MARK    "TAKT_FIRMWARE_RESET"
#define LINK_POLL_MS  1
#define CLOCK_WAIT_MS 100       /* how soon the end is noticed while the plant's time stands still */
#define PLANT_WAIT_MS 20        /* how soon a lost line is looked for again */
#define LAST_WORD_NS  20000000u /* closing a pty drops what is unread: time for "motors off" to be heard */

typedef struct {
    takt_board_t board;
    takt_platform_t platform;
    takt_board_clock_t clock;
    takt_plant_edge_t plant;
    takt_line_t link;
    takt_parameters_file_t parameters;
    takt_watchdog_t watchdog;
    takt_rehearsal_t stretch;
    takt_rehearsal_t block_link;
    takt_trouble_t trouble;
    char **arguments; /* to start anew with */
    atomic_bool stop;
} machine_t;

/* ---- platform
 * ----------------------------------------------------------------------------------------------- */

static uint64_t now_ns(void *context)
{
    return takt_board_clock_now_ns(&((const machine_t *)context)->clock);
}

static uint64_t cpu_ns(void *context)
{
    (void)context;
    return takt_thread_cpu_ns();
}

static void read_encoder(void *context, takt_encoder_sample_t *sample)
{
    machine_t *machine = context;
    takt_rehearse_stretch(&machine->stretch, machine->board.deadlines.cycle);
    takt_trouble_in_cycle(&machine->trouble);
    takt_plant_edge_read(&machine->plant, sample);
}

static void drive(void *context, const takt_drive_t *order)
{
    takt_plant_edge_drive(&((machine_t *)context)->plant, order);
}

static void feed_watchdog(void *context)
{
    takt_watchdog_feed(&((machine_t *)context)->watchdog);
}

static size_t link_read(void *context, uint8_t *bytes, size_t capacity)
{
    return takt_line_read(&((machine_t *)context)->link, bytes, capacity);
}

static size_t link_write(void *context, const uint8_t *bytes, size_t count)
{
    return takt_line_write(&((machine_t *)context)->link, bytes, count);
}

/* The mark crosses the new start in the environment; whoever starts the firmware afresh leaves it out. */
static bool take_watchdog_mark(void)
{
    const char *mark = getenv(RESET_MARK);
    const bool found = mark != NULL && strcmp(mark, "watchdog") == 0;
    unsetenv(RESET_MARK);
    return found;
}

static uint32_t draw_nonce(void)
{
    uint32_t nonce = 0;
    return getrandom(&nonce, sizeof nonce, 0) == (ssize_t)sizeof nonce ? nonce
                                                                       : (uint32_t)takt_monotonic_ns();
}

static takt_platform_t make_platform(machine_t *machine, takt_ledger_store_t *retained)
{
    const takt_platform_t platform = {
        .context = machine,
        .now_ns = now_ns,
        .cpu_ns = cpu_ns,
        .read_encoder = read_encoder,
        .drive = drive,
        .feed_watchdog = feed_watchdog,
        .link_read = link_read,
        .link_write = link_write,
        .retained = retained,
        .nonce = draw_nonce(),
        .watchdog_reset = take_watchdog_mark(),
        .miss_limit = TAKT_SAFETY_MISS_LIMIT_POSIX,
    };
    return platform;
}

/* ---- threads
 * ------------------------------------------------------------------------------------------------ */

static void motors_off(machine_t *machine)
{
    const takt_drive_t off = {.board_ns = now_ns(machine), .rung = TAKT_RUNG_SAFE};
    takt_line_discard(&machine->plant.line); /* an older duty must not be the last word */
    drive(machine, &off);
}

static void *control_thread(void *argument)
{
    machine_t *machine = argument;
    uint64_t release_ns = takt_board_next_release(&machine->board, now_ns(machine));
    while (!atomic_load(&machine->stop)) {
        /* A release that was waited for stays the next one until it has come: the plant's time may pass it
         * between two waits. */
        if (takt_board_clock_wait(&machine->clock, release_ns, CLOCK_WAIT_MS)) {
            takt_trouble_before_cycle(&machine->trouble);
            takt_board_control_cycle(&machine->board, release_ns);
            release_ns = takt_board_next_release(&machine->board, now_ns(machine));
        }
    }
    motors_off(machine);
    return NULL;
}

/* Watchdog's thread. The control thread may stand anywhere, so nothing of the core is touched: motors off by
 * a frame of its own, then the same program again, which starts SAFE, finds the ledger, and tells why. */
static void start_anew(void *context)
{
    machine_t *machine = context;
    const takt_drive_t off = {.board_ns = now_ns(machine), .rung = TAKT_RUNG_SAFE};
    takt_plant_edge_drive(&machine->plant, &off);
    fputs("takt_firmware: watchdog: no cycle in time, starting anew\n", stderr);
    setenv(RESET_MARK, "watchdog", 1);
    execv("/proc/self/exe", machine->arguments);
    _exit(3); /* a silent firmware is a disabled driver */
}

static void *plant_thread(void *argument)
{
    machine_t *machine = argument;
    while (!atomic_load(&machine->stop)) {
        takt_plant_edge_wait(&machine->plant, PLANT_WAIT_MS);
        takt_plant_edge_listen(&machine->plant, now_ns(machine));
        if (machine->clock.by_plant && machine->plant.stream.sample.present) {
            takt_board_clock_tell(&machine->clock, machine->plant.stream.sample.sample_ns);
        }
        takt_line_service(&machine->plant.line);
    }
    return NULL;
}

/* One line on stderr for each change of state. */
static void tell_changes(const machine_t *machine, takt_safety_t *told, takt_client_state_t *told_link)
{
    const takt_safety_t *safety = &takt_board_status(&machine->board)->safety;
    const takt_client_state_t link = takt_client_state(&machine->board.client);
    if (safety->rung != told->rung || safety->cause != told->cause || safety->fault != told->fault ||
        safety->hold_reason != told->hold_reason) {
        fprintf(stderr, "takt_firmware: %s %s\n", takt_rung_name(safety->rung), takt_safety_reason(safety));
        *told = *safety;
    }
    if ((link == TAKT_CLIENT_CONNECTED) != (*told_link == TAKT_CLIENT_CONNECTED)) {
        fprintf(stderr, "takt_firmware: link %s\n", link == TAKT_CLIENT_CONNECTED ? "connected" : "lost");
    }
    *told_link = link;
}

static void *link_thread(void *argument)
{
    machine_t *machine = argument;
    takt_safety_t told = {0};
    takt_client_state_t told_link = TAKT_CLIENT_DISCONNECTED;
    while (!atomic_load(&machine->stop)) {
        struct pollfd input = {.fd = atomic_load(&machine->link.fd), .events = POLLIN};
        poll(&input, 1, LINK_POLL_MS);
        takt_rehearse_block(&machine->block_link, now_ns(machine));
        takt_trouble_take(&machine->trouble);
        takt_board_link_poll(&machine->board);
        tell_changes(machine, &told, &told_link);
        takt_parameters_file_save(&machine->parameters, &machine->board.parameters,
                                  takt_board_status(&machine->board)->safety.armed);
        takt_line_service(&machine->link);
    }
    return NULL;
}

/* ---- start and end
 * ------------------------------------------------------------------------------------------ */

static bool start(machine_t *machine, const takt_options_t *options)
{
    takt_ledger_store_t *retained = takt_retained_open(options->retained);
    if (retained == NULL || !takt_trouble_open(&machine->trouble, options->orders) ||
        !takt_line_open(&machine->link, "link", options->link, TAKT_LINK_BAUD)) {
        return false;
    }
    takt_plant_edge_init(&machine->plant);
    if (!takt_line_open(&machine->plant.line, "plant", options->plant, TAKT_LINK_BAUD)) {
        takt_line_close(&machine->link);
        return false;
    }
    machine->platform = make_platform(machine, retained);
    if (options->clock_by_plant) {
        takt_board_clock_start_by_plant(&machine->clock);
        machine->platform.cpu_ns = NULL; /* processor time is real time, which says nothing here */
    } else {
        takt_board_clock_start(&machine->clock, options->drift_ppb);
    }
    if (!machine->platform.watchdog_reset) {
        machine->stretch = options->stretch;
        machine->block_link = options->block_link;
    }
    const takt_board_config_t config = {.client_key = options->key, .domain = options->domain};
    takt_board_init(&machine->board, &machine->platform, &config);
    takt_parameters_file_load(&machine->parameters, options->parameters, &machine->board.parameters);
    return true;
}

static int run(machine_t *machine, const takt_options_t *options, const sigset_t *signals)
{
    pthread_t control;
    pthread_t plant;
    pthread_t link;
    int control_priority = 0;
    int plant_priority = 0;
    int link_priority = 0;
    takt_lock_memory();
    const int above = options->fifo > 0 && options->fifo < 99 ? options->fifo + 1 : options->fifo;
    const int below = options->fifo > 1 ? options->fifo - 1 : 0;
    const uint32_t watchdog_ms = options->clock_by_plant ? 0u : options->watchdog_ms;
    if (!takt_watchdog_start(&machine->watchdog, watchdog_ms, above, start_anew, machine)) {
        fputs("error: the watchdog cannot be started. Fix: raise the process limit\n", stderr);
        return 2;
    }
    if (!takt_start_thread(&control, control_thread, machine, options->fifo, &control_priority)) {
        fputs("error: the control thread cannot be started. Fix: raise the process limit\n", stderr);
        return 2;
    }
    if (!takt_start_thread(&plant, plant_thread, machine, below, &plant_priority)) {
        fputs("error: the plant thread cannot be started. Fix: raise the process limit\n", stderr);
        return 2;
    }
    if (!takt_start_thread(&link, link_thread, machine, below, &link_priority)) {
        fputs("error: the link thread cannot be started. Fix: raise the process limit\n", stderr);
        return 2; /* leaving main ends the control thread; a silent firmware is a disabled driver */
    }
    fprintf(stderr, "takt_firmware: boot %u%s, contract %s, SCHED_FIFO asked %d granted %d, link %d\n",
            takt_ledger_boots(&machine->board.ledger),
            machine->platform.watchdog_reset ? " after the watchdog" : "", TAKT_CONTRACT_HASH, options->fifo,
            control_priority, link_priority);
    int signal_number = 0;
    sigwait(signals, &signal_number);
    takt_watchdog_stop(&machine->watchdog);
    atomic_store(&machine->stop, true);
    pthread_join(control, NULL);
    pthread_join(plant, NULL);
    pthread_join(link, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    takt_options_t options;
    const takt_options_result_t parsed = takt_options_parse(argc, argv, &options);
    if (parsed != TAKT_OPTIONS_OK) {
        return parsed == TAKT_OPTIONS_HELP ? 0 : 2;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    static machine_t machine; /* too large for a stack, and locked in memory from the start */
    machine.arguments = argv;
    if (!start(&machine, &options)) {
        return 2;
    }
    const int status = run(&machine, &options, &signals);
    takt_sleep_until(takt_monotonic_ns() + LAST_WORD_NS);
    takt_line_close(&machine.plant.line);
    takt_line_close(&machine.link);
    fputs("takt_firmware: motors off, ended\n", stderr);
    return status;
}
