// Every stage against its budget.
import { byId, digits, element, isHeard, mark, write } from "./elements.js";

const NAMES = { photon_to_motor: "light to motor" };
const FIGURES = ["p50", "p95", "p99", "max"];
const rows = new Map();

export function showStages(view) {
  for (const stage of view.stages) showStage(stage);
}

function showStage(stage) {
  if (!rows.has(stage.name)) rows.set(stage.name, build(stage));
  const { row, cells, bars } = rows.get(stage.name);
  mark(row, "class", [isHeard(stage) ? "" : "silent", stage.misses > 0 ? "late" : ""].join(" ").trim());
  for (const key of FIGURES) write(cells[key], digits(stage.count ? stage[key] : null, 1));
  write(cells.budget, digits(stage.budget, 0));
  write(cells.count, digits(stage.count, 0));
  write(cells.misses, stage.misses === undefined ? "" : digits(stage.misses, 0));
  const share = (ms) => `${Math.min(100, (100 * (ms || 0)) / (1.5 * stage.budget))}%`;
  bars.p99.style.width = share(stage.p99);
  bars.p50.style.width = share(stage.p50);
  bars.budget.style.left = share(stage.budget);
}

function build(stage) {
  const bars = Object.fromEntries(["p99", "p50", "budget"].map((kind) => [kind, element("i", { class: kind })]));
  const names = [...FIGURES, "budget", "count", "misses"];
  const cells = Object.fromEntries(names.map((key) => [key, element("td", { id: `${stage.name}-${key}` })]));
  const row = element("tr", {},
    element("th", { scope: "row" }, NAMES[stage.name] || stage.name),
    element("td", { class: "bar", "aria-hidden": "true" }, element("div", { class: "track" }, ...Object.values(bars))),
    ...names.map((key) => cells[key]));
  byId("stages").append(row);
  return { row, cells, bars };
}
