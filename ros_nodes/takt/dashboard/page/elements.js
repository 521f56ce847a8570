// Making and changing elements. Texts are always set as texts, never as markup.
const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function element(kind, attributes = {}, ...children) {
  return fill(document.createElement(kind), attributes, children);
}

export function drawing(kind, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, kind), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Views come many times a second: touch the document only where something changed.
export function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function mark(target, name, value) {
  if (value === null || value === false) target.removeAttribute(name);
  else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

// Numbers as people read them; a dash for what is not known.
export const digits = (value, places) => (typeof value === "number" ? value.toFixed(places) : "–");

export function duration(us) {
  if (typeof us !== "number") return "–";
  if (us < 1000) return `${us.toFixed(us < 10 ? 1 : 0)} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 1e4 ? 2 : 1)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

export const truth = (value) => value === true || value === 1 || value === "true" || value === "True";

export const SILENT_S = 3;
export const isHeard = (part) => Boolean(part) && typeof part.age_s === "number" && part.age_s < SILENT_S;
