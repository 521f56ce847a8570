// The board's own parameters: read and set through its ROS services, with its ranges and its refusals.
import { byId, element, write } from "./elements.js";
import { post } from "./stop.js";

export class Parameters {
  constructor() {
    byId("parameters").addEventListener("toggle", () => { if (byId("parameters").open) this.read(); });
    byId("parameters-read").addEventListener("click", () => this.read());
  }

  async read() {
    const status = byId("parameters-status");
    write(status, "asking the board");
    try {
      const answer = await fetch("/api/parameters");
      if (!answer.ok) throw new Error(await answer.text());
      const { parameters } = await answer.json();
      byId("parameter-rows").replaceChildren(...parameters.map((one) => this.row(one)));
      write(status, `${parameters.length} parameters, read at ${new Date().toLocaleTimeString()}`);
    } catch (failure) {
      write(status, failure.message);
    }
  }

  row(one) {
    const label = `parameter-${one.name}`;
    const input = element("input", {
      id: label, type: "number", value: one.value, step: one.whole ? 1 : "any", inputmode: "decimal",
      readonly: one.read_only ? "" : null, "aria-describedby": `${label}-range`,
    });
    const answer = element("output", { for: label });
    const form = element("form", { "data-name": one.name },
      element("label", { for: label }, one.name), element("p", { id: `${label}-range` }, hint(one)),
      element("div", { class: "set" }, input, ...(one.read_only ? [] : [element("button", { type: "submit" }, "Set")])), answer);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set(one, input, answer);
    });
    form.noValidate = true; // the board judges, and says why
    return form;
  }

  async set(one, input, answer) {
    const value = input.valueAsNumber;
    if (Number.isNaN(value)) return tell(answer, false, "not a number");
    tell(answer, null, "asking the board");
    try {
      const { done, words } = await (await post("/api/parameters", { name: one.name, value })).json();
      tell(answer, done, words);
    } catch (failure) {
      tell(answer, false, failure.message);
    }
  }
}

function tell(answer, done, words) {
  answer.className = done === null ? "" : done ? "good" : "bad";
  write(answer, done === null ? words : done ? `✓ ${words}` : `✗ refused: ${words}`);
}

function hint(one) {
  const range = Number.isFinite(one.low) && Number.isFinite(one.high) ? `${plain(one.low)} to ${plain(one.high)}` : "any value";
  const parts = [one.purpose, one.read_only ? "read only" : range, one.constraints];
  return parts.filter(Boolean).join("; ");
}

const plain = (value) => String(Number(value.toPrecision(6)));
