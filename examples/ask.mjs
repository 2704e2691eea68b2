// Ask a running server from JavaScript; in Node 18 or later and, from `ask` on, in a browser.
//   node examples/ask.mjs PICTURE "only the left leg" [SERVER]
// A server with keys: export POSEALIGN_KEY=…. A page elsewhere must be on its cors_origins.

import { readFile } from "node:fs/promises";

const usual = process.env.POSEALIGN_SERVER ?? "http://127.0.0.1:8000";
const [picture, instruction, server = usual] = process.argv.slice(2);
if (!instruction) {
  console.error('usage: node examples/ask.mjs PICTURE "only the left leg" [SERVER]');
  process.exit(2);
}

/** The answer, or an Error whose `code` is the server's. Waits where the server says so. */
export async function ask(blob, text, url, key = "", tries = 4) {
  const form = new FormData();
  form.append("image", blob, "picture");
  form.append("instruction", text);
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const answer = await fetch(`${url}/v1/pose`, { method: "POST", body: form, headers });
  if ((answer.status === 429 || answer.status === 503) && tries > 1) {
    const seconds = Number(answer.headers.get("Retry-After") ?? 1);
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return ask(blob, text, url, key, tries - 1);
  }
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.detail), { code: body.code });
  return body;
}

try {
  const blob = new Blob([await readFile(picture)]);
  const { instruction: understood, poses } = await ask(blob, instruction, server, process.env.POSEALIGN_KEY);
  if (understood.refused) console.log(`refused: ${understood.reason}`);
  poses.forEach((pose, number) => {
    for (const joint of pose.joints) {
      const place = joint.x === null ? "-" : `${joint.x.toFixed(1)}, ${joint.y.toFixed(1)}`;
      console.log(`person ${number}, ${joint.name}: ${place} (${joint.state})`);
    }
  });
} catch (error) {
  console.error(`${error.code ?? "error"}: ${error.message}`);
  process.exitCode = 1;
}
