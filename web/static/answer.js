// What the model reads: the answer in words and bars, beside the picture that it saw.

import { $, make, percent, sentence } from "./dom.js";
import { paintInk } from "./ink.js";

/** Show a sentence in place of an answer; `tone` is "", "waiting" or "trouble". */
export function say(sentence, tone = "", digits = "") {
  $("answer").dataset.tone = tone;
  write("digits", digits);
  write("said", sentence);
  $("readings").replaceChildren();
  $("correction").hidden = true;
  write("corrected", "");
}

/** Tell what became of a correction. */
export function sayCorrected(sentence) {
  write("corrected", sentence);
}

/** Tell, beside the answer and not aloud, when the next try is; "" when there is none. */
export function sayNext(sentence) {
  write("next", sentence);
}

/** Show a prediction in any of its states. */
export function showAnswer(prediction) {
  sayNext("");
  if (prediction.state === "queued") return say(waiting(prediction), "waiting");
  if (prediction.state === "failed") return say(`${sentence(prediction.error)} Draw it anew.`, "trouble");
  say(verdict(prediction), prediction.unsure ? "unsure" : "", prediction.digits);
  $("readings").replaceChildren(...prediction.probabilities.map((row, at) => reading(row, prediction.pictures[at])));
  showCorrection(prediction);
}

function waiting({ queued_behind: ahead }) {
  return ahead ? `Waiting behind ${ahead} other${ahead > 1 ? "s" : ""}…` : "Reading…";
}

function verdict({ unsure, confidence, probabilities }) {
  if (!unsure) return `${percent(confidence)} sure.`;
  if (probabilities.length > 1) return "Not sure. Try again with more room between the digits.";
  if (probabilities[0].reduce((sum, share) => sum + share) < 0.5) return "Not sure: this is probably no digit.";
  const [first, second] = ranked(probabilities[0]);
  return `Not sure: perhaps a ${first}, perhaps a ${second}, perhaps no digit at all.`;
}

const ranked = (row) =>
  row
    .map((share, digit) => [share, digit])
    .sort(([a], [b]) => b - a)
    .map(([, digit]) => digit);

function reading(row, picture) {
  const best = ranked(row)[0];
  const canvas = make("canvas", { role: "img", "aria-label": "The 28 by 28 picture that the model saw" });
  paintInk(canvas, picture);
  return make(
    "figure",
    { className: "reading" },
    make(
      "ol",
      { className: "bars", "aria-label": "How likely each digit is" },
      ...row.map((share, digit) => bar(digit, share, digit === best)),
    ),
    canvas,
    make("figcaption", {}, "What the model saw"),
  );
}

function bar(digit, share, best) {
  const fill = make("span", { className: "fill" });
  requestAnimationFrame(() => fill.style.setProperty("--share", share));
  return make(
    "li",
    { className: best ? "best" : "" },
    make("span", {}, String(digit)),
    make("span", { className: "track", ariaHidden: "true" }, fill),
    make("span", {}, percent(share)),
  );
}

function showCorrection({ digit, label }) {
  $("correction").hidden = digit === null;
  if (label !== null) sayCorrected(`You say it is a ${label}. Thank you: the next model can learn from it.`);
  for (const button of $("correction").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.value) === label));
  }
}

function write(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text; // the same words are not read aloud again
}
