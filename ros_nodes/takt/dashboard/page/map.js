// Robot, target and obstacles from above, in the odom frame (x to the right, y up).
const TRAIL_POINTS = 1200;
const TRAIL_STEP_M = 0.03;
const STALE_S = 0.5;
const ARC_STEPS = 20;

export class MapView {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.trails = { robot: [], target: [] };
    this.window = null; // what is shown: middle and metres across, eased
  }

  show(view) {
    const target = view.target && view.target.age_s < STALE_S ? view.target : null;
    if (view.pose) extend(this.trails.robot, view.pose);
    if (target) extend(this.trails.target, target);
    if (!view.pose) return;
    this.ease(view.pose);
    const style = getComputedStyle(document.documentElement);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const { pen, canvas } = this;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    this.grid();
    this.trail(this.trails.target, "target", 0.45);
    this.trail(this.trails.robot, "accent", 0.8);
    for (const one of view.obstacles) this.disc(one, one.radius_m, "obstacle", one.moving ? 0.35 : 0.75);
    this.sight(view.pose, view.constants);
    this.arc(view.pose);
    if (target) this.target(target, view.constants);
    this.robot(view.pose, view.constants);
    this.label(view.pose);
  }

  ease(pose) {
    const points = [...this.trails.robot, ...this.trails.target].slice(-600).concat([[pose.x_m, pose.y_m]]);
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    const low = [Math.min(...xs), Math.min(...ys)], high = [Math.max(...xs), Math.max(...ys)];
    const ratio = this.canvas.width / this.canvas.height;
    const wanted = {
      x: (low[0] + high[0]) / 2, y: (low[1] + high[1]) / 2,
      across: Math.max(5, high[0] - low[0] + 2.5, (high[1] - low[1] + 2.5) * ratio),
    };
    if (!this.window) this.window = wanted;
    for (const key of ["x", "y", "across"]) this.window[key] += 0.08 * (wanted[key] - this.window[key]);
  }

  place(x, y) {
    const scale = this.canvas.width / this.window.across;
    return [this.canvas.width / 2 + (x - this.window.x) * scale, this.canvas.height / 2 - (y - this.window.y) * scale];
  }

  get scale() { return this.canvas.width / this.window.across; }

  grid() {
    const { pen, canvas, window: w } = this;
    pen.strokeStyle = this.colour("line");
    pen.lineWidth = 1;
    pen.beginPath();
    for (let x = Math.ceil(w.x - w.across / 2); x < w.x + w.across / 2; x++) {
      const at = this.place(x, 0)[0];
      pen.moveTo(at, 0); pen.lineTo(at, canvas.height);
    }
    for (let y = Math.ceil(w.y - w.across / 2); y < w.y + w.across / 2; y++) {
      const at = this.place(0, y)[1];
      pen.moveTo(0, at); pen.lineTo(canvas.width, at);
    }
    pen.stroke();
  }

  trail(points, colour, opacity) {
    const { pen } = this;
    pen.strokeStyle = this.colour(colour);
    pen.globalAlpha = opacity;
    pen.lineWidth = 2;
    pen.beginPath();
    points.forEach(([x, y], index) => pen[index ? "lineTo" : "moveTo"](...this.place(x, y)));
    pen.stroke();
    pen.globalAlpha = 1;
  }

  disc(at, radius, colour, opacity) {
    const { pen } = this;
    pen.globalAlpha = opacity;
    pen.fillStyle = this.colour(colour);
    pen.beginPath();
    pen.arc(...this.place(at.x_m, at.y_m), radius * this.scale, 0, 2 * Math.PI);
    pen.fill();
    pen.globalAlpha = 1;
  }

  sight(pose, constants) {
    const { pen } = this;
    const [x, y] = this.place(pose.x_m, pose.y_m);
    const half = constants.camera_half_fov_rad;
    pen.globalAlpha = 0.1;
    pen.fillStyle = this.colour("accent");
    pen.beginPath();
    pen.moveTo(x, y);
    pen.arc(x, y, 2.2 * this.scale, -pose.yaw_rad - half, -pose.yaw_rad + half);
    pen.fill();
    pen.globalAlpha = 1;
  }

  // Where the robot goes in the next second if it keeps speed and turn.
  arc(pose) {
    const { pen } = this;
    pen.strokeStyle = this.colour("accent");
    pen.setLineDash([7, 5]);
    pen.lineWidth = 3;
    pen.beginPath();
    pen.moveTo(...this.place(pose.x_m, pose.y_m));
    let { x_m: x, y_m: y, yaw_rad: yaw } = pose;
    for (let step = 0; step < ARC_STEPS; step++) {
      yaw += pose.yaw_rate_rad_s / ARC_STEPS;
      x += (pose.speed_m_s * Math.cos(yaw)) / ARC_STEPS;
      y += (pose.speed_m_s * Math.sin(yaw)) / ARC_STEPS;
      pen.lineTo(...this.place(x, y));
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  target(target, constants) {
    const { pen } = this;
    this.disc(target, 0.12, "target", 1);
    pen.strokeStyle = this.colour("target");
    pen.setLineDash([4, 5]);
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.arc(...this.place(target.x_m, target.y_m), constants.follow_distance_m * this.scale, 0, 2 * Math.PI);
    pen.stroke();
    pen.setLineDash([]);
  }

  robot(pose, constants) {
    const { pen } = this;
    this.disc(pose, constants.footprint_radius_m, "accent", 1);
    const [x, y] = this.place(pose.x_m, pose.y_m);
    const reach = constants.footprint_radius_m * this.scale;
    pen.strokeStyle = this.colour("card");
    pen.lineWidth = 3;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + reach * Math.cos(pose.yaw_rad), y - reach * Math.sin(pose.yaw_rad));
    pen.stroke();
  }

  label(pose) {
    const speed = `${pose.speed_m_s.toFixed(2)} m/s, ${pose.yaw_rate_rad_s.toFixed(2)} rad/s`;
    document.getElementById("pose").textContent = `${speed}; grid 1 m`;
  }
}

function extend(trail, at) {
  const last = trail[trail.length - 1];
  if (last && Math.hypot(at.x_m - last[0], at.y_m - last[1]) < TRAIL_STEP_M) return;
  trail.push([at.x_m, at.y_m]);
  if (trail.length > TRAIL_POINTS) trail.shift();
}
