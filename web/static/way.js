// The way of a drawing: what happened to it at each stage, and how long that took.

import { $, duration, make } from "./dom.js";

const STAGES = {
  accepted: ["Accepted", () => "kept safe before you were told"],
  queued: ["Queued", ({ queued_behind: ahead }) => (ahead ? `behind ${ahead} other${ahead > 1 ? "s" : ""}` : "nobody ahead")],
  classified: ["Classified", ({ batch_size: size, worker }) => `${size > 1 ? `in a batch of ${size}` : "alone"}, by ${worker}`],
  stored: ["Stored", () => "the answer is kept, too"],
};

/** Show how far the prediction has come; without one, show the way that every drawing takes. */
export function showWay(prediction = null) {
  const spent = prediction?.stage_ms ?? {};
  const total = Object.values(spent).reduce((sum, ms) => sum + ms, 0);
  let start = 0;
  const rows = Object.keys(STAGES).map((stage) => {
    const row = stageRow(stage, prediction, spent[stage]);
    place(row, start / total, (spent[stage] ?? 0) / total);
    start += spent[stage] ?? 0;
    return row;
  });
  $("stages").replaceChildren(...rows);
  $("total").textContent = summary(prediction, total);
}

function stageRow(stage, prediction, ms) {
  const [name, tell] = STAGES[stage];
  const passed = ms !== undefined;
  const now = prediction?.state === "queued" && stage === "queued";
  return make(
    "li",
    { className: passed ? "passed" : now ? "now" : "ahead" },
    make("span", { className: "name" }, name),
    make("span", { className: "told" }, passed || now ? tell(prediction) : ""),
    make("span", { className: "line", ariaHidden: "true" }, make("span")),
    make("span", { className: "ms" }, passed ? duration(ms) : now ? "…" : ""),
  );
}

function place(row, start, share) {
  const line = row.querySelector(".line > span");
  line.style.setProperty("--start", start || 0);
  line.style.setProperty("--share", share || 0);
}

function summary(prediction, total) {
  if (!prediction) return "Every drawing passes these four stages.";
  if (prediction.state === "queued") return "It is safe: you may close this page, the answer will be among your drawings.";
  const tries = prediction.attempts > 1 ? `, after ${prediction.attempts} attempts` : "";
  return `${duration(total)} in all${tries}. Model ${prediction.model_version}.`;
}
