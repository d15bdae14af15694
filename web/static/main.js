// Puts the page together: paper, sending, answer, way, history.

import { say, showAnswer, valued } from "./answer.js";
import { Problem, correct, isFinal } from "./api.js";
import { $, make, write } from "./dom.js";
import { History } from "./history.js";
import { listenToKeys } from "./keys.js";
import { keep, recall } from "./memory.js";
import { Pad } from "./pad.js";
import { follow, send } from "./patience.js";
import { takePictures } from "./pictures.js";
import { showWay } from "./way.js";

const REST_MS = 1000;
const AUTO = "quill.auto";
const SENDING = "Your drawing stays on this page and is sent again by itself.";
const WAITING = "Your drawing is safe there, and its answer is shown as soon as it can be had.";

let shown = null; // the prediction on display
let errand = new AbortController(); // sending and following what is on display
let rest;
let taught = Promise.resolve(); // corrections go one by one: the last word counts

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
  await attempt(async () => {
    const accepted = await send(pad.png(), { signal, troubled: troubled(SENDING) });
    if (signal.aborted) return history.put(accepted); // it was given up too late
    display(accepted);
    await watch(accepted.id, signal, (prediction) => display({ ...prediction, seen_ms: performance.now() - asked }));
  });
}

const watch = (id, signal, changed = display) => follow(id, { signal, changed, troubled: troubled(WAITING) });

function open(prediction) {
  if (!prediction) return leave();
  const { signal } = start();
  pad.clear(); // what is on the paper would look like what was read; Undo brings it back
  display(prediction);
  if (!isFinal(prediction)) attempt(() => watch(prediction.id, signal));
}

function clear() {
  pad.clear();
  leave();
}

function leave() {
  errand.abort();
  reset();
}

function teach(label) {
  const prediction = { ...shown, label };
  if (prediction.state === "done") taught = taught.finally(() => tell(prediction));
}

async function tell(prediction) {
  const { id, label } = prediction;
  try {
    await correct(id, label);
  } catch (problem) {
    if (shown?.id !== id) return;
    return write("corrected", `That is not kept. ${problem.message}${problem.retryAfter ? " Try again soon." : ""}`);
  }
  if (shown?.id === id) return display(prediction);
  history.put(prediction);
}

function display(prediction) {
  shown = history.put(prediction);
  history.choose(shown.id);
  showAnswer(shown);
  showWay(shown);
  return shown;
}

function start() {
  $("verdict").scrollIntoView({ block: "nearest" });
  errand.abort();
  errand = new AbortController();
  return errand;
}

function reset() {
  shown = null;
  history.choose(null);
  say("Draw a digit, then press “Predict it”.");
  showWay();
}

function refuse(sentence) {
  start();
  reset();
  say(sentence, "trouble");
}

/** Take the steps; what patience cannot mend is told, and what was given up is not. */
async function attempt(steps) {
  try {
    await steps();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    const known = problem instanceof Problem;
    say(known ? problem.message : "Something went wrong on this page. Reload it to go on.", "trouble");
    if (!known) throw problem;
  }
}

const troubled = (comfort) => (problem, seconds) => {
  say(`${problem.message} ${comfort}`, "trouble");
  write("next", `Next try in ${seconds} s`); // not aloud
};

function teachByKey(digit) {
  if (!(shown?.digits.length > 1)) return teach(digit);
  $("number").value = digit;
  $("number").focus(); // for the others
}

const undo = () => pad.undo();
const keys = { Enter: predict, z: undo, Backspace: undo, c: clear, Delete: clear };
for (const digit of "0123456789") {
  keys[digit] = teachByKey;
  $("one").append(make("button", { value: digit }, digit));
}

$("predict").onclick = ({ detail }) => detail > 1 || predict();
$("undo").onclick = undo;
$("clear").onclick = clear;
$("auto").checked = recall(AUTO, false);
$("auto").onchange = () => {
  keep(AUTO, $("auto").checked);
  changed();
};
for (const button of valued()) button.onclick = () => teach(button.value);
$("number").form.onsubmit = (event) => {
  event.preventDefault();
  teach($("number").value);
};
listenToKeys($("pad"), pad, keys, (sentence) => ($("pen").textContent = sentence));
addEventListener("keydown", (event) => {
  if (event.repeat && event.key === "Enter") event.preventDefault(); // held on a button
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && event.target !== $("number")) undo();
});
takePictures($("file"), (bitmap) => pad.place(bitmap), refuse);
for (const control of document.querySelectorAll("[disabled]")) control.disabled = false; // now they are heard
reset();
