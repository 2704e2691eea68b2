// Draws an answer over its picture: sides by colour, states by shape, uncertainty as a circle.

const COLOURS = { left: "#ff922b", right: "#4dabf7", middle: "#51cf66" };
export const sideOf = (name) => /(^|_)left(_|$)/.test(name) ? "left" : /(^|_)right(_|$)/.test(name) ? "right" : "middle";

// `options`: names, circles, limbs, label(name) → text, lit: a joint's name or null.
export function draw(canvas, picture, answer, options) {
  const width = picture.width, height = picture.height;
  const ratio = Math.min(2, 2400 / Math.max(width, height));
  const scale = Math.max(1, Math.min(ratio, 1400 / Math.max(width, height)));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  if (!answer) return;
  // A pixel's centre is its whole number: half a pixel to the picture's own grid.
  const at = (joint) => [(joint.x + 0.5) * scale, (joint.y + 0.5) * scale];
  const shown = canvas.clientWidth || canvas.width;
  const unit = Math.max(1, canvas.width / shown);  // one CSS pixel, in canvas pixels
  const people = answer.poses.map((pose) => pose.joints.filter((joint) => joint.x !== null));
  const many = people.some((joints) => joints.length > 40);
  answer.poses.forEach((pose, number) => {
    const byName = new Map(people[number].map((joint) => [joint.name, joint]));
    if (options.limbs) for (const [a, b] of pose.edges) limb(pen, byName.get(a), byName.get(b), at, unit);
  });
  const placed = people.flat();
  if (options.circles && !many) for (const joint of placed) circle(pen, joint, at, scale, unit);
  for (const joint of placed) dot(pen, joint, at, unit * (many ? 0.55 : 1), joint.name === options.lit);
  if (options.names && !many) labels(pen, placed, at, unit, canvas, options);
}

function limb(pen, a, b, at, unit) {
  if (!a || !b) return;
  const [ax, ay] = at(a), [bx, by] = at(b);
  const sides = [sideOf(a.name), sideOf(b.name)];
  const side = sides[0] === sides[1] ? sides[0] : sides.find((one) => one !== "middle") && sides.includes("middle") ? sides.find((one) => one !== "middle") : "middle";
  pen.lineCap = "round";
  pen.setLineDash(a.state === "occluded" || b.state === "occluded" ? [6 * unit, 6 * unit] : []);
  for (const [colour, width] of [["rgb(10 12 16 / 55%)", 6], [COLOURS[side], 3]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width * unit;
    pen.beginPath();
    pen.moveTo(ax, ay);
    pen.lineTo(bx, by);
    pen.stroke();
  }
  pen.setLineDash([]);
}

function circle(pen, joint, at, scale, unit) {
  if (!joint.radius) return;
  const [x, y] = at(joint);
  pen.beginPath();
  pen.arc(x, y, Math.max(joint.radius * scale, 1), 0, Math.PI * 2);
  pen.fillStyle = `${COLOURS[sideOf(joint.name)]}1f`;
  pen.fill();
  pen.setLineDash([4 * unit, 4 * unit]);
  pen.lineWidth = 1.4 * unit;
  pen.strokeStyle = `${COLOURS[sideOf(joint.name)]}cc`;
  pen.stroke();
  pen.setLineDash([]);
}

function dot(pen, joint, at, unit, lit) {
  const [x, y] = at(joint);
  const size = (lit ? 9 : 6) * unit;
  pen.beginPath();
  pen.arc(x, y, size, 0, Math.PI * 2);
  const colour = COLOURS[sideOf(joint.name)];
  pen.lineWidth = 2.6 * unit;
  if (joint.state === "occluded") {
    pen.fillStyle = "rgb(10 12 16 / 45%)";
    pen.fill();
    pen.strokeStyle = colour;
    pen.stroke();
  } else {
    pen.fillStyle = colour;
    pen.fill();
    pen.strokeStyle = lit ? "#ffffff" : "rgb(10 12 16 / 75%)";
    pen.stroke();
  }
}

// Names are put where none covers another: right, left, above or below the joint, else left out.
function labels(pen, joints, at, unit, canvas, options) {
  const size = 13 * unit;
  pen.font = `600 ${size}px system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif`;
  pen.textBaseline = "middle";
  const taken = joints.map((joint) => {
    const [x, y] = at(joint);
    return [x - 7 * unit, y - 7 * unit, x + 7 * unit, y + 7 * unit];
  });
  for (const joint of joints) {
    const text = options.label(joint.name);
    const [x, y] = at(joint);
    const w = pen.measureText(text).width + 10 * unit, h = size * 1.5, gap = 10 * unit;
    const places = [[x + gap, y - h / 2], [x - gap - w, y - h / 2], [x - w / 2, y - gap - h], [x - w / 2, y + gap]];
    const free = places.find(([px, py]) =>
      px >= 0 && py >= 0 && px + w <= canvas.width && py + h <= canvas.height &&
      !taken.some(([l, t, r, b]) => px < r && px + w > l && py < b && py + h > t));
    if (!free && joint.name !== options.lit) continue;
    const [px, py] = free || places[0];
    taken.push([px, py, px + w, py + h]);
    pen.fillStyle = "rgb(14 17 22 / 78%)";
    pen.beginPath();
    pen.roundRect(px, py, w, h, 5 * unit);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.fillText(text, px + 5 * unit, py + h / 2 + unit * 0.5);
  }
}
