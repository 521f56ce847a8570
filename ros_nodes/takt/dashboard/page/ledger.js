// The miss ledger of both computers: who was late, when, by how much, and what was measured around it.
import { byId, digits, element, write } from "./elements.js";

const KEPT = 1000;
const SHOWN = 200;
const BLAMED = 12;
const TOLD = 4; // of the evidence; the rest shows when one points at it, and is searched too

export class Ledger {
  constructor() {
    this.rows = []; // newest first
    this.leftOut = 0;
    this.filter = { source: "", cause: "", text: "" };
    for (const key of Object.keys(this.filter)) {
      byId(`ledger-${key}`).addEventListener("input", (event) => {
        this.filter[key] = event.target.value.trim().toLowerCase();
        this.redraw();
      });
    }
    byId("ledger-clear").addEventListener("click", () => this.clearFilter());
  }

  take(misses) {
    if (misses.left_out > 0) this.fetchAll();
    const newest = this.rows.length > 0 ? this.rows[0].number : 0;
    if (misses.number < newest) this.rows = []; // the dashboard started anew
    this.add(misses.rows);
    this.showTotals(misses.totals);
  }

  // More came than one view brings: ask for everything that is held.
  async fetchAll() {
    if (this.fetching) return;
    this.fetching = true;
    try {
      this.add((await (await fetch("/api/misses")).json()).rows, true);
    } finally {
      this.fetching = false;
    }
  }

  add(rows, whole = false) {
    const known = new Set(this.rows.map((row) => row.number));
    const fresh = rows.filter((row) => !known.has(row.number));
    if (fresh.length === 0) return;
    this.rows = [...this.rows, ...fresh].sort((a, b) => b.number - a.number).slice(0, KEPT);
    this.offer("source", "cause");
    if (whole) return this.redraw();
    const body = byId("ledger");
    for (const row of fresh) if (this.fits(row)) body.prepend(line(row));
    while (body.rows.length > SHOWN) body.deleteRow(-1);
    this.count();
  }

  redraw() {
    byId("ledger").replaceChildren(...this.rows.filter((row) => this.fits(row)).slice(0, SHOWN).map(line));
    this.count();
  }

  fits(row) {
    const { source, cause, text } = this.filter;
    if (source && row.source.toLowerCase() !== source) return false;
    if (cause && row.cause.toLowerCase() !== cause) return false;
    return !text || words(row).toLowerCase().includes(text);
  }

  count() {
    const matching = this.rows.filter((row) => this.fits(row)).length;
    const shown = byId("ledger").rows.length;
    write(byId("ledger-count"), this.rows.length === 0 ? "no deadline was missed"
      : `${shown} shown of ${matching} that match, ${this.rows.length} held`);
  }

  // Sources and causes that have occurred, as choices.
  offer(...keys) {
    for (const key of keys) {
      const select = byId(`ledger-${key}`);
      const there = new Set([...select.options].map((option) => option.value));
      const found = [...new Set(this.rows.map((row) => row[key]))].sort();
      for (const name of found) if (!there.has(name)) select.append(element("option", { value: name }, name));
    }
  }

  showTotals(totals) {
    const rows = Object.entries(totals).flatMap(([source, causes]) =>
      Object.entries(causes).map(([cause, count]) => ({ source, cause, count })));
    rows.sort((a, b) => b.count - a.count);
    const most = rows.length > 0 ? rows[0].count : 1;
    byId("blame").replaceChildren(...rows.slice(0, BLAMED).map(({ source, cause, count }) => {
      const bar = element("i", {});
      bar.style.width = `${(100 * count) / most}%`;
      return element("li", {}, element("span", {}, `${source}: ${cause.replaceAll("_", " ")}`),
        element("span", { class: "track", "aria-hidden": "true" }, bar), element("b", {}, String(count)));
    }));
  }

  clearFilter() {
    for (const key of Object.keys(this.filter)) {
      byId(`ledger-${key}`).value = "";
      this.filter[key] = "";
    }
    this.redraw();
  }
}

const inWords = ([key, value]) => `${key} ${Number(value.toPrecision(4))}`;
const evidence = (row) => Object.entries(row.evidence).map(inWords).join(", ");

// What speaks most: the largest figures that are not zero.
function told(row) {
  const found = Object.entries(row.evidence).filter(([, value]) => value !== 0);
  return found.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, TOLD).map(inWords).join(", ");
}

const words = (row) => `${row.source} ${row.epoch}.${row.sequence} ${row.stage} ${row.cause} ${evidence(row)}`;

function clock(ms) {
  const at = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function line(row) {
  const sure = row.bound_ms > 0 ? ` ± ${row.bound_ms >= 1000 ? "?" : digits(row.bound_ms, 1)}` : "";
  return element("tr", { "data-number": row.number, "data-shown-ms": (performance.timeOrigin + performance.now()).toFixed(1), "data-at-ms": row.at_ms },
    element("td", {}, clock(row.at_ms), element("small", {}, sure)),
    element("td", {}, row.source), element("td", {}, row.stage),
    element("td", { class: "figure" }, digits(row.late_ms, 1)),
    element("td", {}, row.cause.replaceAll("_", " ")),
    element("td", { class: "evidence", title: evidence(row) }, told(row)));
}
