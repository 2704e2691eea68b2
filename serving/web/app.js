// The page: a picture, one or two instructions, and what comes back.

import * as api from "./api.js";
import { SNIPPETS, copyText } from "./code.js";
import { draw } from "./overlay.js";
import { element, people, sentence, trouble, understood } from "./results.js";
import { offer } from "./samples.js";
import { EXAMPLES, current, setLanguage, t, translate } from "./words.js";

const $ = (id) => document.getElementById(id);
const state = {
  picture: null,  // ImageBitmap, upright
  blob: null,
  frame: null,  // the server's look
  answers: { a: null, b: null },
  skeletons: new Map(),
  lit: null,
  tab: "curl",
  live: null,
  turn: 0,  // an answer to an older question is dropped
};

// Joint names

function label(name) {
  for (const skeleton of [skeletonInUse(), ...state.skeletons.keys()]) {
    const found = state.skeletons.get(skeleton)?.get(name);
    if (found) return found[current()];
  }
  return name.replaceAll("_", " ");
}
const skeletonInUse = () => state.answers.a?.instruction.skeleton || $("skeleton").value || "coco17";

// Pictures

async function take(blob) {
  let picture;
  try {
    picture = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    return complain({ message: t("no-picture") });
  }
  closeCamera();
  state.picture = picture;
  state.blob = blob;
  state.frame = null;
  state.answers = { a: null, b: null };
  $("drop").hidden = true;
  $("views").hidden = $("under").hidden = false;
  show();
  $("instruction").focus();
  if ($("instruction").value.trim()) await find();
  else await looked();
}

async function looked() {
  if (state.frame) return true;
  busy(true);
  say(t("looking"));
  const blob = state.blob;
  try {
    const frame = await api.look(blob);
    if (blob !== state.blob) return false;
    state.frame = frame;
    quiet();
    say("");
    return true;
  } catch (error) {
    complain(error);
    return false;
  } finally {
    busy(false);
  }
}

// Questions

async function find() {
  const words = [$("instruction").value.trim(), $("compare").checked ? $("instruction-b").value.trim() : ""];
  if (state.live) return state.live.again(question());
  if (!state.picture) return complain({ message: t("need-picture") });
  if (!words[0]) return complain({ message: t("need-words") });
  const turn = ++state.turn;
  if (!(await looked()) || turn !== state.turn) return;
  busy(true);
  say(t("asking"));
  try {
    const asked = words.map((text) => (text ? once(text) : null));
    const [a, b] = await Promise.all(asked);
    if (turn !== state.turn) return;
    state.answers = { a, b };
    quiet();
    show();
    say(sentence(a, label));
  } catch (error) {
    if (turn === state.turn) complain(error);
  } finally {
    if (turn === state.turn) busy(false);
  }
}

// A look that the server has forgotten is sent again, once.
async function once(text, again = true) {
  const start = performance.now();
  try {
    const answer = await api.ask(state.frame.id, text, $("skeleton").value);
    return { ...answer, ms: performance.now() - start };
  } catch (error) {
    if (!again || error.code !== "not-found") throw error;
    state.frame = await api.look(state.blob);
    return once(text, false);
  }
}

const question = () => ({
  instruction: $("instruction").value.trim() || EXAMPLES[current()][0],
  ...($("skeleton").value ? { skeleton: $("skeleton").value } : {}),
});

// Showing

function show() {
  const options = {
    names: $("show-names").checked, circles: $("show-circles").checked,
    limbs: $("show-limbs").checked, label, lit: state.lit,
  };
  // Room first, drawing second: the width of a line depends on how wide its picture is shown.
  $("view-b").hidden = state.answers.b === null;
  for (const side of ["a", "b"]) {
    const answer = state.answers[side];
    if (!$(`view-${side}`).hidden && state.picture) {
      draw($(`canvas-${side}`), state.picture, answer, options);
      $(`canvas-${side}`).setAttribute("aria-label", answer ? sentence(answer, label) : t("picture"));
      caption($(`caption-${side}`), answer);
    }
  }
  results();
  snippet();
}

