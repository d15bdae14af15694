// Puts the page together: paper, sending, answer, way, history.

import { say, sayCorrected, sayNext, showAnswer } from "./answer.js";
import { Problem, correct, isFinal } from "./api.js";
import { $, make } from "./dom.js";
import { History } from "./history.js";
import { listenToKeys } from "./keys.js";
import { keep, recall } from "./memory.js";
import { Pad } from "./pad.js";
import { follow, send } from "./patience.js";
import { takePictures } from "./pictures.js";
import { showWay } from "./way.js";

const REST_MS = 1000;
const AUTO = "quill.auto";
const WELCOME = "Draw a digit, then press “Predict it”.";

let shown = null; // the prediction on display
let errand = new AbortController(); // sending and following what is on display
let rest = 0;

const pad = new Pad($("pad"), changed);
const history = new History(open);

function changed() {
  $("hint").hidden = !pad.blank;
  clearTimeout(rest);
  if ($("auto").checked && !pad.blank) rest = setTimeout(() => pad.isDrawing || predict(), REST_MS);
}

async function predict() {
  clearTimeout(rest);
  if (pad.blank) return refuse("The paper is blank. Draw a digit first.");
  const { signal } = start();
  const asked = performance.now();
  reset();
  say("Sending…", "waiting");
  await told(async () => {
    const { id } = display(await send(await pad.png(), { signal, troubled: troubledSending }));
    await watch(id, signal, (prediction) => display({ ...prediction, seen_ms: performance.now() - asked }));
  });
}

const watch = (id, signal, changed = display) => follow(id, { signal, changed, troubled: troubledWaiting });

function open(prediction) {
  const { signal } = start();
  if (!prediction) return reset();
  pad.clear(); // what is on the paper would look like what was read; Undo brings it back
  display(prediction);
  if (!isFinal(prediction)) told(() => watch(prediction.id, signal));
}

function clear() {
  start();
  pad.clear();
  reset();
}

async function tell(digit) {
  if (shown?.state !== "done" || shown.digit === null) return;
  const prediction = { ...shown, label: Number(digit) };
  try {
    await correct(prediction.id, prediction.label);
  } catch (problem) {
    return sayCorrected(`That is not kept yet. ${problem.message} Try again soon.`);
  }
  history.put(prediction);
  if (shown?.id === prediction.id) display(prediction);
}

function display(prediction) {
  shown = history.put(prediction);
  history.choose(shown.id);
  showAnswer(shown);
  showWay(shown);
  return shown;
}

function start() {
  errand.abort();
  errand = new AbortController();
  return errand;
}

function reset() {
  shown = null;
  history.choose(null);
  say(WELCOME);
  sayNext("");
  showWay();
}

function refuse(sentence) {
  start();
  reset();
  say(sentence, "trouble");
}

/** Run an errand; what cannot be mended by patience is told, and an errand given up is not. */
async function told(errand_) {
  try {
    await errand_();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    sayNext("");
    say(problem instanceof Problem ? problem.message : "Something went wrong on this page. Reload it to go on.", "trouble");
    if (!(problem instanceof Problem)) throw problem;
  }
}

function troubledSending(problem, seconds) {
  say(`${problem.message} Your drawing stays on this page and is sent again by itself.`, "trouble");
  sayNext(`Next try in ${seconds} s`);
}

function troubledWaiting(problem, seconds) {
  say(`${problem.message} Your drawing is safe there, and its answer is shown as soon as it can be had.`, "trouble");
  sayNext(`Next try in ${seconds} s`);
}

$("predict").addEventListener("click", predict);
$("clear").addEventListener("click", clear);
$("undo").addEventListener("click", () => pad.undo());
$("auto").checked = recall(AUTO, false);
$("auto").addEventListener("change", () => {
  keep(AUTO, $("auto").checked);
  changed();
});
$("correction").append(
  ...Array.from({ length: 10 }, (_, digit) => make("button", { type: "button", value: digit, onclick: () => tell(digit) }, String(digit))),
);
const undo = () => pad.undo();
const commands = { Enter: predict, z: undo, Backspace: undo, c: clear, Delete: clear, ...Object.fromEntries([..."0123456789"].map((digit) => [digit, tell])) };
listenToKeys($("pad"), pad, commands, (sentence) => ($("pen").textContent = sentence));
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z") undo();
});
takePictures($("file"), (bitmap) => pad.place(bitmap), refuse);
reset();
