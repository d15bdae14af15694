// A picture as the model sees it, put on a canvas.

const SIDE = 28;

/** Paint a picture (784 bytes in base64, 0 paper to 255 ink) black on white. */
export function paintInk(canvas, base64) {
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  Array.from(atob(base64), (byte) => 255 - byte.charCodeAt(0)).forEach((grey, at) =>
    image.data.set([grey, grey, grey, 255], at * 4),
  );
  context.putImageData(image, 0, 0);
}
