// Drawing, and everything else that is done on the paper, by keyboard.

import { SIDE } from "./pad.js";

const STEP = 8;
const LEAP = 32;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Let the keyboard draw on `pad` while `canvas` has the focus.
 *
 * `commands` maps a key to what it does; `told(sentence)` hears what a seeing person sees.
 */
export function listenToKeys(canvas, pad, commands, told) {
  const pen = new KeyPen(pad, told);
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!pen.press(event) && !command(commands, pen, event)) return;
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => pen.hide());
  canvas.addEventListener("pointerdown", () => pen.hide(), { capture: true }); // before the stroke begins
}

function command(commands, pen, { key, repeat }) {
  const run = commands[key] ?? commands[key.toLowerCase()];
  if (!run || repeat) return run;
  pen.lift();
  run(key);
  return true;
}

class KeyPen {
  #pad;
  #told;
  #at = [SIDE / 2, SIDE / 4];
  #isDown = false;

  constructor(pad, told) {
    this.#pad = pad;
    this.#told = told;
  }

  press({ key, shiftKey, repeat }) {
    if (key === " ") repeat || this.#toggle();
    else if (key in MOVES) this.#step(MOVES[key], shiftKey ? LEAP : STEP);
    else return false;
    this.#pad.point(this.#at);
    return true;
  }

  lift() {
    if (this.#isDown) this.#pad.end();
  }

  hide() {
    this.lift();
    this.#pad.point(null);
  }

  #toggle() {
    if (this.#isDown) return this.lift();
    this.#pad.begin(...this.#at, () => this.#lifted());
    this.#isDown = true;
    this.#told("Pen down");
  }

  #lifted() {
    this.#isDown = false;
    this.#told("Pen up");
  }

  #step([dx, dy], length) {
    this.#at = [inside(this.#at[0] + dx * length), inside(this.#at[1] + dy * length)];
    if (this.#isDown) this.#pad.extend(this.#at);
  }
}

const inside = (value) => Math.min(Math.max(value, 0), SIDE);
