/* Wheel check: does a wheel answer the duty that it is given?
 *
 * Works in duty: "effort" is the duty beyond what the present speed takes (duty - feed_forward * speed),
 * which for a DC motor is its torque. Two things cannot be while encoder, wiring and driver are whole: an
 * effort far above friction that moves nothing, and an effort above what the tyres can hold against which the
 * wheel keeps its speed or gains more.
 *
 * A wheel that something outside holds fast looks the same as a broken wire, but for how it came to rest: a
 * wire breaks from one sample to the next, and a robot that runs into a wall takes several. So counts that
 * cease abruptly, and a wheel that stood and does not start, are judged after `dead_cycles`; a wheel that
 * slowed down first gets `stall_cycles`, in which tyres mostly begin to slip. */
#ifndef TAKT_WHEEL_CHECK_H
#define TAKT_WHEEL_CHECK_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TAKT_WHEEL_OK,
    TAKT_WHEEL_STALL,       /* does not turn under effort: held fast, or a wire that broke while it stood */
    TAKT_WHEEL_BROKEN_WIRE, /* counts ceased abruptly while it turned, and stay away under effort */
    TAKT_WHEEL_WRONG_SIGN,  /* turns against its setpoint, and effort against that does not slow it */
    TAKT_WHEEL_RUNAWAY,     /* turns the right way, and effort against that does not slow it */
    TAKT_WHEEL_IMPOSSIBLE,  /* counts that no wheel of this robot could give */
    TAKT_WHEEL_FAULTS
} takt_wheel_fault_t;

typedef struct {
    float feed_forward;       /* duty per rad/s: what a speed takes */
    float dead_effort;        /* duty; a wheel must turn under more */
    float contrary_effort;    /* duty; nothing outside turns a wheel against more */
    float slowing_rad_s;      /* a wheel under contrary effort loses at least this much in a cycle */
    float turning_rad_s;      /* faster than this counts as turning */
    float peak_decay;         /* a cycle; how long a wheel counts as having turned lately */
    uint32_t dead_cycles;     /* that many cycles under effort without a count are a fault */
    uint32_t stall_cycles;    /* the same for a wheel that slowed down before it stopped */
    uint32_t contrary_cycles; /* that many cycles in a row are a fault */
} takt_wheel_check_config_t;

typedef struct {
    takt_wheel_fault_t found; /* first fault since the last reset of the check; for reports */
    bool still;               /* no counts in the last cycle */
    bool abrupt;              /* it came to be so from one cycle to the next */
    uint32_t dead;            /* cycles under effort since it is still */
    uint32_t contrary;        /* cycles in a row in which it turned against the effort and did not slow */
    int64_t lowest_counts;    /* positions since it is still */
    int64_t highest_counts;
    float peak_rad_s;      /* fastest of the last half second or so */
    float last_rad_s;      /* magnitude in the last cycle */
    float recent_rad_s[2]; /* in the two before it, newest first */
} takt_wheel_check_t;

/* What one cycle knows of one wheel. */
typedef struct {
    float duty;           /* that acted until the sample was taken */
    float setpoint_rad_s; /* that the duty was made for */
    float speed_rad_s;
    int64_t position_counts;
} takt_wheel_view_t;

/* Forgets everything: the driver was off. */
void takt_wheel_check_reset(takt_wheel_check_t *check);

/* Once for each new sample while the driver is on. True: a fault in this cycle, named in `found`. */
bool takt_wheel_check_step(takt_wheel_check_t *check, const takt_wheel_check_config_t *config,
                           const takt_wheel_view_t *view);

/* Lower-case word for reports: "ok", "stall", "broken_wire", ... */
const char *takt_wheel_fault_name(takt_wheel_fault_t fault);

#endif
