// Waiting on purpose: for the next try, or for an answer.

import { Problem, eventsUrl, fetchPrediction, isFinal, submit } from "./api.js";

const LISTEN_MS = 15_000; // a silent connection is given up after this
const LONGEST_S = 15; // between tries, unless the server asks for more

/**
 * Send a drawing until the server takes it. Only what cannot get better by itself is thrown. `signal` ends the tries, but
 * not the one under way, which the server may have taken.
 *
 * `troubled(problem, seconds)` is called every second until the next try.
 */
export async function send(png, { troubled, signal }) {
  const key = randomKey();
  for (let failures = 0; ; failures += 1) {
    try {
      return await submit(png, key);
    } catch (problem) {
      signal.throwIfAborted();
      if (!(problem instanceof Problem) || problem.retryAfter === null) throw problem;
      await countDown(problem, failures, troubled, signal);
    }
  }
}

/** Tell each change of a prediction until it is final: by server-sent events, else by asking. */
export async function follow(id, { changed, troubled, signal }) {
  if (await listen(id, changed, signal)) return;
  for (let failures = 0; !signal.aborted;) {
    try {
      const prediction = await fetchPrediction(id, { wait: 5, signal });
      failures = 0;
      changed(prediction);
      if (isFinal(prediction)) return;
      await pause(1, signal);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status === 404) throw problem;
      await countDown(problem, failures, troubled, signal);
      failures += 1;
    }
  }
}

/** Resolve to whether the final prediction was heard. */
function listen(id, changed, signal) {
  const source = new EventSource(eventsUrl(id));
  return new Promise((resolve) => {
    source.addEventListener("prediction", ({ data }) => {
      const prediction = JSON.parse(data);
      changed(prediction);
      if (isFinal(prediction)) resolve(true);
    });
    source.addEventListener("error", () => resolve(false));
    setTimeout(() => resolve(false), LISTEN_MS);
    signal.addEventListener("abort", () => resolve(true));
  }).finally(() => source.close());
}

async function countDown(problem, failures, troubled, signal) {
  const end = Date.now() + 1000 * Math.max(problem.retryAfter ?? 0, Math.min(2 * 1.5 ** failures, LONGEST_S));
  while (Date.now() < end) { // not by ticks: a laptop may sleep
    troubled(problem, Math.ceil((end - Date.now()) / 1000));
    if (await pause(1, signal)) return;
  }
}

/** Wait; resolve early, to true, when the network comes back; reject when the signal aborts. */
function pause(seconds, signal) {
  const ended = new AbortController();
  return new Promise((resolve, reject) => {
    setTimeout(resolve, seconds * 1000);
    addEventListener("online", () => resolve(true), { signal: ended.signal });
    signal.addEventListener("abort", () => reject(signal.reason), { signal: ended.signal });
  }).finally(() => ended.abort());
}

// Not crypto.randomUUID: it is missing without TLS, as on a phone in the same network.
const randomKey = () => crypto.getRandomValues(new BigUint64Array(2)).join("-");
