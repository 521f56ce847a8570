// The live feed: one view at a time. The robot sends the next one only when this page asks for it, and makes it then, so
// what comes is never older than one way there and back. How old it is at most, this page knows by its own clock: the
// time since it asked, less the time for which the robot says it was waited for. What may be older than a second is not
// shown as how things stand, however slow the line or this computer.
const OLDEST_MS = 1000;
const FIRST_SMALL = 5; // views with a small picture, before a whole one is tried again
const RECONNECT_MS = 1000;
const SILENT_MS = 2000;

export class Feed {
  // `parts.show(model, news, jpeg)`: the model is everything known so far, `news` what this view brought.
  // `parts.late(model, news, ageMs)`: it came late; only what does not age, such as misses, is to be taken from it.
  constructor(parts) {
    this.parts = parts;
    this.model = {};
    this.freshMs = -Infinity; // when something came that could be shown
    this.askedMs = 0;
    this.small = 0; // so many more views with a small picture
    this.tries = FIRST_SMALL / 2;
    this.pauseMs = 0; // a person may ask for fewer frames
    this.connect();
  }

  get isLive() { return performance.now() - this.freshMs < SILENT_MS + this.pauseMs; }

  limit(framesPerSecond) { this.pauseMs = framesPerSecond > 0 ? 1000 / framesPerSecond : 0; }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.askedMs = performance.now(); // the first view is asked for by connecting
    const socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.take(socket, event.data);
    let opened = false;
    socket.onopen = () => { opened = true; };
    socket.onclose = () => {
      setTimeout(() => this.connect(), RECONNECT_MS);
      if (!opened) askIn();
    };
  }

  // So old is the newest view at most, at a moment of this page's clock.
  oldest(nowMs) { return nowMs - this.askedMs - this.model.waited_ms; }

  async take(socket, bytes) {
    const cameMs = performance.now();
    try {
      const length = new DataView(bytes).getUint32(0, true);
      const news = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
      if (this.model.constants && news.constants && news.constants.life !== this.model.constants.life) location.reload();
      Object.assign(this.model, news);
      const ageMs = this.oldest(cameMs);
      this.chooseSize(ageMs);
      if (ageMs > OLDEST_MS) return this.parts.late(this.model, news, ageMs);
      this.freshMs = cameMs;
      await this.parts.show(this.model, news, new Uint8Array(bytes, 4 + length));
    } finally {
      if (this.pauseMs > 0) setTimeout(() => this.ask(socket), this.pauseMs);
      else this.ask(socket);
    }
  }

  ask(socket) {
    if (socket.readyState !== WebSocket.OPEN) return;
    this.askedMs = performance.now();
    socket.send(this.small > 0 ? "next small" : "next");
  }

  // A line that takes long for a view gets small pictures, and a whole one again to try after more and more of them.
  chooseSize(ageMs) {
    if (ageMs > OLDEST_MS / 2) {
      if (this.small === 0) this.tries = Math.min(2 * this.tries, 64 * FIRST_SMALL);
      this.small = this.tries;
    } else if (this.small > 0) this.small--;
  }
}

// The dashboard may have started anew and want the token again: the page itself leads to where it is given.
async function askIn() {
  const answer = await fetch("/api/state").catch(() => null);
  if (answer && answer.status === 401) location.reload();
}
