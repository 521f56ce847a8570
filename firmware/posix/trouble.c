/* Trouble; see trouble.h. */
#include "trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "realtime.h"

#define NS_PER_MS  1000000u
#define MOST_MS    60000u
#define ORDER_SIZE 32

bool takt_trouble_open(takt_trouble_t *trouble, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    trouble->socket = -1;
    if (path == NULL) {
        return true;
    }
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "error: --orders %s is too long. Fix: give a path below 108 bytes\n", path);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1u);
    unlink(path);
    trouble->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (trouble->socket < 0 ||
        bind(trouble->socket, (const struct sockaddr *)&address, sizeof address) != 0) {
        fprintf(stderr, "error: --orders %s: %s. Fix: name a socket in a folder that exists\n", path,
                strerror(errno));
        return false;
    }
    return true;
}

static void obey(takt_trouble_t *trouble, const char *what, unsigned ms)
{
    if (strcmp(what, "stretch") == 0) {
        atomic_store(&trouble->stretch_ms, ms);
    } else if (strcmp(what, "nap") == 0) {
        atomic_store(&trouble->nap_ms, ms);
    } else if (strcmp(what, "late") == 0) {
        atomic_store(&trouble->late_ms, ms);
    } else if (strcmp(what, "block") == 0) {
        takt_sleep_until(takt_monotonic_ns() + (uint64_t)ms * NS_PER_MS);
    } else {
        fprintf(stderr, "takt_firmware: no order is called %s\n", what);
    }
}

void takt_trouble_take(takt_trouble_t *trouble)
{
    char text[ORDER_SIZE];
    char what[ORDER_SIZE];
    unsigned ms = 0;
    if (trouble->socket < 0) {
        return;
    }
    ssize_t count = recv(trouble->socket, text, sizeof text - 1u, MSG_DONTWAIT);
    if (count > 0) {
        text[count] = '\0';
        if (sscanf(text, "%31s %8u", what, &ms) == 2 && ms <= MOST_MS) {
            obey(trouble, what, ms);
        }
    }
}

void takt_trouble_before_cycle(takt_trouble_t *trouble)
{
    const unsigned late_ms = atomic_exchange(&trouble->late_ms, 0u);
    if (late_ms != 0u) {
        takt_sleep_until(takt_monotonic_ns() + (uint64_t)late_ms * NS_PER_MS);
    }
}

void takt_trouble_in_cycle(takt_trouble_t *trouble)
{
    const unsigned nap_ms = atomic_exchange(&trouble->nap_ms, 0u);
    const unsigned stretch_ms = atomic_exchange(&trouble->stretch_ms, 0u);
    if (nap_ms != 0u) {
        takt_sleep_until(takt_monotonic_ns() + (uint64_t)nap_ms * NS_PER_MS);
    }
    const uint64_t begin_ns = takt_thread_cpu_ns(); /* its own processor time, whatever others take */
    while (stretch_ms != 0u && takt_thread_cpu_ns() - begin_ns < (uint64_t)stretch_ms * NS_PER_MS) {
    }
}
