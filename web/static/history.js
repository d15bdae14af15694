// A person's own drawings: their ids in this browser, their predictions on the server.

import { Problem, fetchPrediction, forget, isFinal, readAs } from "./api.js";
import { $, make, time } from "./dom.js";
import { inkCanvas } from "./ink.js";
import { keep, recall } from "./memory.js";

const KEY = "quill.drawings";
const MOST = 200; // ids remembered
const PAGE = 12;
const LOOK_MS = 3000; // between two looks for answers that are missing

export class History {
  #known = new Map(); // id -> prediction
  #length = PAGE;
  #opened;
  #chosen;
  #again;
  #told; // what the list tells

  /** Show the drawings; `opened(prediction)` is called when one is chosen, `opened(null)` when that one is deleted. */
  constructor(opened) {
    this.#opened = opened;
    $("older").onclick = async () => {
      const { length } = $("drawings").children;
      this.#length += PAGE;
      await this.#load();
      $("drawings").children[length]?.querySelector(".open").focus(); // the button may be gone
    };
    addEventListener("storage", () => this.#load()); // another tab sent or deleted a drawing
    this.#load();
  }

  /** Add or renew a prediction, and return all that is known of it. */
  put(prediction) {
    const known = this.#remember(prediction);
    if (!this.#ids.includes(known.id)) this.#ids = [known.id, ...this.#ids];
    this.#show();
    return known;
  }

  choose(id) {
    this.#chosen = id;
    this.#show();
  }

  get #ids() {
    return recall(KEY, []);
  }

  set #ids(ids) {
    keep(KEY, ids.slice(0, MOST));
  }

  get #open() {
    return this.#ids.slice(0, this.#length).filter((id) => !this.#known.has(id) || !isFinal(this.#known.get(id)));
  }

  async #load() {
    await Promise.all(this.#open.map((id) => this.#fetch(id)));
    this.#show();
  }

  #remember(prediction) {
    const known = { ...this.#known.get(prediction.id), ...prediction };
    this.#known.set(known.id, known);
    return known;
  }

  async #fetch(id) {
    try {
      this.#remember(await fetchPrediction(id));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 404) this.#drop(id);
    }
  }

  async #delete(id) {
    try {
      await forget(id);
    } catch (problem) {
      return this.#say(`It is not deleted yet. ${problem.message} Try again soon.`);
    }
    const at = this.#ids.indexOf(id);
    this.#drop(id);
    if (id === this.#chosen) this.#opened(null);
    this.#show();
    this.#say("Deleted, here and on the server.");
    ($("drawings").children[Math.max(at - 1, 0)]?.querySelector(".open") ?? $("pad")).focus();
    this.#load(); // what moves up
  }

  #drop(id) {
    this.#known.delete(id);
    this.#ids = this.#ids.filter((each) => each !== id);
  }

  #say(sentence) {
    $("history-said").textContent = sentence;
  }

  #show() {
    const drawings = this.#ids.slice(0, this.#length).flatMap((id) => this.#known.get(id) ?? []);
    const told = JSON.stringify([this.#chosen, drawings]);
    // Else a click on an entry that is made anew under it is lost
    if (told !== this.#told) keepFocus(() => $("drawings").replaceChildren(...drawings.map((each) => this.#entry(each))));
    this.#told = told;
    $("none").hidden = this.#ids.length > 0;
    $("older").hidden = this.#ids.length <= this.#length;
    clearTimeout(this.#again);
    if (this.#open.length) this.#again = setTimeout(() => this.#load(), LOOK_MS);
  }

  #entry(prediction) {
    const { id, accepted_at: accepted } = prediction;
    const open = make(
      "button",
      { id: `open-${id}`, className: "open", ariaCurrent: id === this.#chosen, onclick: () => this.#opened(prediction) },
      make("span", { className: "ink", ariaHidden: "true" }, ...prediction.pictures.map((each) => inkCanvas(each))),
      make("span", { className: "read" }, ...summary(prediction)),
      make("time", { dateTime: accepted }, time(accepted)),
    );
    const label = `Delete the drawing read as ${readAs(prediction) || "nothing"}`;
    const remove = make(
      "button",
      { id: `delete-${id}`, className: "delete", ariaLabel: label, onclick: ({ detail }) => detail > 1 || this.#delete(id) },
      "×",
    );
    return make("li", {}, open, remove);
  }
}

function summary(prediction) {
  const { state, label, unsure } = prediction;
  const read = readAs(prediction);
  if (state === "queued") return ["…"];
  if (state === "failed") return ["–"];
  if (label === null) return [unsure ? `${read}?` : read];
  return label === read ? [label || "none"] : [make("s", {}, read || "?"), ` → ${label || "none"}`];
}

function keepFocus(change) {
  const { id } = document.activeElement;
  change();
  if (id && document.activeElement.id !== id) $(id)?.focus({ preventScroll: true });
}
