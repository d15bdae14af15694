// A picture as the model sees it, put on a canvas.

import { make } from "./dom.js";

const SIDE = 28;

/** Make a canvas with a picture (784 bytes in base64, 0 paper to 255 ink) black on white. */
export function inkCanvas(base64, properties) {
  const canvas = make("canvas", { width: SIDE, height: SIDE, ...properties });
  const image = new ImageData(SIDE, SIDE);
  image.data.fill(255);
  [...atob(base64)].forEach((byte, at) => image.data.fill(255 - byte.charCodeAt(0), 4 * at, 4 * at + 3));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
