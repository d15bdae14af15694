// The calls to the server, and its errors as sentences for a person.

import { sentence } from "./dom.js";

const PREDICTIONS = "api/v1/predictions";
const PATIENCE_MS = 15_000; // after which a server that says nothing counts as away

/** What went wrong with a call: `status` is 0 when no answer came, `retryAfter` seconds or null when not worth it. */
export class Problem extends Error {
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export const isFinal = (prediction) => prediction.state !== "queued";

/** What the model reads: the digits, or "" for what is probably none. */
export const readAs = ({ digits, unsure, probabilities: [first = []] }) =>
  unsure && digits.length === 1 && first.reduce((sum, share) => sum + share) < 0.5 ? "" : digits;

export const eventsUrl = (id) => `${PREDICTIONS}/${id}/events`;

/** Send a drawing; the same `key` sent again is the same drawing, not a second one. */
export function submit(png, key) {
  const headers = { "Content-Type": "image/png", "Idempotency-Key": `"${key}"` };
  return call("POST", PREDICTIONS, { body: png, headers });
}

/** Return the prediction, at once or when it is final or after `wait` seconds. */
export const fetchPrediction = (id, { wait = 0, signal } = {}) =>
  call("GET", `${PREDICTIONS}/${id}?wait=${wait}`, { signal });

export const correct = (id, digits) =>
  call("PUT", `${PREDICTIONS}/${id}/label`, {
    body: JSON.stringify({ digits }),
    headers: { "Content-Type": "application/json" },
  });

export const forget = (id) => call("DELETE", `${PREDICTIONS}/${id}`);

export const fetchStatus = () => call("GET", "api/v1/status");

async function call(method, url, { signal, ...options } = {}) {
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await fetch(url, { method, ...options, signal: AbortSignal.any([signal ?? timeout, timeout]) });
    if (!response.ok) throw await problemOf(response);
    return response.status === 204 ? null : await response.json();
  } catch (error) {
    if (signal?.aborted || error instanceof Problem) throw error;
    throw new Problem(0, "Quill cannot be reached.", 2); // or somebody in between has answered
  }
}

async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  const detail = told.detail || `The server answered with an error (${response.status}).`;
  return new Problem(response.status, sentence(detail), retryAfterOf(response));
}

function retryAfterOf({ status, headers }) {
  const seconds = Number(headers.get("Retry-After"));
  if (seconds > 0) return seconds;
  return [429, 502, 503, 504].includes(status) ? 2 : null;
}
