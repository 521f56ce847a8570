// Hands each view of the live feed to the parts of the page.
import { describePicture, drawCamera } from "./camera.js";
import { byId, digits, mark, write } from "./elements.js";
import { Feed } from "./feed.js";
import { showHealth } from "./health.js";
import { showHistograms } from "./histograms.js";
import { Ladder } from "./ladder.js";
import { Ledger } from "./ledger.js";
import { MapView } from "./map.js";
import { Parameters } from "./parameters.js";
import { showStages } from "./stages.js";
import { Stop } from "./stop.js";
import { Waterfall } from "./waterfall.js";

const map = new MapView(byId("map"));
const ladder = new Ladder();
const ledger = new Ledger();
const waterfall = new Waterfall();
const feed = new Feed(show);
const stop = new Stop(feed);
new Parameters();

async function show(model, news, jpeg) {
  showFeed();
  stop.show(model);
  ladder.show(model);
  if (news.misses) ledger.take(news.misses);
  if (news.journey) waterfall.take(news.journey, budgetMs(model));
  if (news.spreads) showHistograms(news.spreads);
  map.show(model, news.trails);
  showStages(model);
  showHealth(model);
  if (news.picture) await drawCamera(byId("camera"), jpeg, news.picture);
  const age = model.picture_age_ms;
  write(byId("picture-age"), age === undefined ? "no picture yet" : `${age.toFixed(0)} ms old`);
  write(byId("lag"), typeof model.lag_ms === "number" ? `${model.lag_ms.toFixed(0)} ms behind` : "");
  document.body.dataset.view = model.view;
}

const budgetMs = (model) => model.stages.find((stage) => stage.name === "photon_to_motor").budget;

function showFeed() {
  const live = feed.isLive;
  mark(byId("feed"), "data-state", live ? "on" : "off");
  write(byId("feed"), live ? "live" : "no data");
}

// What the pictures show, in words, for those who do not see them; seldom, so that it can be read out.
function describe() {
  const { picture, pose, target, obstacles } = feed.model;
  mark(byId("camera"), "aria-label", describePicture(picture));
  if (!pose) return;
  const far = target ? Math.hypot(target.x_m - pose.x_m, target.y_m - pose.y_m) : null;
  mark(byId("map"), "aria-label", `robot at ${digits(pose.x_m, 1)}, ${digits(pose.y_m, 1)} m; `
    + `${far === null ? "no target" : `target ${digits(far, 1)} m away`}; ${obstacles.length} obstacles`);
}

byId("frames").addEventListener("change", (event) => feed.limit(Number(event.target.value)));
setInterval(showFeed, 250);
setInterval(describe, 1000);
