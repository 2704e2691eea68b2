// The server, as a few functions. Problems (RFC 9457) become Trouble.

export class Trouble extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code || "";
    this.remedy = problem.remedy || "";
    this.id = problem.instance || "";
  }
}

let key = "";
export const setKey = (value) => { key = value.trim(); };
export const hasKey = () => key !== "";
export const getKey = () => key;

async function call(path, options = {}) {
  const headers = { ...(options.headers || {}) };
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, { code: "offline" });
  }
  if (response.status === 429) {
    const seconds = Number(response.headers.get("Retry-After") || 1);
    if ((options.again ?? 2) > 0) {
      await new Promise((done) => setTimeout(done, seconds * 1000));
      return call(path, { ...options, again: (options.again ?? 2) - 1 });
    }
  }
  if (response.ok) return response;
  let problem = {};
  try { problem = await response.json(); } catch { /* a proxy's own page */ }
  throw new Trouble(response.status, problem);
}

const asJson = (body) => ({
  method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
});

// Looks at a picture once; the answer's id is asked about as often as one likes.
export async function look(blob, signal) {
  const form = new FormData();
  form.append("image", blob, "picture");
  return (await call("/v1/frames", { method: "POST", body: form, signal })).json();
}

export async function ask(frame, instruction, skeleton, signal) {
  const body = { instruction, ...(skeleton ? { skeleton } : {}) };
  return (await call(`/v1/frames/${frame}/pose`, { ...asJson(body), signal })).json();
}

export const skeletons = async () => (await call("/v1/skeletons")).json();
export const models = async () => (await call("/v1/models")).json();

export async function health() {
  try {
    const response = await fetch("/v2/health/ready", { cache: "no-store" });
    return response.ok ? "ready" : "starting";
  } catch {
    return "unreachable";
  }
}

// Frames in, poses out, the latest frame wins; `next` gives a JPEG blob.
export function stream(question, next, onAnswer, onEnd) {
  const address = new URL("/v1/stream", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  let open = true;
  const send = async () => {
    const bytes = await (await next())?.arrayBuffer();
    if (bytes && socket.readyState === WebSocket.OPEN) socket.send(bytes);
  };
  socket.onopen = () => {
    if (!open) return socket.close();
    socket.send(JSON.stringify({ ...question, ...(key ? { key } : {}) }));
    send();
  };
  socket.onmessage = (event) => {
    if (!open) return;
    onAnswer(JSON.parse(event.data));
    send();
  };
  socket.onclose = () => { if (open) { open = false; onEnd(); } };
  return {
    // A socket that is not open yet closes when it is: browsers call the other an error.
    stop: () => { open = false; if (socket.readyState === WebSocket.OPEN) socket.close(); },
    again: (other) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(other)),
  };
}
