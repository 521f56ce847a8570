/* A byte line of the host port; see line.h. */
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h> /* posix_openpt, ptsname_r */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "realtime.h" /* takt_monotonic_ns */

#define REOPEN_NS     500000000u
#define STALE_NS      100000000u
#define SOCKET_BUFFER 4096

static const struct {
    unsigned baud;
    speed_t speed;
} speeds[] = {{9600, B9600},       {19200, B19200},    {38400, B38400},     {57600, B57600},
              {115200, B115200},   {230400, B230400},  {460800, B460800},   {500000, B500000},
              {576000, B576000},   {921600, B921600},  {1000000, B1000000}, {1500000, B1500000},
              {2000000, B2000000}, {3000000, B3000000}};

static bool find_speed(unsigned baud, speed_t *speed)
{
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        if (speeds[i].baud == baud) {
            *speed = speeds[i].speed;
            return true;
        }
    }
    return false;
}

/* Raw bytes both ways: no echo, no translation, no signals. */
static bool make_raw(int fd, unsigned baud)
{
    struct termios settings;
    speed_t speed = B0;
    if (tcgetattr(fd, &settings) != 0) {
        return false;
    }
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    if (find_speed(baud, &speed)) {
        cfsetispeed(&settings, speed);
        cfsetospeed(&settings, speed);
    }
    return tcsetattr(fd, TCSANOW, &settings) == 0;
}

static bool complain(const takt_line_t *line, const char *what, const char *fix)
{
    fprintf(stderr, "error: %s line %s: %s (%s). Fix: %s\n", line->name, line->path, what, strerror(errno),
            fix);
    return false;
}

/* Replaces an old symlink in one step; anything else that stands there is left alone. */
static bool link_path(const takt_line_t *line, const char *target)
{
    struct stat there;
    char fresh[PATH_MAX + 24];
    if (lstat(line->path, &there) == 0 && !S_ISLNK(there.st_mode)) {
        errno = EEXIST;
        return complain(line, "the path is taken by something that is not a link", "name another path");
    }
    snprintf(fresh, sizeof fresh, "%s.%ld", line->path, (long)getpid());
    unlink(fresh);
    if (symlink(target, fresh) != 0 || rename(fresh, line->path) != 0) {
        unlink(fresh);
        return complain(line, "the link cannot be made",
                        "name a path in a folder that exists and can be written");
    }
    return true;
}

static bool open_pty(takt_line_t *line)
{
    char target[128];
    const int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 || ptsname_r(fd, target, sizeof target) != 0) {
        return complain(line, "no pseudo terminal is to be had", "mount devpts or free some terminals");
    }
    line->own_fd = open(target, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line->own_fd < 0 || !make_raw(line->own_fd, 0)) {
        return complain(line, "the pseudo terminal cannot be set up", "check the rights on /dev/pts");
    }
    atomic_store(&line->fd, fd);
    return link_path(line, target);
}

