// The way of a drawing: what happened to it at each stage, and how long that took.

import { $, duration, make } from "./dom.js";

// Each stage: its name, what happens there to any drawing, and to this one where that tells more.
const STAGES = {
  accepted: ["Accepted", "kept safe before you are told"],
  queued: ["Queued", "until a worker takes it", queued],
  waited: ["Waited", "for the model to be free"],
  classified: ["Classified", "in one go with whatever else waits", classified],
  stored: ["Stored", "the answer is kept before you see it"],
};

/** Show how far the prediction has come; without one, show the way that every drawing takes. */
export function showWay(prediction = null) {
  const spent = prediction?.stage_ms ?? {};
  const total = Object.values(spent).reduce((sum, ms) => sum + ms, 0) || 1;
  let start = 0;
  const rows = Object.entries(STAGES).map(([stage, texts]) => {
    const row = stageRow(texts, progress(stage, prediction), prediction, spent[stage]);
    const ms = spent[stage] ?? 0;
    row.querySelector(".line > span").style.cssText = `--start: ${start / total}; --share: ${ms / total}`;
    start += ms;
    return row;
  });
  $("stages").replaceChildren(...rows);
  $("total").textContent = summary(prediction, total);
}

function queued({ queued_behind: ahead }) {
  if (ahead) return `behind ${ahead} other${ahead > 1 ? "s" : ""}`;
  return ahead === 0 ? "with nobody ahead" : "until a worker took it";
}

function classified({ batch_size: size, worker }) {
  return `${size > 1 ? `in a batch of ${size}` : "alone"}, by ${worker}`;
}

/** Return how far the prediction is with the stage: "passed", "now" or "ahead". */
function progress(stage, prediction) {
  if (!prediction) return "ahead";
  if (prediction.state === "done" || stage === "accepted" || stage in prediction.stage_ms) return "passed";
  return stage === "queued" && prediction.state === "queued" ? "now" : "ahead";
}

function stageRow([name, always, told = () => always], where, prediction, ms) {
  return make(
    "li",
    { className: where, ariaCurrent: where === "now" && "step" },
    make("span", { className: "name" }, name),
    make("span", { className: "told" }, where === "ahead" ? always : told(prediction)),
    make("span", { className: "ms" }, ms === undefined ? "" : duration(ms)),
    make("span", { className: "line", ariaHidden: "true" }, make("span")),
  );
}

function summary(prediction, total) {
  if (!prediction || prediction.state === "failed") return "";
  if (prediction.state === "queued")
    return "It is safe. You may even close this page: the answer will be among your drawings.";
  const tries = prediction.attempts > 1 ? `, after ${prediction.attempts} attempts` : "";
  const seen = prediction.seen_ms ? ` You had the answer ${duration(prediction.seen_ms)} after you asked.` : "";
  return `${duration(total)} in all${tries}, by model ${prediction.model_version}.${seen}`;
}
