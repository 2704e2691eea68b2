"use strict";
const rows = document.getElementById("rows");
const summary = document.getElementById("summary");
const shown = document.getElementById("shown");
const picture = document.getElementById("picture");
let opener = null;

function cell(text, kind) {
  const made = document.createElement("td");
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function show(name, button) {
  opener = button;
  picture.src = `cameras/${encodeURIComponent(name)}/preview.mjpg`;
  picture.alt = `Camera ${name} with the joints that were asked for; faces are hidden`;
  document.getElementById("caption").textContent = name;
  shown.hidden = false;
  document.getElementById("close").focus();
}

document.getElementById("close").addEventListener("click", () => {
  shown.hidden = true;
  picture.removeAttribute("src");
  if (opener && opener.isConnected) opener.focus();
});

function line(camera) {
  let row = document.getElementById(`camera-${camera.name}`);
  if (!row) {
    row = document.createElement("tr");
    row.id = `camera-${camera.name}`;
    const last = document.createElement("td");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Show";
    button.setAttribute("aria-label", `Show ${camera.name}`);
    button.addEventListener("click", () => show(camera.name, button));
    last.append(button);
    row.append(last);
    rows.append(row);
  }
  const last = row.lastElementChild;
  const state = camera.trouble ? `${camera.state} (${camera.detail})` : camera.state;
  const age = camera.age_s === null ? "–" : `${camera.age_s.toFixed(1)} s`;
  row.replaceChildren(
    cell(camera.name), cell(state, camera.state), cell(camera.fps.toFixed(1), "number"),
    cell(camera.answers_per_second.toFixed(1), "number"), cell(age, "number"),
    cell(camera.dropped, "number"), cell(camera.damaged, "number"),
    cell(camera.connects, "number"), cell(camera.instruction), last);
}

async function refresh() {
  try {
    const answer = await fetch("cameras", { cache: "no-store" });
    const cameras = (await answer.json()).cameras;
    cameras.forEach(line);
    const live = cameras.filter((camera) => camera.state === "live").length;
    const text = `${live} of ${cameras.length} live`;
    if (summary.textContent !== text) summary.textContent = text;
  } catch (error) {
    summary.textContent = "The station does not answer";
  }
  setTimeout(refresh, 1000);
}
refresh();
