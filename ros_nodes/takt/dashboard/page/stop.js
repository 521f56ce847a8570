// STOP, and the way back. STOP works at any time, also by the key Escape, and is repeated until the robot has it. The
// way back is a fresh order of a person who sees how things stand: it names the last STOP that this page knew of, and
// the robot refuses it when there was another since.
import { byId, isHeard, truth, write } from "./elements.js";

const AGAIN_MS = 500;
const TRIES = 20;
const WORDS = {
  resume: "Take STOP back?", clear_fault: "Clear the board's fault?", arm: "Arm the motors? The robot may move at once.",
};

export class Stop {
  constructor(feed) {
    this.feed = feed;
    this.notice = byId("stop-answer");
    this.order = byId("order-answer");
    this.trying = false;
    byId("stop").addEventListener("click", () => this.press());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { this.press(); event.preventDefault(); }
    }, { capture: true });
    for (const name of Object.keys(WORDS)) byId(`order-${name}`).addEventListener("click", () => this.confirm(name));
    byId("confirm-no").addEventListener("click", () => byId("confirm").close());
    byId("confirm-yes").addEventListener("click", () => this.confirmed());
    setInterval(() => this.allow(), 250);
  }

  async press() {
    byId("confirm").close();
    if (this.trying) return;
    this.trying = true;
    this.say("STOP is on its way to the robot.");
    for (let number = 1; number <= TRIES && this.trying; number++) {
      const error = await post("/api/stop", undefined).then(() => null, (failure) => failure);
      if (error === null) break;
      this.say(`STOP did not reach the robot (${error.message}), trying again. Use the emergency stop on the robot.`);
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
    this.trying = false;
  }

  say(words) {
    this.notice.hidden = false;
    write(this.notice, words);
  }

  show(view) {
    const { stop, rung } = view;
    const part = (name, answer) => `${name}: ${answer || "no answer yet, asking again"}`;
    const before = isHeard(rung) && rung.stopped;
    if (stop.requested) this.say(`STOP. ${part("Supervisor", stop.supervisor)}. ${part("Board", stop.board)}.`);
    else if (before) this.say("STOP holds. It was pressed before this page was served.");
    else if (!this.trying) this.notice.hidden = true;
    this.allow();
  }

  // What may be ordered now: only on live figures, and only what the arming policy leaves to a person.
  allow() {
    const view = this.feed.model;
    const live = this.feed.isLive && view.board !== undefined;
    const safety = live && isHeard(view.board.safety) ? view.board.safety : null;
    const stopped = live && (view.stop.requested || (isHeard(view.rung) && view.rung.stopped));
    const fault = safety !== null && Boolean(safety.fault) && safety.fault !== "none";
    const disarmed = safety !== null && !truth(safety.armed);
    byId("order-resume").disabled = !stopped;
    byId("order-clear_fault").disabled = !fault;
    byId("order-arm").disabled = !disarmed || stopped || fault;
    const automatic = live && isHeard(view.rung) && view.rung.rearm === "automatic";
    write(byId("policy"), !live ? "no live figures: nothing but STOP can be ordered"
      : automatic ? "policy: automatic. After STOP is taken back the supervisor arms by itself."
        : "policy: operator. Only a person arms, after STOP is taken back and faults are cleared.");
  }

  confirm(name) {
    this.asked = { order: name, stop_number: this.feed.model.stop.number };
    const automatic = name === "resume" && this.feed.model.rung?.rearm === "automatic";
    write(byId("confirm-words"), WORDS[name] + (automatic ? " The robot arms by itself then and may move at once." : ""));
    byId("confirm").showModal();
  }

  async confirmed() {
    byId("confirm").close();
    write(this.order, "asking");
    try {
      const answer = await (await post("/api/order", this.asked)).json();
      write(this.order, `${answer.done ? "done" : "refused"}: ${answer.words}`);
    } catch (failure) {
      write(this.order, failure.message);
    }
  }
}

export async function post(path, body) {
  const answer = await fetch(path, { method: "POST", body: body && JSON.stringify(body), keepalive: true });
  if (!answer.ok) throw new Error((await answer.text()) || answer.statusText);
  return answer;
}
