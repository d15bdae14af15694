// The paper: strokes kept as vectors, so that they can be undone, shown at any density and sent at 280 x 280.

import { make } from "./dom.js";

export const SIDE = 280; // of the drawing that is sent, and the unit of every coordinate here
const PEN = 18; // a digit that fills the paper gets strokes as thick as those the model learnt from

export class Pad {
  #canvas;
  #changed;
  #marks = []; // each a stroke (a list of points) or a picture with its paper
  #cleared = [];
  #cursor = null; // the keyboard's pen, [x, y]
  #pointer = null;
  #stroke = null; // the one under way
  #ended;

  /** Let people draw on `canvas`; `changed` is called when a stroke begins or ends, and after each undo and clear. */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#changed = changed;
    canvas.onpointerdown = (event) => this.#down(event);
    canvas.onpointermove = (event) => this.#move(event);
    canvas.onpointercancel = (event) => event.pointerId === this.#pointer && this.undo(); // a palm
    canvas.onlostpointercapture = (event) => event.pointerId === this.#pointer && this.end();
    new ResizeObserver(() => this.#fit()).observe(canvas);
    addEventListener("resize", () => this.#fit()); // zoom changes the density alone
  }

  get blank() {
    return this.#marks.length === 0;
  }

  get isDrawing() {
    return this.#stroke !== null;
  }

  /** Begin a stroke; `ended` is called when it ends, whatever ends it. */
  begin(x, y, ended) {
    this.end();
    this.#ended = ended;
    this.#stroke = [[x, y]];
    this.#marks.push(this.#stroke);
    this.#tell();
  }

  extend(...points) {
    this.#stroke.push(...points);
    this.#show();
  }

  end() {
    if (!this.#stroke) return;
    this.#stroke = null;
    this.#ended();
    this.#tell();
  }

  /** Put a picture on the paper, as large as fits. */
  place(bitmap) {
    this.end();
    this.#marks.push({ bitmap, paper: paperOf(bitmap) });
    this.#tell();
  }

  /** Take the last stroke back; on an empty paper, what was cleared last comes back. */
  undo() {
    this.end();
    if (this.blank) this.#marks = this.#cleared.splice(0);
    else this.#marks.pop();
    this.#tell();
  }

  clear() {
    this.end();
    if (!this.blank) this.#cleared = this.#marks;
    this.#marks = [];
    this.#tell();
  }

  /** Show the keyboard's pen at `cursor`, or hide it with null. */
  point(cursor) {
    this.#cursor = cursor;
    this.#show();
  }

  /** Return the drawing as an opaque PNG of 280 x 280, at once: toBlob may wait a second for idle time. */
  png() {
    const sheet = make("canvas", { width: SIDE, height: SIDE });
    this.#paint(sheet.getContext("2d"));
    return Uint8Array.from(atob(sheet.toDataURL().split(",")[1]), (byte) => byte.charCodeAt(0));
  }

  #down(event) {
    if (this.#stroke || event.button !== 0) return;
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.begin(...this.#place(event), () => (this.#pointer = null));
  }

  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.extend(...(events.length ? events : [event]).map((each) => this.#place(each)));
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  }

  #fit() {
    this.#canvas.width = this.#canvas.height = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    this.#show();
  }

  #tell() {
    this.#show();
    this.#changed();
  }

  #show() {
    const context = this.#canvas.getContext("2d");
    const scale = this.#canvas.width / SIDE;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    this.#paint(context);
    if (this.#cursor) paintCursor(context, ...this.#cursor, this.isDrawing);
  }

  #paint(context) {
    context.fillStyle = "#fff"; // opaque: a transparent paper would be read as black
    context.fillRect(0, 0, SIDE, SIDE);
    for (const mark of this.#marks) {
      if (Array.isArray(mark)) paintStroke(context, mark);
      else paintPicture(context, mark);
    }
  }
}

function paintStroke(context, points) {
  Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
  context.beginPath();
  context.moveTo(points[0][0] + 0.01, points[0][1]); // so that a stroke of one point is a dot
  for (const point of points) context.lineTo(...point);
  context.stroke();
}

/** Return the colour of most of the border: what the server takes for paper. */
function paperOf(bitmap) {
  const context = make("canvas", { width: SIDE, height: SIDE }).getContext("2d");
  context.drawImage(bitmap, 0, 0, SIDE, SIDE);
  const edges = [[0, 0, SIDE, 1], [0, SIDE - 1, SIDE, 1], [0, 0, 1, SIDE], [SIDE - 1, 0, 1, SIDE]];
  const border = Uint8Array.from(edges.flatMap((edge) => [...context.getImageData(...edge).data]));
  const median = (band) => border.filter((_, at) => at % 4 === band).sort()[2 * SIDE];
  return `rgb(${median(0)} ${median(1)} ${median(2)} / ${median(3) / 255})`;
}

function paintPicture(context, { bitmap, paper }) {
  context.fillStyle = paper; // white beside a dark picture would be its paper, and the picture ink
  context.fillRect(0, 0, SIDE, SIDE);
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  context.imageSmoothingQuality = "high"; // else thin lines vanish
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  context.drawImage(bitmap, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
}

function paintCursor(context, x, y, down) {
  Object.assign(context, { lineWidth: 2, strokeStyle: "#2a5db0", fillStyle: "#2a5db0" });
  context.beginPath();
  context.arc(x, y, PEN / 2 + 3, 0, 2 * Math.PI);
  context.stroke();
  if (down) context.fill();
}
