// A person's own drawings: their ids in this browser, their predictions on the server.

import { Problem, fetchPrediction, forget, isFinal } from "./api.js";
import { $, make, time } from "./dom.js";
import { paintInk } from "./ink.js";

const KEY = "quill.drawings";
const MOST = 200; // ids that are remembered
const PAGE = 12;
const LOOK_MS = 3000; // how often drawings still in the queue are asked for

export class History {
  #ids = JSON.parse(localStorage.getItem(KEY) ?? "[]");
  #known = new Map();
  #shown = PAGE;
  #opened;
  #chosen = null;

  /** Show the drawings; `opened(prediction)` is called when one is chosen, `opened(null)` when that one is deleted. */
  constructor(opened) {
    this.#opened = opened;
    $("older").addEventListener("click", () => this.#showOlder());
    this.#load();
  }

  /** Add or renew a prediction; it becomes the chosen one when it is new. */
  put(prediction) {
    this.#known.set(prediction.id, { ...this.#known.get(prediction.id), ...prediction });
    if (!this.#ids.includes(prediction.id)) this.#remember([prediction.id, ...this.#ids]);
    this.#show();
  }

  choose(id) {
    this.#chosen = id;
    this.#show();
  }

  async #load() {
    const wanted = this.#ids.slice(0, this.#shown).filter((id) => !isFinal(this.#known.get(id) ?? { state: "queued" }));
    const found = await Promise.all(wanted.map((id) => this.#fetch(id)));
    this.#show();
    if (found.some((prediction) => prediction && !isFinal(prediction))) setTimeout(() => this.#load(), LOOK_MS);
  }

  async #fetch(id) {
    try {
      const prediction = await fetchPrediction(id);
      this.#known.set(id, { ...this.#known.get(id), ...prediction });
      return prediction;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 404) this.#remember(this.#ids.filter((each) => each !== id));
      return { state: "queued" }; // not known yet: asked for again
    }
  }

  async #delete(id) {
    await forget(id);
    this.#remember(this.#ids.filter((each) => each !== id));
    if (id === this.#chosen) this.#opened(null);
    this.#show();
  }

  #remember(ids) {
    this.#ids = ids.slice(0, MOST);
    localStorage.setItem(KEY, JSON.stringify(this.#ids));
  }

  #showOlder() {
    this.#shown += PAGE;
    this.#load();
  }

  #show() {
    const ids = this.#ids.slice(0, this.#shown).filter((id) => this.#known.has(id));
    $("drawings").replaceChildren(...ids.map((id) => this.#entry(this.#known.get(id))));
    $("none").hidden = this.#ids.length > 0;
    $("older").hidden = this.#ids.length <= this.#shown;
  }

  #entry(prediction) {
    const { id, accepted_at: accepted } = prediction;
    const canvas = make("canvas", { ariaHidden: "true" });
    paintInk(canvas, prediction.pictures[0]);
    const open = make("button", { type: "button", className: "open", onclick: () => this.#opened(prediction) }, canvas, ...summary(prediction), make("time", { dateTime: accepted }, time(accepted)));
    open.setAttribute("aria-current", String(id === this.#chosen));
    const remove = make("button", { type: "button", className: "delete", ariaLabel: `Delete the drawing read as ${prediction.digits || "nothing"}`, onclick: () => this.#delete(id) }, "×");
    return make("li", {}, open, remove);
  }
}

function summary({ state, digits, label, unsure }) {
  if (state !== "done") return [make("span", { className: "read" }, state === "queued" ? "…" : "–")];
  if (label !== null && String(label) !== digits) return [make("span", { className: "read" }, make("s", {}, digits), ` ${label}`)];
  return [make("span", { className: "read" }, unsure && label === null ? `${digits}?` : digits)];
}
