"""Answers a host's questions, so that its tests of the C core run against these modules on a real VM.

A line in: NAME then ARGUMENTS, each i123, f0.5, b (bytes in hex) or s:TYPE:hex. A line out: the result as an argument,
then the structs and bytes given, as they are now.
"""

import sys

import c_structs
import messages
from takt_board import age_gate, framing, safety
from takt_board.age_gate import AgeGate, Command, RosTime
from takt_board.encoder import Encoder, Sample
from takt_board.safety import Safety
from takt_board.wheels import Axis


def _gate(config, c_command, c_ros, now_ns):
    gate = AgeGate(
        config.max_age_ns,
        config.silence_ns,
        config.bound_limit_ns,
        config.speed_absurd_m_s,
        config.yaw_rate_absurd_rad_s,
    )
    command, ros = Command(), RosTime()
    c_structs.load_command(c_command, command)
    c_structs.load_ros(c_ros, ros)
    return gate.judge(command, ros, now_ns)


def _loaded(c):
    state = Safety(False)
    c_structs.load_safety(c, state)
    return state


def _safety_init(c, watchdog_reset):
    c_structs.store_safety(Safety(bool(watchdog_reset)), c)


def _safety_update(c, c_requests, conditions, gate):
    state = _loaded(c)
    requests = [0] * safety.REQUESTS
    c_structs.load_requests(c_requests, requests)
    state.update(requests, conditions, gate)
    c_structs.store_safety(state, c)


def _make_encoder(config):
    return Encoder(
        config.rad_per_count,
        config.window_ns,
        config.gap_ns,
        config.implausible_rad_s,
        config.implausible_limit,
        config.silent_cycles,
    )


def _encoder_init(c):
    c.silent = True


def _encoder_update(c, config, c_sample):
    encoder, sample = _make_encoder(config), Sample()
    c_structs.load_encoder(c, encoder)
    c_structs.load_sample(c_sample, sample)
    encoder.update(sample)
    c_structs.store_encoder(encoder, c)


def _axis(c, limits):
    axis = Axis(limits.speed, limits.acceleration, limits.jerk, limits.speed / limits.stop_rate)
    c_structs.load_axis(c, axis)
    return axis


def _follow(c, limits, wish, dt_s):
    axis = _axis(c, limits)
    axis.follow(wish, dt_s)
    c_structs.store_axis(axis, c)
    return axis.value


def _stop(c, limits, dt_s):
    axis = _axis(c, limits)
    axis.stop(dt_s)
    c_structs.store_axis(axis, c)
    return axis.value


def _decode(line, capacity):
    """Frames as bytes: size, source, destination, payload; behind them the three counters."""
    payload = bytearray(capacity)
    decoder = framing.Decoder(payload, capacity)
    found = bytearray()
    start = 0
    while True:
        start = decoder.feed(line, start, len(line))
        if start < 0:
            break
        size = decoder.size()
        found += bytes((size & 255, size >> 8, decoder.source(), decoder.destination())) + payload[:size]
    counters = (decoder.crc_errors(), decoder.oversized(), decoder.cut())
    return found + bytes(counters)


def _encode(payload, source, destination):
    out = bytearray(framing.encoded_max(len(payload)))
    return out[: framing.encode(out, 0, payload, len(payload), source, destination)]


CALLS = {
    "takt_age_gate": _gate,
    "takt_gate_name": lambda verdict: age_gate.NAMES[verdict],
    "takt_safety_init": _safety_init,
    "takt_safety_update": _safety_update,
    "takt_safety_reason": lambda c: _loaded(c).reason(),
    "takt_safety_duty": lambda c, duty, limit: _loaded(c).duty(duty, limit, -limit),
    "takt_safety_arm_refusal": lambda c, conditions: _loaded(c).arm_refusal(conditions),
    "takt_safety_clear_refusal": lambda c, conditions: _loaded(c).clear_refusal(conditions),
    "takt_cause_name": lambda cause: safety.CAUSES[cause],
    "takt_encoder_init": _encoder_init,
    "takt_encoder_update": _encoder_update,
    "takt_axis_follow": _follow,
    "takt_axis_stop": _stop,
    "takt_crc16": lambda crc, data: framing.crc16(crc, data, 0, len(data)),
    "decode": _decode,
    "encode": _encode,
    "write_message": messages.write,
    "read_message": messages.read,
}


def parse(word, memory):
    if word[0] == "i":
        return int(word[1:])
    if word[0] == "f":
        return float(word[1:])
    if word[0] == "b":
        return bytearray(bytes.fromhex(word[1:]))
    _, kind, digits = word.split(":")
    data = bytearray(bytes.fromhex(digits))
    memory.append(data)
    return c_structs.view(kind, data)


def spell(value):
    if value is None:
        return "n"
    if isinstance(value, float):
        return "f%.17g" % value
    return "b" + value.hex() if isinstance(value, (bytes, bytearray)) else "i%d" % value


def serve():
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        memory = []
        name, *words = line.split()
        result = CALLS[name](*[parse(word, memory) for word in words])
        print(" ".join([spell(result)] + ["b" + data.hex() for data in memory]))


if __name__ == "__main__":
    serve()
