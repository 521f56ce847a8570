/* Command line of takt_firmware; see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_KEY         0x54414B54u /* "TAKT" */
#define DEFAULT_WATCHDOG_MS 150

static const char usage[] =
    "usage: takt_firmware --link LINE --plant LINE [options]\n"
    "  --link LINE            line to the agent: pty:PATH offers a pty behind the link PATH, unix:PATH a "
    "local\n"
    "                         socket, anything else is the path of a serial device\n"
    "  --plant LINE           line to motors and encoders, likewise\n"
    "  --retained FILE        memory that outlives the process (best below /dev/shm); default: none\n"
    "  --parameters FILE      keeps parameters that ROS changed over a restart; default: none\n"
    "  --fifo 0..99           SCHED_FIFO priority of the control thread, 0 is the normal class; default 0\n"
    "  --domain 0..255        ROS domain to ask the agent for, 255 leaves it to the agent; default 255\n"
    "  --key HEX              client key, 1 to FFFFFFFF; default 54414B54\n"
    "  --clock-drift-ppm X    make the board's clock run fast by X, -1000 to 1000; default 0\n"
    "  --clock own|plant      plant: board time is the plant stream's, at any speed, and no watchdog counts "
    "real time;\n"
    "                         default own\n"
    "  --watchdog-ms N        start anew, motors off, after N ms without a cycle in time, 50 to 10000, 0: "
    "never;\n"
    "                         default 150\n"
    "  --rehearse-stretch N@C for tests: cycle C takes N ms longer, once\n"
    "  --rehearse-block N@T   for tests: T ms after the start the link thread stands still for N ms, once\n"
    "  --orders SOCKET        for tests: takes \"stretch MS\", \"nap MS\", \"late MS\" and \"block MS\" "
    "while "
    "it runs\n";

static takt_options_result_t refuse(const char *option, const char *value, const char *fix)
{
    fprintf(stderr, "error: %s %s is not possible. Fix: %s\n", option, value, fix);
    return TAKT_OPTIONS_BAD;
}

static bool read_number(const char *text, int base, long long low, long long high, long long *value)
{
    char *end = NULL;
    errno = 0;
    *value = strtoll(text, &end, base);
    return errno == 0 && end != text && *end == '\0' && *value >= low && *value <= high;
}

/* "LENGTH@START", both of at most 8 digits. */
static takt_options_result_t take_rehearsal(takt_rehearsal_t *rehearsal, const char *option,
                                            const char *value)
{
    unsigned length = 0;
    unsigned start = 0;
    int used = 0;
    if (sscanf(value, "%8u@%8u%n", &length, &start, &used) != 2 || value[used] != '\0') {
        return refuse(option, value, "give LENGTH@START in whole numbers, for instance 25@300");
    }
    *rehearsal = (takt_rehearsal_t){.length_ms = length, .start = start};
    return TAKT_OPTIONS_OK;
}

static takt_options_result_t take(takt_options_t *options, int option, const char *value)
{
    long long number = 0;
    char *end = NULL;
    switch (option) {
    case 'f':
        if (!read_number(value, 10, 0, 99, &number)) {
            return refuse("--fifo", value, "give a priority from 0 to 99");
        }
        options->fifo = (int)number;
        return TAKT_OPTIONS_OK;
    case 'd':
        if (!read_number(value, 10, 0, 255, &number)) {
            return refuse("--domain", value, "give a ROS domain from 0 to 232, or 255");
        }
        options->domain = (uint16_t)number;
        return TAKT_OPTIONS_OK;
    case 'k':
        if (!read_number(value, 16, 1, UINT32_MAX, &number)) {
            return refuse("--key", value, "give 1 to 8 hexadecimal digits, not all zero");
        }
        options->key = (uint32_t)number;
        return TAKT_OPTIONS_OK;
    case 'c': {
        const double drift_ppm = strtod(value, &end);
        if (end == value || *end != '\0' || !(drift_ppm >= -1000.0 && drift_ppm <= 1000.0)) {
            return refuse("--clock-drift-ppm", value, "give a number from -1000 to 1000");
        }
        options->drift_ppb = (int64_t)(drift_ppm * 1e3);
        return TAKT_OPTIONS_OK;
    }
    case 'C':
        options->clock_by_plant = strcmp(value, "plant") == 0;
        return options->clock_by_plant || strcmp(value, "own") == 0
                   ? TAKT_OPTIONS_OK
                   : refuse("--clock", value, "give own or plant");
    case 'w':
        if (!read_number(value, 10, 0, 10000, &number) || (number != 0 && number < 50)) {
            return refuse("--watchdog-ms", value, "give 50 to 10000 ms, or 0 for none");
        }
        options->watchdog_ms = (uint32_t)number;
        return TAKT_OPTIONS_OK;
    case 's':
        return take_rehearsal(&options->stretch, "--rehearse-stretch", value);
    case 'b':
        return take_rehearsal(&options->block_link, "--rehearse-block", value);
    default:
        return TAKT_OPTIONS_BAD;
    }
}

static takt_options_result_t parse_all(int argc, char **argv, takt_options_t *options)
{
    static const struct option table[] = {
        {"link", required_argument, NULL, 'l'},
        {"plant", required_argument, NULL, 'p'},
        {"retained", required_argument, NULL, 'r'},
        {"parameters", required_argument, NULL, 'm'},
        {"fifo", required_argument, NULL, 'f'},
        {"domain", required_argument, NULL, 'd'},
        {"key", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {"clock-drift-ppm", required_argument, NULL, 'c'},
        {"clock", required_argument, NULL, 'C'},
        {"watchdog-ms", required_argument, NULL, 'w'},
        {"rehearse-stretch", required_argument, NULL, 's'},
        {"rehearse-block", required_argument, NULL, 'b'},
        {"orders", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int found = 0;
    takt_options_result_t result = TAKT_OPTIONS_OK;
    while (result == TAKT_OPTIONS_OK && (found = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (found == 'l') {
            options->link = optarg;
        } else if (found == 'p') {
            options->plant = optarg;
        } else if (found == 'r') {
            options->retained = optarg;
        } else if (found == 'o') {
            options->orders = optarg;
        } else if (found == 'm') {
            options->parameters = optarg;
        } else if (found == 'h') {
            fputs(usage, stdout);
            result = TAKT_OPTIONS_HELP;
        } else {
            result = take(options, found, optarg);
        }
    }
    return result;
}

takt_options_result_t takt_options_parse(int argc, char **argv, takt_options_t *options)
{
    *options = (takt_options_t){.key = DEFAULT_KEY, .domain = 255, .watchdog_ms = DEFAULT_WATCHDOG_MS};
    const takt_options_result_t result = parse_all(argc, argv, options);
    if (result != TAKT_OPTIONS_OK) {
        return result;
    }
    if (optind != argc) {
        return refuse("argument", argv[optind], "see takt_firmware --help");
    }
    if (options->link == NULL || options->plant == NULL) {
        return refuse("a start without", options->link == NULL ? "--link" : "--plant",
                      "give both lines, for instance --link pty:/tmp/takt_link --plant pty:/tmp/takt_plant");
    }
    return TAKT_OPTIONS_OK;
}
