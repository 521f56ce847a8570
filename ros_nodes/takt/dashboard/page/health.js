// Link, clock, commands and wheels in words; what is wrong carries a sign besides its colour.
import { byId, digits, element, isHeard, truth, write } from "./elements.js";

const SIGNS = { good: "✓ ", warn: "▲ ", bad: "✗ " };
const REFUSALS = ["stale", "future", "zero", "clock", "nan"];
const drawn = new Map();

export function showHealth(view) {
  const { link, clock, safety, commands, loop, motors } = view.board;
  list("health-link", linkRows(link, view.agent));
  list("health-clock", clockRows(clock));
  list("health-board", [...boardRows(loop, safety), ["commands refused", refusals(commands), ""]]);
  list("wheels", wheelRows(motors));
}

function linkRows(link, agent) {
  const up = isHeard(link);
  return [
    ["link", up ? String(link.state ?? "up") : "silent", up && link.state === "connected" ? "good" : "bad"],
    ["round trip", `${digits(link.round_trip_us, 0)} µs`],
    ["sent, received", `${digits(link.tx, 0)}, ${digits(link.rx, 0)}`],
    ["broken frames", digits(link.crc_errors, 0), link.crc_errors > 0 ? "warn" : ""],
    ["sent again", digits(link.retransmits, 0), link.retransmits > 0 ? "warn" : ""],
    ["reconnects", digits(link.reconnects, 0), link.reconnects > 0 ? "warn" : ""],
    ["bytes/s in, out", agent ? `${digits(agent.rx_bytes_per_s, 0)}, ${digits(agent.tx_bytes_per_s, 0)}` : "–"],
  ];
}

function clockRows(clock) {
  const locked = isHeard(clock) && truth(clock.locked);
  return [
    ["clock", locked ? "locked" : "not locked", locked ? "good" : "bad"],
    ["error at most", `${digits(clock.bound_us, 0)} µs`],
    ["drift", `${digits(clock.drift_ppm, 1)} ppm`],
    ["epoch", digits(clock.epoch, 0)],
  ];
}

function boardRows(loop, safety) {
  const fault = safety.fault && safety.fault !== "none" ? String(safety.fault) : "";
  return [
    ["cycles", digits(loop.cycles, 0)],
    ["missed", digits(loop.misses, 0), loop.misses > 0 ? "warn" : ""],
    ["motors", truth(safety.armed) ? "armed" : "disarmed", truth(safety.armed) ? "good" : "warn"],
    ["fault", fault || "none", fault ? "bad" : ""],
  ];
}

function refusals(commands) {
  const counts = REFUSALS.map((why) => [why, commands[`refused_${why}`] || 0]).filter(([, count]) => count > 0);
  return counts.map(([why, count]) => `${why} ${count}`).join(", ") || "none";
}

function wheelRows(motors) {
  const speed = (side) => `${digits(motors[`speed_${side}_rad_s`], 1)} of ${digits(motors[`setpoint_${side}_rad_s`], 1)} rad/s`;
  const volts = typeof motors.supply_mv === "number" ? `${(motors.supply_mv / 1000).toFixed(1)} V` : "–";
  return [["left wheel", speed("left")], ["right wheel", speed("right")], ["supply", volts]];
}

function list(id, rows) {
  if (!drawn.has(id)) drawn.set(id, rows.map(([name]) => build(byId(id), name)));
  rows.forEach(([, value, mood = ""], index) => {
    const target = drawn.get(id)[index];
    write(target, (SIGNS[mood] || "") + value);
    if (target.className !== mood) target.className = mood;
  });
}

function build(parent, name) {
  const value = element("dd");
  parent.append(element("dt", {}, name), value);
  return value;
}