function caption(node, answer) {
  node.replaceChildren();
  if (!answer) return;
  node.append(element("b", {}, answer.instruction.text));
  if (answer.ms) node.append(` · ${t("took", { ms: Math.round(answer.ms) })}`);
}

function results() {
  $("empty").hidden = state.answers.a !== null;
  for (const side of ["a", "b"]) {
    const answer = state.answers[side];
    $(`result-${side}`).hidden = answer === null;
    $(`result-${side}`).replaceChildren(
      ...(answer ? [understood(answer, label, pick), ...people(answer, label, light)] : []));
  }
}

function light(name) {
  state.lit = name;
  const options = {
    names: $("show-names").checked, circles: $("show-circles").checked,
    limbs: $("show-limbs").checked, label, lit: name,
  };
  for (const side of ["a", "b"]) {
    if (state.answers[side] && state.picture) draw($(`canvas-${side}`), state.picture, state.answers[side], options);
  }
}

function pick(text) {
  $("instruction").value = text;
  find();
}

function busy(on) {
  for (const frame of document.querySelectorAll(".frame")) frame.classList.toggle("busy", on);
  $("views").setAttribute("aria-busy", String(on));
}
const say = (text) => { $("says").textContent = text; };
const quiet = () => { $("trouble").hidden = true; };

function complain(error) {
  if (error.status === 401) {
    $("key-card").hidden = false;
    $("key").focus();
  }
  $("trouble").replaceChildren(...trouble(error));
  $("trouble").hidden = false;
  say("");
}

// As code

function snippet() {
  const answer = state.answers.a;
  $("code").hidden = !answer;
  if (!answer) return;
  $("snippet").textContent = SNIPPETS[state.tab]({
    text: answer.instruction.text, skeleton: $("skeleton").value, origin: location.origin, secret: api.hasKey(),
  });
  for (const name of ["curl", "python"]) {
    const chosen = state.tab === name;
    $(`tab-${name}`).setAttribute("aria-selected", String(chosen));
    $(`tab-${name}`).tabIndex = chosen ? 0 : -1;
  }
  $("snippet").setAttribute("aria-labelledby", `tab-${state.tab}`);
}

async function copy() {
  await copyText($("snippet").textContent);
  $("copy").focus();
  $("copy").textContent = t("copied");
  say(t("copied"));
  setTimeout(() => { $("copy").textContent = t("copy"); }, 1600);
}

// The camera

async function openCamera() {
  try {
    const media = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    $("video").srcObject = media;
    await $("video").play();
  } catch {
    return complain({ message: t("no-camera") });
  }
  quiet();
  $("live").hidden = false;
  $("drop").hidden = true;
  $("views").hidden = $("under").hidden = true;
  $("shoot").focus();
}

async function snapshot(longest = Infinity) {
  const video = $("video");
  if (!video.videoWidth) return null;
  const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight));
  const canvas = element("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  state.snapshot = canvas;
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
}

function goLive() {
  if (state.live) return endLive();
  $("stream").setAttribute("aria-pressed", "true");
  $("views").hidden = false;
  const sent = [];
  const next = async () => {
    const blob = await snapshot(720);
    sent.push(state.snapshot);
    return blob;
  };
  state.live = api.stream(question(), next, (answer) => {
    const picture = sent.shift();
    if (answer.problem) return complain({ ...answer.problem, message: answer.problem.detail });
    quiet();
    state.picture = picture;
    state.answers = { a: answer, b: null };
    show();
  }, endLive);
}

function endLive() {
  state.live?.stop();
  state.live = null;
  $("stream").setAttribute("aria-pressed", "false");
}

function closeCamera() {
  endLive();
  for (const track of $("video").srcObject?.getTracks() || []) track.stop();
  $("video").srcObject = null;
  $("live").hidden = true;
}

function startAgain() {
  closeCamera();
  state.picture = state.blob = state.frame = null;
  state.answers = { a: null, b: null };
  state.turn += 1;
  $("drop").hidden = false;
  $("views").hidden = $("under").hidden = true;
  quiet();
  results();
  snippet();
  $("choose").focus();
}

// Language, theme, examples

