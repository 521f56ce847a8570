// Both ladders side by side: on which rung each computer stands, why, and for how long the host stood on each.
import { byId, element, isHeard, mark, truth, write } from "./elements.js";

const RUNGS = ["NOMINAL", "REDUCED", "HOLD", "SAFE"];
const MEANING = {
  NOMINAL: "full speed", REDUCED: "slower", HOLD: "stands, wheels held", SAFE: "motors off",
};

export class Ladder {
  constructor() {
    this.rows = { host: this.build("host"), board: this.build("board") };
  }

  build(computer) {
    const list = byId(`ladder-${computer}`);
    return Object.fromEntries(RUNGS.map((name) => {
      const time = element("span", { class: "time" });
      const row = element("li", { "data-rung": name }, element("b", {}, name), element("span", {}, MEANING[name]), time);
      list.append(row);
      return [name, { row, time }];
    }));
  }

  show(view) {
    const { rung } = view, board = view.board.safety;
    const host = isHeard(rung) ? rung.name : null;
    const below = isHeard(board) ? board.rung : null;
    this.stand("host", host);
    this.stand("board", below);
    for (const name of RUNGS) {
      const seconds = rung && rung.seconds_in[name];
      write(this.rows.host[name].time, seconds ? `${seconds.toFixed(0)} s` : "");
    }
    this.pill("rung", host, "no supervisor");
    this.pill("board-rung", below, "no board");
    write(byId("host-reason"), host ? hostReason(view) : "nothing heard from the supervisor");
    write(byId("board-reason"), below ? boardReason(board) : "nothing heard from the board");
    write(byId("reason"), host ? hostReason(view) : "");
  }

  stand(computer, name) {
    for (const [rung, { row }] of Object.entries(this.rows[computer])) mark(row, "aria-current", rung === name && "true");
  }

  pill(id, name, absent) {
    write(byId(id), name || absent);
    mark(byId(id), "data-rung", name || "");
  }
}

function hostReason(view) {
  const { rung, planner } = view;
  const waiting = rung.waiting_for ? `waiting for ${rung.waiting_for.replaceAll(",", ", ")}` : "";
  const doing = planner.reason ? `planner: ${planner.reason}` : "";
  return [rung.reason, waiting, doing].filter(Boolean).join(" · ") || "all is well";
}

function boardReason(board) {
  const told = (word) => word && word !== "none";
  const fault = told(board.fault) ? `fault: ${board.fault}` : "";
  const words = [truth(board.armed) ? "armed" : "disarmed", told(board.reason) ? board.reason : "", fault];
  return [...new Set(words.filter(Boolean))].join(" · ");
}
