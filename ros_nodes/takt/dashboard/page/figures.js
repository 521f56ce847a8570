// The numbers: stages against their budgets, the control loop, link, clock and safety.
const NAMES = { capture: "capture", detect: "detect", plan: "plan", link: "link", photon_to_motor: "light to motor" };
const SILENT_S = 3;
const byId = (id) => document.getElementById(id);
const text = (value, digits) => (typeof value === "number" ? value.toFixed(digits) : "–");
const rows = new Map();

export function showFigures(view) {
  for (const stage of view.stages) showStage(stage);
  showRoad(view.road_ms);
  showLoop({ ...view.board.timing, ...view.board.loop }, view.constants.period_ms);
  showWheels(view.board.motors);
  showHealth(view.board);
}

function showStage(stage) {
  if (!rows.has(stage.name)) rows.set(stage.name, makeRow(stage.name));
  const row = rows.get(stage.name);
  const known = stage.age_s !== null && stage.age_s < SILENT_S;
  row.row.className = [known ? "" : "silent", stage.misses > 0 ? "late" : ""].join(" ").trim();
  for (const key of ["p50", "p95", "p99", "max"]) row.cells[key].textContent = text(stage.count ? stage[key] : null, 1);
  row.cells.count.textContent = stage.count;
  row.cells.misses.textContent = stage.misses === undefined ? "" : stage.misses;
  const widest = 1.5 * stage.budget;
  const share = (ms) => `${Math.min(100, (100 * (ms || 0)) / widest)}%`;
  row.bars.p99.style.width = share(stage.p99);
  row.bars.p50.style.width = share(stage.p50);
  row.bars.budget.style.left = share(stage.budget);
}

function makeRow(name) {
  const row = byId("stages").insertRow();
  row.insertCell().textContent = NAMES[name] || name;
  const track = document.createElement("div");
  track.className = "track";
  const bar = row.insertCell();
  bar.className = "bar";
  bar.append(track);
  const bars = {};
  for (const kind of ["p99", "p50", "budget"]) {
    bars[kind] = document.createElement("i");
    bars[kind].className = kind;
    track.append(bars[kind]);
  }
  const cells = {};
  for (const key of ["p50", "p95", "p99", "max", "count", "misses"]) {
    cells[key] = row.insertCell();
    cells[key].id = `${name}-${key}`;
  }
  return { row, bars, cells };
}

function showRoad(road) {
  byId("road-total").textContent = road ? `${road.applied.toFixed(1)} ms from light to motor` : "";
  if (!road) return;
  const parts = [
    ["capture", road.captured, "capture"],
    ["wait", road.detect_began - road.captured, "wait"],
    ["detect", road.detected - road.detect_began, "detect"],
    ["motor", road.applied - road.detected, "plan, link, apply"],
  ];
  byId("road").replaceChildren(...parts.map(([kind, ms, name]) => {
    const part = document.createElement("span");
    part.className = kind;
    part.style.flex = `${Math.max(ms, 0)} 1 0`;
    part.title = `${name} ${ms.toFixed(1)} ms`;
    part.textContent = ms > 0.12 * road.applied ? `${name} ${ms.toFixed(1)}` : "";
    return part;
  }));
}

const SVG = "http://www.w3.org/2000/svg";
function draw(parent, kind, attributes, words) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (words !== undefined) element.textContent = words;
  parent.append(element);
}