function speak(language) {
  setLanguage(language);
  localStorage.setItem("posealign-language", language);
  translate();
  $("language").textContent = language === "zh" ? "EN" : "中文";
  $("language").lang = language === "zh" ? "en" : "zh";
  $("language").setAttribute("aria-label", t("switch-language"));
  const both = current() === "zh" ? [...EXAMPLES.zh, EXAMPLES.en[0]] : [...EXAMPLES.en, EXAMPLES.zh[0]];
  $("examples").replaceChildren(...both.map((text) => element("button", {
    type: "button", lang: /[\u4e00-\u9fff]/.test(text) ? "zh" : "en", onclick: () => pick(text),
  }, text)));
  offer($("samples"), async (text, blob) => { $("instruction").value = text; await take(blob); });
  for (const option of $("skeleton").options) if (option.dataset[language]) option.textContent = option.dataset[language];
  show();
  checkHealth();
}

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("posealign-theme", theme);
}

async function checkHealth() {
  const now = await api.health();
  $("health").className = `health ${{ ready: "good", unreachable: "bad" }[now] || ""}`;
  $("health-text").textContent = t(now);
  if (now === "ready" && !state.skeletons.size) await learn();
}

// Skeletons and the model's name, once the server is ready (and has its key).
async function learn() {
  try {
    const [list, models] = await Promise.all([api.skeletons(), api.models()]);
    const chosen = $("skeleton").value;
    $("skeleton").replaceChildren(...list.map((one) => {
      state.skeletons.set(one.name, new Map(one.joints.map((joint) => [joint.name, joint])));
      const option = element("option", { value: one.name === "coco17" ? "" : one.name });
      for (const language of ["en", "zh"]) option.dataset[language] = one.title[language];
      option.textContent = option.dataset[current()];
      return option;
    }));
    $("skeleton").value = chosen;
    const model = models.find((one) => one.primary);
    $("model").textContent = model ? `${model.name} ${model.version} · ${model.digest.slice(0, 12)} · ${model.provider}` : "";
    $("key-card").hidden = true;
    show();
  } catch (error) {
    if (error.status === 401) $("key-card").hidden = false;
  }
}

function listen() {
  $("form").addEventListener("submit", (event) => { event.preventDefault(); find(); });
  $("choose").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => { const [file] = $("file").files; if (file) take(file); $("file").value = ""; });
  $("camera").addEventListener("click", openCamera);
  $("stop").addEventListener("click", startAgain);
  $("shoot").addEventListener("click", async () => { endLive(); const blob = await snapshot(); if (blob) await take(blob); });
  $("stream").addEventListener("click", goLive);
  $("another").addEventListener("click", startAgain);
  $("copy").addEventListener("click", copy);
  $("language").addEventListener("click", () => speak(current() === "zh" ? "en" : "zh"));
  $("theme").addEventListener("click", () => dress(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  $("compare").addEventListener("change", () => {
    $("second").hidden = !$("compare").checked;
    if ($("compare").checked) $("instruction-b").focus();
    else { state.answers.b = null; show(); }
  });
  $("skeleton").addEventListener("change", () => { if (state.picture && $("instruction").value.trim()) find(); });
  for (const id of ["show-names", "show-circles", "show-limbs"]) $(id).addEventListener("change", show);
  $("key-card").addEventListener("submit", async (event) => { event.preventDefault(); api.setKey($("key").value); quiet(); await learn(); if (state.picture) find(); });
  for (const name of ["curl", "python"]) {
    $(`tab-${name}`).addEventListener("click", () => { state.tab = name; snippet(); });
    $(`tab-${name}`).addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      state.tab = state.tab === "curl" ? "python" : "curl";
      snippet();
      $(`tab-${state.tab}`).focus();
    });
  }
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (file) take(file);
  });
  document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
  let width = 0;
  new ResizeObserver(() => {  // lines keep their thickness on the screen
    if ($("views").clientWidth === width) return;
    width = $("views").clientWidth;
    if (state.picture && !state.live) light(state.lit);
  }).observe($("views"));
}

const wanted = localStorage.getItem("posealign-theme");
dress(wanted || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
listen();
speak(localStorage.getItem("posealign-language") || (navigator.language.startsWith("zh") ? "zh" : "en"));
setInterval(checkHealth, 8000);
