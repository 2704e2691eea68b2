// Sample pictures for the empty page: rendered by the project's synthetic infant, each with a question.

import { element } from "./results.js";
import { current } from "./words.js";

let rows = null;

// Fills the list; `taken(instruction, blob)` is told which one was chosen.
export async function offer(list, taken) {
  rows ??= fetch("/web/samples.json").then((answer) => (answer.ok ? answer.json() : []), () => []);
  const language = current();
  const found = await rows;
  if (language !== current()) return;  // the language changed meanwhile: the later call fills it
  list.replaceChildren(...found.map((row) => element("li", {}, element("button", {
    type: "button",
    onclick: async () => {
      const text = row.instruction[current()];
      taken(text, await (await fetch(`/web/${row.file}`)).blob());
    },
  }, element("img", { src: `/web/${row.file}`, alt: row.shows[language], width: 512, height: 512, loading: "lazy" }),
  row.instruction[language]))));
}
