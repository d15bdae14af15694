// The operator's page: backlog, rate, workers and batch sizes, drawn live.

import { Problem, fetchStatus } from "./api.js";
import { $, make, write } from "./dom.js";

const LOOK_MS = 1000;
const KEPT = 120; // looks that a line shows

const gauges = [
  gauge(
    "Backlog",
    "drawings wait",
    ({ backlog }) => backlog,
    ({ oldest_s: oldest }) => (oldest ? `the oldest for ${oldest.toFixed(1)} s` : ""),
  ),
  gauge("Rate", "answers a second", ({ rate_per_s: rate }) => rate),
  gauge("Workers", "are alive", ({ queue, workers }) => (queue === "ok" ? workers.length : null)),
  gauge("Batch", "pictures at once", ({ workers }) => Math.max(0, ...workers.map((worker) => worker.batch_size))),
];

function gauge(name, unit, value, remark = () => "") {
  const number = make("span", { className: "number" }, "–");
  const note = make("p", { className: "note" });
  const article = make("article", {}, make("h2", {}, name), make("p", {}, number, unit), note);
  const line = `<svg aria-hidden="true" viewBox="0 0 ${KEPT - 1} 100" preserveAspectRatio="none"><path /></svg>`;
  article.insertAdjacentHTML("beforeend", line);
  $("gauges").append(article);
  const past = [];
  return (status) => {
    const now = value(status); // null when the server cannot tell
    past.push(now ?? past.at(-1) ?? 0);
    if (past.length > KEPT) past.shift();
    number.textContent = now === null ? "–" : round(now);
    note.textContent = [remark(status), `peak ${round(Math.max(...past))}`].filter(Boolean).join(", ");
    article.querySelector("path").setAttribute("d", pathOf(past));
  };
}

const round = (value) => Math.round(value * 10) / 10;

function pathOf(values) {
  const top = Math.max(1, ...values);
  const points = values.map((value, at) => `${KEPT - values.length + at},${98 - (96 * value) / top}`);
  return `M${points.join("L")}`;
}

function showWorkers({ queue, workers }) {
  const rows = workers.map((worker) => {
    const cells = [
      worker.model_version,
      `${worker.batch_size} of ${worker.batch_limit}`,
      worker.held,
      worker.rate_per_s.toFixed(1),
    ].map((cell) => make("td", {}, cell));
    return make("tr", {}, make("th", { scope: "row" }, worker.name), ...cells);
  });
  const none = queue === "ok" ? "None is alive. Start one." : "None is heard of.";
  if (!rows.length) rows.push(make("tr", {}, make("td", { colSpan: 5 }, none)));
  $("workers").replaceChildren(...rows);
}

function health({ store, queue, workers }) {
  if (store !== "ok") return [`The store is away, so nothing is accepted: ${store}`, "trouble"];
  if (queue !== "ok") return [`Redis is away, so drawings are kept and wait: ${queue}`, "trouble"];
  if (!workers.length) return ["No worker is alive, so drawings are kept and wait.", "trouble"];
  return ["All is well.", ""];
}

function tell(sentence, tone) {
  document.body.dataset.tone = tone;
  write("state", sentence);
}

async function look() {
  try {
    const status = await fetchStatus();
    for (const show of gauges) show(status);
    showWorkers(status);
    tell(...health(status));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    tell(`${problem.message} Below is what was last known, asked for every second.`, "trouble");
  } finally {
    setTimeout(look, LOOK_MS);
  }
}

look();