/* Offers the socket; the peer is let in by takt_line_service. */
static bool open_socket(takt_line_t *line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat there;
    if (strlen(line->path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return complain(line, "the path is too long for a socket", "name a shorter path");
    }
    strcpy(address.sun_path, line->path);
    if (lstat(line->path, &there) == 0 && S_ISSOCK(there.st_mode)) {
        unlink(line->path); /* an earlier process left it */
    }
    line->own_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (line->own_fd < 0 || bind(line->own_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(line->own_fd, 1) != 0) {
        return complain(line, "the socket cannot be offered",
                        "name a path in a folder that exists and can be written");
    }
    return true;
}

static void let_in(takt_line_t *line)
{
    const int size = SOCKET_BUFFER; /* what a peer has not read by then is too old to be read */
    const int fd = accept4(line->own_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    atomic_store(&line->lost, false);
    atomic_store(&line->fd, fd);
}

static bool open_device(takt_line_t *line)
{
    const int fd = open(line->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (isatty(fd) && !make_raw(fd, line->baud)) {
        close(fd);
        return false;
    }
    atomic_store(&line->lost, false);
    atomic_store(&line->fd, fd);
    return true;
}

static const char *strip_kind(takt_line_t *line, const char *spec)
{
    if (strncmp(spec, "pty:", 4) == 0) {
        line->kind = TAKT_LINE_PTY;
        return spec + 4;
    }
    if (strncmp(spec, "unix:", 5) == 0) {
        line->kind = TAKT_LINE_SOCKET;
        return spec + 5;
    }
    line->kind = TAKT_LINE_DEVICE;
    return spec;
}

bool takt_line_open(takt_line_t *line, const char *name, const char *spec, unsigned baud)
{
    memset(line, 0, sizeof *line);
    line->name = name;
    line->baud = baud;
    line->own_fd = -1;
    atomic_store(&line->fd, -1);
    const char *path = strip_kind(line, spec);
    if (*path == '\0' || strlen(path) >= sizeof line->path) {
        errno = EINVAL;
        return complain(line, "no usable path given",
                        "use pty:PATH, unix:PATH or the path of a serial device");
    }
    strcpy(line->path, path);
    if (line->kind == TAKT_LINE_PTY) {
        return open_pty(line);
    }
    if (line->kind == TAKT_LINE_SOCKET) {
        return open_socket(line);
    }
    return open_device(line) || complain(line, "the device cannot be opened",
                                         "plug it in, or name another device, or use pty:PATH");
}

void takt_line_close(takt_line_t *line)
{
    const int fd = atomic_exchange(&line->fd, -1);
    if (line->kind != TAKT_LINE_DEVICE) {
        unlink(line->path);
        close(line->own_fd);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static bool is_passing(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

size_t takt_line_read(takt_line_t *line, uint8_t *bytes, size_t capacity)
{
    const int fd = atomic_load(&line->fd);
    if (fd < 0 || atomic_load(&line->lost)) {
        return 0;
    }
    const ssize_t count = read(fd, bytes, capacity);
    if (count > 0) {
        return (size_t)count;
    }
    if (line->kind != TAKT_LINE_PTY && (count == 0 || !is_passing(errno))) {
        atomic_store(&line->lost, true);
    }
    return 0;
}

void takt_line_discard(takt_line_t *line)
{
    if (line->kind == TAKT_LINE_PTY) {
        tcflush(line->own_fd, TCIFLUSH);
    }
}

/* A pty has no line speed: what is not read within STALE_NS has no reader. */
static void note_blocked(takt_line_t *line, bool blocked)
{
    if (!blocked) {
        line->blocked_since_ns = 0;
        return;
    }
    const uint64_t now_ns = takt_monotonic_ns();
    if (line->blocked_since_ns == 0) {
        line->blocked_since_ns = now_ns;
    } else if (now_ns - line->blocked_since_ns > STALE_NS) {
        takt_line_discard(line);
        line->blocked_since_ns = 0;
    }
}

size_t takt_line_write(takt_line_t *line, const uint8_t *bytes, size_t count)
{
    const int fd = atomic_load(&line->fd);
    if (fd < 0 || atomic_load(&line->lost) || count == 0) {
        return 0;
    }
    const ssize_t taken =
        line->kind == TAKT_LINE_SOCKET ? send(fd, bytes, count, MSG_NOSIGNAL) : write(fd, bytes, count);
    if (taken < 0 && !is_passing(errno) && line->kind != TAKT_LINE_PTY) {
        atomic_store(&line->lost, true);
    }
    note_blocked(line, taken <= 0);
    return taken > 0 ? (size_t)taken : 0;
}

static void reopen_device(takt_line_t *line)
{
    const uint64_t now_ns = takt_monotonic_ns();
    if (now_ns < line->next_open_ns) {
        return;
    }
    line->next_open_ns = now_ns + REOPEN_NS;
    const int fd = atomic_exchange(&line->fd, -1);
    if (fd >= 0) {
        fprintf(stderr, "takt_firmware: %s line %s is gone; trying to open it again\n", line->name,
                line->path);
        close(fd);
    }
    if (open_device(line)) {
        fprintf(stderr, "takt_firmware: %s line %s is back\n", line->name, line->path);
    }
}

void takt_line_service(takt_line_t *line)
{
    const bool lost = atomic_load(&line->lost);
    if (line->kind == TAKT_LINE_DEVICE && lost) {
        reopen_device(line);
    }
    if (line->kind != TAKT_LINE_SOCKET) {
        return;
    }
    if (lost) {
        close(atomic_exchange(&line->fd, -1));
        atomic_store(&line->lost, false);
    }
    if (atomic_load(&line->fd) < 0) {
        let_in(line);
    }
}
