// Pictures that are not drawn here: opened, pasted or dropped.

/** Hand each picture that a person opens with `input`, pastes or drops on the page to `place(bitmap)`. */
export function takePictures(input, place, refused) {
  const take = async (files) => {
    if (!files?.length) return;
    try {
      place(await createImageBitmap(files[0]));
    } catch {
      refused("This file is not a picture that can be opened. Try a PNG.");
    }
  };
  input.onchange = () => take(input.files).finally(() => (input.value = ""));
  addEventListener("paste", (event) => take(event.clipboardData?.files));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files);
  });
}
