// One frame's road from the light to the motor, stretch by stretch: the newest frame's, or the slowest of late.
import { byId, digits, element, write } from "./elements.js";

const REDRAW_MS = 250; // thirty roads a second nobody can read
const REMEMBERED_MS = 10_000;
const OLD_S = 2;
const NAMES = {
  ring: "wait in the ring", plan_wait: "wait for the planner", middleware: "ROS", apply: "line and board",
};
const WAITS = new Set(["ring", "plan_wait", "middleware"]);

export class Waterfall {
  constructor() {
    this.kept = []; // {heardMs, journey} of the last seconds, in order
    this.drawnMs = -Infinity;
  }

  take(journey, budgetMs) {
    const nowMs = performance.now();
    this.kept.push({ heardMs: nowMs, journey });
    while (this.kept[0].heardMs < nowMs - REMEMBERED_MS) this.kept.shift();
    if (nowMs - this.drawnMs < REDRAW_MS || byId("road-hold").checked) return;
    this.drawnMs = nowMs;
    this.draw(this.chosen(), budgetMs);
  }

  // While nothing drives, no frame comes to a motor: then the newest road is that of a while ago.
  showAge(nowMs) {
    const newest = this.kept[this.kept.length - 1];
    const ageS = newest ? (nowMs - newest.journey.observed_ms) / 1000 : 0;
    write(byId("road-age"), ageS > OLD_S ? `the newest frame that came to its end is ${ageS.toFixed(0)} s old` : "");
  }

  chosen() {
    const newest = this.kept[this.kept.length - 1].journey;
    if (byId("road-which").value === "newest") return newest;
    return this.kept.reduce((slowest, { journey }) => (journey.total_ms > slowest.total_ms ? journey : slowest), newest);
  }

  draw(journey, budgetMs) {
    const ends = journey.stages.map((stage) => stage.begin_ms + stage.ms);
    const whole = Math.max(journey.total_ms, ...ends, 1);
    const applied = journey.outcome === "applied";
    write(byId("road-total"), applied
      ? `${digits(journey.total_ms, 1)} ms from light to motor`
      : `no motor moved by it: ${journey.outcome}`);
    write(byId("road-sum"), applied
      ? `Measured by the board, true to ${digits(journey.bound_ms, 2)} ms; budget ${digits(budgetMs, 0)} ms. The stretches add up `
        + `to ${digits(journey.sum_ms, 1)} ms${journey.explained ? "." : ": that does not explain it all."}`
      : "");
    byId("road").replaceChildren(...journey.stages.map((stage) => row(stage, whole)));
  }
}

function row(stage, whole) {
  const bar = element("i", { class: WAITS.has(stage.name) ? "wait" : "work" });
  bar.style.left = `${(100 * Math.max(stage.begin_ms, 0)) / whole}%`;
  bar.style.width = `${(100 * Math.max(stage.ms, 0)) / whole}%`;
  return element("tr", { "data-stage": stage.name },
    element("th", { scope: "row" }, NAMES[stage.name] || stage.name),
    element("td", { class: "bar", "aria-hidden": "true" }, element("div", { class: "track" }, bar)),
    element("td", {}, `${digits(stage.ms, 2)}`));
}
