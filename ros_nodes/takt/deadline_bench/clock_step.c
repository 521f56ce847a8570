/* Preloaded into every process of a run: adds to CLOCK_REALTIME what stands in a file, so that the robot's
 * clock can be stepped without touching the host's. Steady clocks are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

static const volatile int64_t *offset_ns;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("TAKT_CLOCK_STEP");
    const int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *memory = mmap(NULL, sizeof *offset_ns, PROT_READ, MAP_SHARED, file, 0);
        offset_ns = memory != MAP_FAILED ? memory : NULL;
        close(file);
    }
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    const int result = real_gettime != NULL ? real_gettime(id, now) : (int)syscall(SYS_clock_gettime, id, now);
    if (result == 0 && id == CLOCK_REALTIME && offset_ns != NULL && *offset_ns != 0) {
        const int64_t total = now->tv_sec * (int64_t)NS_PER_S + now->tv_nsec + *offset_ns;
        now->tv_sec = total / NS_PER_S;
        now->tv_nsec = total % NS_PER_S;
    }
    return result;
}
