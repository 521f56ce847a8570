// The live feed: one view at a time. The robot sends the next one only when this page asks for it, and makes it then, so
// what comes is never older than one round trip, however slow the page, the computer or the network.
const RECONNECT_MS = 1000;
const SILENT_MS = 2000;

export class Feed {
  // `show(model, news, jpeg)`: the model is everything known so far, `news` what this view brought.
  constructor(show) {
    this.show = show;
    this.model = {};
    this.heardMs = -Infinity;
    this.pauseMs = 0; // a person may ask for fewer frames
    this.connect();
  }

  get isLive() { return performance.now() - this.heardMs < SILENT_MS + this.pauseMs; }

  limit(framesPerSecond) { this.pauseMs = framesPerSecond > 0 ? 1000 / framesPerSecond : 0; }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
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

  async take(socket, bytes) {
    this.heardMs = performance.now();
    const say = (word) => { if (socket.readyState === WebSocket.OPEN) socket.send(word); };
    try {
      const length = new DataView(bytes).getUint32(0, true);
      const news = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
      if (this.model.constants && news.constants && news.constants.life !== this.model.constants.life) location.reload();
      Object.assign(this.model, news);
      await this.show(this.model, news, new Uint8Array(bytes, 4 + length));
    } finally {
      say("shown");
      if (this.pauseMs > 0) setTimeout(() => say("next"), this.pauseMs);
      else say("next");
    }
  }
}

// The dashboard may have started anew and want the token again: the page itself leads to where it is given.
async function askIn() {
  const answer = await fetch("/api/state").catch(() => null);
  if (answer && answer.status === 401) location.reload();
}
