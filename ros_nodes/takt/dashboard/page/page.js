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
const feed = new Feed({ show, late });
const stop = new Stop(feed);
new Parameters();

async function show(model, news, jpeg) {
  showFeed();
  stop.show(model);
  ladder.show(model);
  keep(model, news);
  map.show(model);
  waterfall.showAge(model.ros_ms);
  showStages(model);
  showHealth(model);
  if (news.picture) await drawCamera(byId("camera"), jpeg, news.picture);
  showAges(model);
  document.body.dataset.view = model.view;
}

// What does not age: it comes to this page once.
function keep(model, news) {
  if (news.misses) ledger.take(news.misses);
  if (news.journey) waterfall.take(news.journey, budgetMs(model));
  if (news.spreads) showHistograms(news.spreads);
  if (news.trails) map.trails = news.trails;
}

function late(model, news, ageMs) {
  keep(model, news);
  write(byId("lag"), `a view came ${(ageMs / 1000).toFixed(1)} s old and is not shown: the line is too slow`);
  document.body.dataset.late = 1 + Number(document.body.dataset.late || 0);
}

// Beyond a second the camera or the ring stands still: then the picture is not live, and looks so.
function showAges(model) {
  const age = model.picture_age_ms;
  const old = age === null || age > 1000;
  write(byId("picture-age"), age === null ? "no picture yet" : old ? `✗ not live: ${(age / 1000).toFixed(0)} s old` : `${age.toFixed(0)} ms old`);
  mark(byId("picture-age"), "class", old && "bad");
  mark(byId("camera"), "class", old && "stale");
  const lag = feed.oldest(performance.now());
  write(byId("lag"), `${lag.toFixed(0)} ms behind`);
  Object.assign(document.body.dataset, { lagMs: lag.toFixed(1), madeMs: model.now_ms });
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
