// Distributions of the host's stages and of the board's cycle, on one logarithmic scale. A bar's height is the logarithm
// of its count: what happened once in a million cycles is what one looks for.
import { byId, drawing, duration, element } from "./elements.js";

const WIDTH = 300, HEIGHT = 96, FLOOR = 74;
const LOWEST_US = 1, HIGHEST_US = 1e6;
const TITLES = {
  capture: "capture", detect: "detect", plan: "plan", link: "link",
  release_jitter: "cycle begun late", execution: "cycle's work", photon_to_motor: "light to motor",
};
const STEPS = [["p50", "p95", 20], ["p95", "p99", 12], ["p99", "max", 4]]; // thinner, where less lies
const place = (us) => (WIDTH * Math.log(Math.min(Math.max(us, LOWEST_US), HIGHEST_US) / LOWEST_US)) / Math.log(HIGHEST_US / LOWEST_US);
let drawn = "";

export function showHistograms(spreads) {
  const text = JSON.stringify(spreads);
  if (text === drawn) return;
  drawn = text;
  byId("spreads").replaceChildren(...spreads.map(figure));
}

function figure(spread) {
  const { p50, p95, p99, max } = spread.percentiles;
  const told = spread.bars.length > 0;
  const words = `p50 ${duration(p50)}, ${told ? "" : `p95 ${duration(p95)}, `}p99 ${duration(p99)}, max ${duration(max)}`;
  const name = `${spread.computer}: ${TITLES[spread.name] || spread.name}`;
  const chart = drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name}: ${words}` });
  axis(chart);
  if (told) bars(chart, spread.bars);
  else span(chart, spread.percentiles);
  limit(chart, spread.budget);
  ticks(chart, spread.percentiles);
  return element("figure", { "data-spread": spread.name, "data-computer": spread.computer },
    element("figcaption", {}, element("b", {}, name), element("span", {}, words)), chart,
    element("p", { class: "note" }, `${spread.times ?? "?"} in all${told ? "" : "; only percentiles are sent"}`));
}

function axis(chart) {
  for (const [us, label] of [[1, "1 µs"], [100, "100 µs"], [1e4, "10 ms"], [1e6, "1 s"]]) {
    const anchor = us === 1 ? "start" : us === 1e6 ? "end" : "middle";
    chart.append(
      drawing("line", { class: "axis", x1: place(us), x2: place(us), y1: 6, y2: FLOOR }),
      drawing("text", { x: place(us), y: HEIGHT - 6, "text-anchor": anchor }, label));
  }
}

function bars(chart, rows) {
  const tallest = Math.log1p(Math.max(...rows.map(([, count]) => count)));
  const ratio = narrowest(rows);
  for (const [upper, count] of rows) {
    const left = place(upper / ratio), height = Math.max(1, ((FLOOR - 10) * Math.log1p(count)) / tallest);
    chart.append(drawing("rect", {
      class: "count", x: left, width: Math.max(place(upper) - left - 0.5, 1), y: FLOOR - height, height,
    }, drawing("title", {}, `up to ${duration(upper)}: ${count}`)));
  }
}

// Ranges stand in a fixed ratio to each other; those next to each other show it.
function narrowest(rows) {
  const ratios = rows.slice(1).map(([upper], index) => upper / rows[index][0]).filter((ratio) => ratio > 1.01);
  return Math.min(2, ...ratios);
}

// Only percentiles are known: half of all lies left of the bar, which gets thinner from p50 over p95 and p99 to the longest.
function span(chart, percentiles) {
  const middle = FLOOR / 2 + 4;
  for (const [from, to, thick] of STEPS) {
    if (typeof percentiles[from] !== "number" || typeof percentiles[to] !== "number") continue;
    const left = place(percentiles[from]), width = Math.max(place(percentiles[to]) - left, 1);
    chart.append(drawing("rect", { class: "count span", x: left, width, y: middle - thick / 2, height: thick },
      drawing("title", {}, `${from} ${duration(percentiles[from])} to ${to} ${duration(percentiles[to])}`)));
  }
}

function ticks(chart, percentiles) {
  for (const name of ["p50", "p99", "max"]) {
    const us = percentiles[name];
    if (typeof us === "number") chart.append(drawing("path", { class: name, d: `M${place(us)} ${FLOOR}l-4 7h8z` }));
  }
}

function limit(chart, us) {
  chart.append(drawing("line", { class: "budget", x1: place(us), x2: place(us), y1: 2, y2: FLOOR },
    drawing("title", {}, `budget ${duration(us)}`)));
}
