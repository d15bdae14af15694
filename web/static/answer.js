// What the model reads: the answer in words and bars, beside the picture that it saw.

import { readAs } from "./api.js";
import { $, make, percent, sentence, write } from "./dom.js";
import { inkCanvas } from "./ink.js";

/** Show a sentence in place of an answer; `tone` is "", "waiting" or "trouble". */
export function say(sentence, tone = "", digits = "") {
  $("answer").dataset.tone = tone;
  write("digits", digits);
  write("said", sentence);
  write("next", "");
  $("readings").replaceChildren();
  $("correction").hidden = true;
  write("corrected", "");
}

/** Show a prediction in any of its states. */
export function showAnswer(prediction) {
  if (prediction.state === "queued") return say(waiting(prediction), "waiting");
  if (prediction.state === "failed") return say(`${sentence(prediction.error)} Draw it anew.`, "trouble");
  say(verdict(prediction), prediction.unsure ? "unsure" : "", readAs(prediction));
  $("readings").replaceChildren(...prediction.probabilities.map((row, at) => reading(row, prediction.pictures[at], at + 1)));
  showCorrection(prediction);
}

function waiting({ queued_behind: ahead }) {
  return ahead ? `Waiting behind ${ahead} other${ahead > 1 ? "s" : ""}…` : "Reading…";
}

function verdict(prediction) {
  const { unsure, confidence, probabilities } = prediction;
  if (!unsure) return `${percent(confidence)} sure.`;
  if (probabilities.length > 1) return "Not sure. Try again with more room between the digits.";
  if (!readAs(prediction)) return "Not sure: this is probably no digit.";
  const [first, second] = ranked(probabilities[0]);
  return `Not sure: perhaps ${first}, perhaps ${second}, perhaps no digit at all.`;
}

const ranked = (row) => [...row.keys()].sort((one, other) => row[other] - row[one]);

function reading(row, picture, place) {
  const best = ranked(row)[0];
  return make(
    "figure",
    { className: "reading" },
    make(
      "ol",
      { className: "bars", "aria-label": `Place ${place}: how likely each digit is` },
      ...row.map((share, digit) => bar(digit, share, digit === best && share > 0.1)),
    ),
    inkCanvas(picture, { role: "img", "aria-label": "The 28 by 28 picture that the model saw" }),
    make("figcaption", {}, "What the model saw"),
  );
}

function bar(digit, share, best) {
  const fill = make("span", { className: "fill" });
  requestAnimationFrame(() => fill.style.setProperty("--share", share));
  return make(
    "li",
    { className: best ? "best" : "" },
    make("span", {}, digit),
    make("span", { className: "track", ariaHidden: "true" }, fill),
    make("span", {}, percent(share)),
  );
}

function showCorrection({ digits, label }) {
  const told = label || digits;
  $("correction").hidden = false;
  $("one").hidden = digits.length > 1;
  $("number").value = told.length > 1 ? told : "";
  if (label !== null) write("corrected", `You say it is ${label || "no digit"}. Thank you: the next model can learn from it.`);
  for (const button of valued()) button.ariaPressed = button.value === label;
}

/** Return the buttons that correct at once. */
export const valued = () => $("correction").querySelectorAll("[value]");