function showLoop(loop, periodMs) {
  const chart = byId("loop");
  chart.replaceChildren();
  const periodUs = 1000 * periodMs;
  const place = (us) => 6 + 328 * Math.min(1, Math.max(0, Math.log10(Math.max(us, 1)) / Math.log10(2 * periodUs)));
  for (const us of [1, 10, 100, 1000, 10000]) {
    draw(chart, "line", { class: "axis", x1: place(us), x2: place(us), y1: 8, y2: 164 });
    draw(chart, "text", { x: place(us), y: 181, "text-anchor": us === 1 ? "start" : "middle" }, us < 1000 ? `${us} µs` : `${us / 1000} ms`);
  }
  draw(chart, "line", { class: "period", x1: place(periodUs), x2: place(periodUs), y1: 8, y2: 164 });
  spread(chart, place, loop, "release_jitter", "release jitter", 20);
  spread(chart, place, loop, "execution", "execution", 98);
  const known = loop.age_s !== null && loop.age_s < SILENT_S;
  byId("loop-count").textContent = known ? `${text(loop.cycles, 0)} cycles, ${text(loop.misses, 0)} missed` : "no word from the board";
}

function spread(chart, place, loop, key, name, y) {
  const at = (p) => loop[`${key}_${p}_us`];
  draw(chart, "text", { x: 6, y, class: "value" }, name);
  if (typeof at("p50") !== "number") return;
  draw(chart, "text", { x: 6, y: y + 46 }, `p50 ${at("p50")}, p99 ${at("p99")}, max ${at("max")} µs`);
  draw(chart, "line", { class: "span", x1: place(1), x2: place(at("p99")), y1: y + 20, y2: y + 20 });
  draw(chart, "line", { class: "core", x1: place(1), x2: place(at("p50")), y1: y + 20, y2: y + 20 });
  draw(chart, "circle", { class: "max", cx: place(at("max")), cy: y + 20, r: 5 });
}

function list(element, entries) {
  element.replaceChildren(...entries.flatMap(([name, value, mood]) => {
    const term = document.createElement("dt"), answer = document.createElement("dd");
    term.textContent = name;
    answer.textContent = value;
    answer.className = mood || "";
    return [term, answer];
  }));
}

function showWheels(motors) {
  list(byId("wheels"), [
    ["left wheel", `${text(motors.speed_left_rad_s, 1)} of ${text(motors.setpoint_left_rad_s, 1)} rad/s`],
    ["right wheel", `${text(motors.speed_right_rad_s, 1)} of ${text(motors.setpoint_right_rad_s, 1)} rad/s`],
    ["supply", typeof motors.supply_mv === "number" ? `${(motors.supply_mv / 1000).toFixed(1)} V` : "–"],
  ]);
}

const truth = (value) => value === true || value === 1 || value === "true";
function showHealth(board) {
  const { link, clock, safety, commands } = board;
  const heard = link.age_s !== null && link.age_s < SILENT_S;
  const refused = ["stale", "future", "zero", "clock", "nan"].map((why) => [why, commands[`refused_${why}`] || 0]);
  const reasons = refused.filter(([, count]) => count > 0).map(([why, count]) => `${why} ${count}`).join(", ");
  list(byId("health"), [
    ["link", heard ? String(link.state ?? "up") : "silent", heard ? "good" : "bad"],
    ["round trip", `${text(link.round_trip_us, 0)} µs`],
    ["sent, received", `${text(link.tx, 0)}, ${text(link.rx, 0)}`],
    ["broken frames", text(link.crc_errors, 0), link.crc_errors > 0 ? "warn" : ""],
    ["sent again", text(link.retransmits, 0)],
    ["reconnects", text(link.reconnects, 0), link.reconnects > 0 ? "warn" : ""],
    ["clock", truth(clock.locked) ? "locked" : "not locked", truth(clock.locked) ? "good" : "bad"],
    ["clock error at most", `${text(clock.bound_us, 0)} µs`],
    ["clock drift", `${text(clock.drift_ppm, 1)} ppm`],
    ["board", `${safety.rung ?? "–"}${truth(safety.armed) ? ", armed" : ", disarmed"}`, truth(safety.armed) ? "good" : "warn"],
    ["fault", String(safety.fault || "none"), safety.fault && safety.fault !== "none" ? "bad" : ""],
    ["commands refused", reasons || "none"],
  ]);
}
