/* native_sim's host side; see host.h. Runs in the simulator's runner, on the posix port's lines and retained
 * file. */
#include "host.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "line.h"
#include "nsi_cmdline.h"
#include "nsi_tasks.h"
#include "realtime.h"
#include "retained_file.h"
#include "takt_contract.h"

#define RESET_CAUSE "TAKT_RESET_CAUSE" /* environment of the program that a reset starts */

static takt_line_t lines[2];
static const char *const names[2] = {"link", "plant"};
static char *specs[2];
static char *retained_path;
static int fifo;

static void add_options(void)
{
    static struct args_struct_t options[] = {
        {.option = "link",
         .name = "LINE",
         .type = 's',
         .dest = (void *)&specs[TAKT_HOST_LINK],
         .is_mandatory = true,
         .descript = "Line to the agent: pty:PATH offers a pty behind the link PATH, else a serial device"},
        {.option = "plant",
         .name = "LINE",
         .type = 's',
         .dest = (void *)&specs[TAKT_HOST_PLANT],
         .is_mandatory = true,
         .descript = "Line to motors and encoders, likewise"},
        {.option = "retained",
         .name = "FILE",
         .type = 's',
         .dest = (void *)&retained_path,
         .descript = "Memory that outlives the process (best below /dev/shm); default: none"},
        {.option = "fifo",
         .name = "PRIORITY",
         .type = 'i',
         .dest = (void *)&fifo,
         .descript =
             "SCHED_FIFO priority of the whole simulation, so that simulated time keeps up with real time"},
        ARG_TABLE_ENDMARKER};
    nsi_add_command_line_opts(options);
}

NSI_TASK(add_options, PRE_BOOT_1, 20);

/* Before the first thread is made: all of them inherit it. */
static void ask_for_priority(void)
{
    const struct sched_param parameters = {.sched_priority = fifo};
    const bool asked = fifo > 0 && fifo != INT_MAX; /* what the simulator leaves of an option not given */
    if (asked && (!takt_lock_memory() || sched_setscheduler(0, SCHED_FIFO, &parameters) != 0)) {
        fprintf(stderr,
                "warning: SCHED_FIFO %d is not granted; simulated time may fall behind. Fix: run as root or "
                "give the user an rtprio limit of %d\n",
                fifo, fifo);
    }
}

NSI_TASK(ask_for_priority, PRE_BOOT_2, 20);

/* SIGINT and SIGTERM end the simulator in order, and this with it. A firmware that falls silent is a driver
 * that is off, so the end needs no last word to the motors. */
static void close_lines(void)
{
    for (unsigned line = 0; line < 2u; line++) {
        if (lines[line].name != NULL) {
            takt_line_close(&lines[line]);
        }
    }
}

NSI_TASK(close_lines, ON_EXIT_POST, 20);

void takt_host_open(unsigned line)
{
    if (specs[line] == NULL) {
        fprintf(stderr,
                "error: a start without --%s is not possible. Fix: give both lines, for instance "
                "--link=pty:/tmp/takt_link --plant=pty:/tmp/takt_plant\n",
                names[line]);
        exit(2);
    }
    if (!takt_line_open(&lines[line], names[line], specs[line], TAKT_LINK_BAUD)) {
        exit(2);
    }
}

unsigned takt_host_read(unsigned line, uint8_t *bytes, unsigned capacity)
{
    return (unsigned)takt_line_read(&lines[line], bytes, capacity);
}

unsigned takt_host_write(unsigned line, const uint8_t *bytes, unsigned count)
{
    return (unsigned)takt_line_write(&lines[line], bytes, count);
}

void takt_host_service(void)
{
    takt_line_service(&lines[TAKT_HOST_LINK]);
    takt_line_service(&lines[TAKT_HOST_PLANT]);
}

void *takt_host_retained(unsigned size)
{
    takt_ledger_store_t *store = takt_retained_open(retained_path);
    if (store == NULL || size != sizeof *store) {
        exit(2);
    }
    return store;
}

uint32_t takt_host_random(void)
{
    uint32_t number = 0;
    return getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number ? number : 0u;
}

void takt_host_reset_by_watchdog(void)
{
    int count = 0;
    char **arguments = NULL;
    nsi_get_cmd_line_args(&count, &arguments);
    close_lines();
    (void)setenv(RESET_CAUSE, "watchdog", 1);
    (void)fflush(NULL);
    execv("/proc/self/exe", arguments);
    perror("error: the program cannot be executed anew");
    _exit(2);
}

bool takt_host_was_reset_by_watchdog(void)
{
    const char *cause = getenv(RESET_CAUSE);
    const bool was = cause != NULL && strcmp(cause, "watchdog") == 0;
    (void)unsetenv(RESET_CAUSE);
    return was;
}
