/* Age gate; see takt/age_gate.h. */
#include "takt/age_gate.h"

#include <math.h> /* isfinite, fabsf */

static bool absurd(float value, float limit)
{
    return !isfinite(value) || fabsf(value) > limit;
}

/* All sums are in uint64_t: stamps after 1970 are positive and below 2^63, so neither sum can wrap. */
static takt_gate_t judge_stamp(const takt_age_gate_config_t *config, uint64_t stamp_ns, uint64_t now_ns,
                               uint64_t bound_ns)
{
    if (stamp_ns > now_ns + bound_ns) {
        return TAKT_GATE_FUTURE;
    }
    if (now_ns + bound_ns > stamp_ns + config->max_age_ns) {
        return TAKT_GATE_STALE;
    }
    return TAKT_GATE_OPEN;
}

takt_gate_t takt_age_gate(const takt_age_gate_config_t *config, const takt_command_t *command,
                          const takt_ros_time_t *ros, uint64_t now_ns)
{
    if (command->sequence == 0) {
        return TAKT_GATE_EMPTY;
    }
    if (absurd(command->speed_m_s, config->speed_absurd_m_s) ||
        absurd(command->yaw_rate_rad_s, config->yaw_rate_absurd_rad_s)) {
        return TAKT_GATE_NAN;
    }
    if (now_ns >= command->received_ns && now_ns - command->received_ns >= config->silence_ns) {
        return TAKT_GATE_SILENCE;
    }
    if (!ros->locked || ros->now_ns <= 0 || ros->bound_ns > config->bound_limit_ns) {
        return TAKT_GATE_CLOCK;
    }
    if (command->stamp_ns <= 0) {
        return TAKT_GATE_ZERO;
    }
    return judge_stamp(config, (uint64_t)command->stamp_ns, (uint64_t)ros->now_ns, ros->bound_ns);
}

const char *takt_gate_name(takt_gate_t verdict)
{
    static const char *const names[TAKT_GATE_COUNT] = {"applied", "no_command", "nan",   "clock",
                                                       "zero",    "future",     "stale", "silence"};
    return (unsigned)verdict < TAKT_GATE_COUNT ? names[verdict] : "unknown";
}
