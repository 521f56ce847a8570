// Distributions of the host's stages and of the board's cycle, on one logarithmic scale. A bar's height is the logarithm
// of its count: what happened once in a million cycles is what one looks for.
import { byId, drawing, duration, element } from "./elements.js";

const WIDTH = 300, HEIGHT = 96, FLOOR = 74;
const LOWEST_US = 1, HIGHEST_US = 1e6;
const TITLES = {
  capture: "capture", detect: "detect", plan: "plan", link: "link",
  release_jitter: "release jitter", execution: "execution", response: "response",
};
const place = (us) => (WIDTH * Math.log(Math.min(Math.max(us, LOWEST_US), HIGHEST_US) / LOWEST_US)) / Math.log(HIGHEST_US / LOWEST_US);
let drawn = "";

export function showHistograms(spreads) {
  const text = JSON.stringify(spreads);
  if (text === drawn) return;
  drawn = text;
  byId("spreads").replaceChildren(...spreads.map(figure));
}

function figure(spread) {
  const { p50, p99, max } = spread.percentiles;
  const words = `p50 ${duration(p50)}, p99 ${duration(p99)}, max ${duration(max)}`;
  const name = `${spread.computer}: ${TITLES[spread.name] || spread.name}`;
  const chart = drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name}: ${words}` });
  axis(chart);
  if (spread.bars.length > 0) bars(chart, spread.bars);
  else span(chart, spread.percentiles);
  limit(chart, spread.budget);
  ticks(chart, spread.percentiles);
  return element("figure", { "data-spread": spread.name, "data-computer": spread.computer },
    element("figcaption", {}, element("b", {}, name), element("span", {}, words)), chart);
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

// Only percentiles are known: from p50 to p99 thick, up to the longest thin.
function span(chart, { p50, p99, max }) {
  if (typeof p50 !== "number") return;
  const middle = FLOOR / 2 + 4;
  chart.append(
    drawing("line", { class: "span", x1: place(p50), x2: place(max), y1: middle, y2: middle }),
    drawing("line", { class: "core", x1: place(p50), x2: place(p99), y1: middle, y2: middle }));
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
