// Connects to the live feed and hands each view to the parts of the page.
import { drawCamera } from "./camera.js";
import { MapView } from "./map.js";
import { showFigures } from "./figures.js";

const RECONNECT_MS = 1000;
const SILENT_MS = 2000;
const byId = (id) => document.getElementById(id);
const map = new MapView(byId("map"));
let heardMs = 0;

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const feed = new WebSocket(`${scheme}://${location.host}/api/live`);
  feed.binaryType = "arraybuffer";
  feed.onmessage = async (event) => {
    heardMs = performance.now();
    try {
      await show(event.data);
    } finally {
      if (feed.readyState === WebSocket.OPEN) feed.send("shown");
    }
  };
  feed.onclose = () => setTimeout(connect, RECONNECT_MS);
}

async function show(bytes) {
  const length = new DataView(bytes).getUint32(0, true);
  const view = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  showFeed();
  showRung(view);
  showStop(view.stop);
  map.show(view);
  showFigures(view);
  if (view.picture) await drawCamera(byId("camera"), new Uint8Array(bytes, 4 + length), view.picture);
  const age = view.picture_age_ms;
  byId("picture-age").textContent = age === undefined ? "no picture yet" : `${age.toFixed(0)} ms old`;
  document.body.dataset.view = view.view;
}

function showRung(view) {
  const rung = view.rung;
  const silent = !rung || rung.age_s > 3;
  byId("rung").textContent = silent ? "no supervisor" : rung.name;
  byId("rung").dataset.rung = silent ? "" : rung.name;
  const waiting = rung && rung.waiting_for ? `waiting for ${rung.waiting_for.replaceAll(",", ", ")}` : "";
  const doing = view.planner.reason ? `planner: ${view.planner.reason}` : "";
  byId("reason").textContent = [rung && rung.reason, waiting, doing].filter(Boolean).join(" · ");
}

function showStop(stop) {
  const notice = byId("stop-answer");
  notice.hidden = !stop.requested;
  const part = (name, answer) => `${name}: ${answer || "no answer yet, asking again"}`;
  notice.textContent = `STOP. ${part("Supervisor", stop.supervisor)}. ${part("Board", stop.board)}.`;
}

async function stop() {
  const notice = byId("stop-answer");
  try {
    const answer = await fetch("/api/stop", { method: "POST" });
    if (!answer.ok) throw new Error(await answer.text());
  } catch (error) {
    notice.hidden = false;
    notice.textContent = `STOP did not reach the robot (${error.message}). Use the emergency stop on the robot.`;
  }
}

function showFeed() {
  const on = performance.now() - heardMs < SILENT_MS && heardMs > 0;
  byId("feed").dataset.state = on ? "on" : "off";
  byId("feed").textContent = on ? "live" : "no data";
}

byId("stop").addEventListener("click", stop);
setInterval(showFeed, 250);
connect();
