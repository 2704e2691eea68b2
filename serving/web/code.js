// The question that was just asked, as a line for a shell and as Python.

import { element } from "./results.js";

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

// How to write { text, skeleton, origin, secret }; `secret`: this server wants a key.
export const SNIPPETS = {
  curl: ({ text, skeleton, origin, secret }) => [
    `curl ${origin}/v1/pose`, ...(secret ? [`  -H "Authorization: Bearer $POSEALIGN_KEY"`] : []),
    "  -F image=@picture.jpg", `  -F ${quoted(`instruction=${text}`)}`,
    ...(skeleton ? [`  -F skeleton=${skeleton}`] : []),
  ].join(" \\\n"),
  python: ({ text, skeleton, origin, secret }) => [
    ...(secret ? ["import os"] : []), "from posealign.client import Client", "",
    `with Client(${JSON.stringify(origin)}${secret ? ', key=os.environ["POSEALIGN_KEY"]' : ""}) as client:`,
    `    result = client.pose("picture.jpg", ${JSON.stringify(text)}${skeleton ? `, skeleton="${skeleton}"` : ""})`,
    "    for joint in result.poses[0].joints:", "        print(joint.name, joint.x, joint.y, joint.state.name)",
  ].join("\n"),
};

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // without https only the old way is allowed
    const area = element("textarea", { class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
