"""The robot on a terminal: the page's state as lines of text. Pure; colours are ANSI sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_OLD_S = 5.0  # a part that was heard of longer ago is shown dim, with its age
_RED, _YELLOW, _GREEN, _DIM, _BOLD, _PLAIN = (f"\x1b[{code}m" for code in (31, 33, 32, 2, 1, 0))
_RUNG_COLOURS = {"NOMINAL": _GREEN, "REDUCED": _YELLOW, "HOLD": _YELLOW, "SAFE": _RED}
Part = Mapping[str, Any]
Paint = Callable[[str, str], str]


def lines(state: Part, *, colours: bool) -> list[str]:
    """``state`` is what `/api/state` of the dashboard gives (takt.dashboard.state.RobotState.snapshot)."""
    paint: Paint = _painted if colours else _unpainted
    return [
        *_ladder(state, paint),
        "",
        *_stages(state["stages"], paint),
        "",
        *_loop(state["board"], paint),
        *_link(state, paint),
        *_clock(state["board"]["clock"], paint),
        *_detector(state.get("detector", {}), paint),
    ]


def _ladder(state: Part, paint: Paint) -> Iterator[str]:
    host, board = state["rung"] or {"age_s": None}, state["board"]["safety"]
    waits = _because(host.get("waiting_for"), "waits for ")
    yield _rung("host", host, host.get("name"), paint) + waits + _age(host, paint)
    words = "armed" if board.get("armed") == "true" else "disarmed"
    fault = board.get("fault", "none")
    more = (
        "" if _silent(board) else f"  {words}" + ("" if fault == "none" else paint(f"  fault {fault}", _RED))
    )
    yield _rung("board", board, board.get("rung"), paint) + more + _age(board, paint)
    if state["stop"]["requested"]:
        yield paint("STOP pressed", _RED) + f"  supervisor: {state['stop']['supervisor'] or 'no answer yet'}"


def _rung(computer: str, part: Part, rung: object, paint: Paint) -> str:
    head = f"{computer + ' ladder':14s}"
    if part.get("age_s") is None or rung is None:
        return head + paint("nothing heard", _DIM)
    return (
        head + paint(f"{rung!s:8s}", _RUNG_COLOURS.get(str(rung), _PLAIN)) + _because(part.get("reason"), "")
    )


def _because(words: object, before: str) -> str:
    return f"  {before}{words}" if words and words != "none" else ""


def _stages(stages: list[Part], paint: Paint) -> Iterator[str]:
    titles = ("p50", "p99", "max", "budget", "passes", "over", "skipped")
    yield paint(f"{'stage, ms':16s}" + "".join(f"{title:>9s}" for title in titles), _BOLD)
    for row in stages:
        yield f"{row['name']:16s}" + _stage(row, paint)


def _stage(row: Part, paint: Paint) -> str:
    budget = float(row["budget"])
    if row["age_s"] is None:
        return " " * 27 + f"{budget:9.1f}  " + paint("nothing heard", _DIM)
    cells = [_over(row.get(key), budget, paint) for key in ("p50", "p99", "max")]
    counts = [_count(row.get(key)) for key in ("count", "misses", "skipped")]
    return "".join(cells) + f"{budget:9.1f}" + "".join(counts) + _age(row, paint)


def _over(value: object, budget: float, paint: Paint) -> str:
    if not isinstance(value, (int, float)):
        return f"{'-':>9s}"
    text = f"{value:9.2f}"
    return paint(text, _RED) if value > budget else text


def _count(value: object) -> str:
    return f"{value:9.0f}" if isinstance(value, (int, float)) else f"{'-':>9s}"


def _loop(board: Part, paint: Paint) -> Iterator[str]:
    loop, timing = board["loop"], board["timing"]
    if _silent(loop):
        yield f"{'board loop':14s}" + paint("nothing heard", _DIM)
        return
    causes = {key.removeprefix("miss_"): value for key, value in loop.items() if key.startswith("miss_")}
    told = ", ".join(f"{cause} {_whole(number)}" for cause, number in causes.items() if number) or "no cause"
    misses = f"{_whole(loop.get('misses'))} misses"
    misses = paint(f"{misses} ({told})", _RED) if loop.get("misses") else misses
    yield f"{'board loop':14s}{_whole(loop.get('cycles'))} cycles  {misses}" + _age(loop, paint)
    yield f"{'':14s}" + "  ".join(
        f"{title} p50 {_whole(timing.get(key + '_p50_us'))} p99 {_whole(timing.get(key + '_p99_us'))} "
        f"max {_whole(timing.get(key + '_max_us'))} us"
        for title, key in (("late", "release_jitter"), ("runs", "execution"))
    )
    yield f"{'ledger':14s}{_whole(loop.get('ledger_pending'))} records wait to be written by the host"


def _link(state: Part, paint: Paint) -> Iterator[str]:
    link, agent = state["board"]["link"], state.get("agent", {"age_s": None})
    if _silent(link):
        yield f"{'link, board':14s}" + paint("nothing heard", _DIM)
    else:
        words = str(link.get("state", "-"))
        words = words if words == "connected" else paint(words, _RED)
        yield (
            f"{'link, board':14s}{words}  round trip {_whole(link.get('round_trip_us'))} us  "
            + _counters(link, ("rx", "tx", "crc_errors", "retransmits", "reconnects", "dropped", "refused"))
            + _age(link, paint)
        )
    if _silent(agent):
        yield f"{'link, agent':14s}" + paint("nothing heard", _DIM)
    else:
        rates = f"in {_whole(agent.get('rx_bytes_per_s'))} out {_whole(agent.get('tx_bytes_per_s'))} bytes/s"
        keys = ("sessions", "crc_errors", "retransmits", "drops", "queue_depth")
        yield f"{'link, agent':14s}{rates}  " + _counters(agent, keys) + _age(agent, paint)


def _clock(clock: Part, paint: Paint) -> Iterator[str]:
    if _silent(clock):
        yield f"{'clock':14s}" + paint("nothing heard", _DIM)
        return
    locked = "locked" if clock.get("locked") == "true" else paint("not locked", _RED)
    bound, drift = _whole(clock.get("bound_us")), clock.get("drift_ppm")
    drifts = f"{drift:.1f}" if isinstance(drift, (int, float)) else "-"
    yield f"{'clock':14s}{locked}  true to {bound} us  drift {drifts} ppm" + _age(clock, paint)


def _detector(detector: Part, paint: Paint) -> Iterator[str]:
    if _silent(detector):
        return
    breaker = str(detector.get("breaker", "-"))
    shown = breaker if breaker in ("CLOSED", "-") else paint(breaker, _RED)
    yield f"{'detector':14s}{detector.get('model', '-')}  breaker {shown}" + _age(detector, paint)


def _counters(part: Part, keys: tuple[str, ...]) -> str:
    return "  ".join(f"{key} {_whole(part[key])}" for key in keys if key in part)


def _whole(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, (int, float)) else "-"


def _silent(part: Part) -> bool:
    return part.get("age_s") is None


def _age(part: Part, paint: Paint) -> str:
    age_s = part.get("age_s")
    return paint(f"  {age_s:.0f} s old", _YELLOW) if age_s is not None and age_s > _OLD_S else ""


def _painted(text: str, colour: str) -> str:
    return f"{colour}{text}{_PLAIN}"


def _unpainted(text: str, _colour: str) -> str:
    return text
