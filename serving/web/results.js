// What was understood, the joints as a table, refusals and troubles, as elements.

import { EXAMPLES, current, t } from "./words.js";
import { sideOf } from "./overlay.js";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const chips = (texts, onPick) =>
  element("div", { class: "chips" }, ...texts.map((text) => element("button", { type: "button", onclick: () => onPick(text) }, text)));

const dot = (name, state = "") => element("i", { class: `dot ${sideOf(name)} ${state}`, "aria-hidden": "true" });

export function understood(answer, label, onPick) {
  const said = answer.instruction;
  if (said.refused) return refusal(said, onPick);
  const names = said.joints;
  const count = `${names.length} ${names.length === 1 && current() === "en" ? t("joint") : t("joints")}`;
  const facts = [];
  if (said.dims === 3) facts.push([t("dims"), "3-D"]);
  if (said.visibility !== "any") facts.push([t("filter"), t(said.visibility)]);
  if (said.subject !== "all") facts.push([t("subject"), t(`subject-${said.subject}`)]);
  if (said.relations.length) facts.push([t("relation"), said.relations.map((name) => t(`relation-${name}`)).join(", ")]);
  if (said.query) facts.push([t("written"), element("code", {}, said.query)]);
  facts.push([t("confidence"), `${Math.round(said.confidence * 100)} %`]);
  const shown = names.length > 30 ? names.slice(0, 28) : names;
  return element("div", { class: "card understood" },
    element("h3", {}, t("understood"), element("span", { class: "tag accent" }, count),
      element("span", { class: "tag" }, said.skeleton)),
    element("ul", { class: "joints" },
      ...shown.map((name) => element("li", {}, dot(name), label(name))),
      shown.length < names.length ? element("li", {}, `+ ${names.length - shown.length}`) : null),
    element("dl", { class: "facts" },
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])));
}

// Words of another language are told apart from words that say too little.
const reasonOf = (said) =>
  said.reason === "unclear" && said.language === "other" && /\p{L}/u.test(said.text) ? "foreign" : said.reason || "unclear";

function refusal(said, onPick) {
  const near = said.near_matches.map((word) => word.replaceAll("_", " "));
  const offers = near.length ? near.slice(0, 5) : EXAMPLES[current()].slice(0, 3);
  return element("div", { class: "card refusal" },
    element("h3", {}, t("refused")),
    element("p", {}, t(`reason-${reasonOf(said)}`)),
    element("p", { class: "hint" }, t("try-these")),
    chips(offers, onPick));
}

export function people(answer, label, onLight) {
  if (answer.instruction.refused) return [];
  if (!answer.poses.length) return [element("p", { class: "card empty" }, t("nobody"))];
  return answer.poses.map((pose, number) => person(answer, pose, number, label, onLight));
}

function person(answer, pose, number, label, onLight) {
  const deep = pose.joints.some((joint) => joint.z !== undefined && joint.z !== null);
  const heads = [t("joint"), t("state"), "x", "y", ...(deep ? ["z"] : []), t("sure"), t("radius")];
  const row = (joint, aside) => element("tr", {
    class: aside ? "aside" : null,
    onmouseenter: () => onLight(joint.name), onmouseleave: () => onLight(null),
  },
    element("th", { scope: "row" }, element("span", { class: "joint-name" }, dot(joint.name, joint.state), label(joint.name))),
    element("td", {}, t(joint.state), joint.hidden_by ? element("small", {}, t(`by-${joint.hidden_by}`)) : null),
    element("td", {}, cell(joint.x)), element("td", {}, cell(joint.y)),
    ...(deep ? [element("td", {}, cell(joint.z, 2))] : []),
    element("td", {}, deep ? null : bar(joint.confidence), `${Math.round(joint.confidence * 100)} %`),
    element("td", {}, cell(joint.radius)));
  const several = answer.poses.length > 1;
  const unit = pose.z_unit ? element("span", { class: "tag" }, t("shown-from", { unit: t(pose.z_unit === "m" ? "metres" : "torso") })) : null;
  return element("div", { class: "card people" },
    several || unit ? element("h3", {}, several ? `${t("person")} ${number + 1}` : null, unit) : null,
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${t("person")} ${number + 1}` },
      element("table", {},
        element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
        element("tbody", {},
          ...pose.joints.map((joint) => row(joint, false)),
          pose.filtered.length ? element("tr", { class: "aside" }, element("td", { colspan: String(heads.length) }, t("aside"))) : null,
          ...pose.filtered.map((joint) => row(joint, true))))),
    pose.plausibility.length
      ? element("ul", { class: "findings" }, ...pose.plausibility.map((found) => element("li", {}, t(`finding-${found.code}`, { message: found.message }))))
      : null);
}

function bar(share) {
  const inside = element("i", {});
  inside.style.width = `${Math.round(share * 100)}%`;
  return element("span", { class: "sure", "aria-hidden": "true" }, inside);
}

const cell = (value, digits = 1) => value === null || value === undefined ? "–" : value.toFixed(digits);

export function trouble(error) {
  const detail = error.code === "offline" ? t("offline") : error.message;
  return [
    element("h3", {}, t("trouble")),
    element("p", {}, detail),
    error.remedy ? element("p", { class: "hint" }, error.remedy) : null,
    error.id ? element("small", {}, error.id) : null,
  ].filter((node) => node !== null);
}

// One sentence for screen readers and the status line.
export function sentence(answer, label) {
  if (answer.instruction.refused) return `${t("refused")}. ${t(`reason-${reasonOf(answer.instruction)}`)}`;
  if (!answer.poses.length) return t("nobody");
  const pose = answer.poses[0];
  const here = pose.joints.filter((joint) => joint.x !== null);
  const list = pose.joints.slice(0, 8).map((joint) => `${label(joint.name)}: ${t(joint.state)}`).join(current() === "zh" ? "，" : ", ");
  return t("result", { count: here.length, total: pose.joints.length + pose.filtered.length, list });
}
