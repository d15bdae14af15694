// Making and finding elements, and writing figures for people.

export const $ = (id) => document.getElementById(id);

/** Make an element: `make("button", { className: "x" }, "text", child)`. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Write into an element; the same words are not read aloud again. */
export function write(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

/** Make what a program says a sentence. */
export const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** Write a probability down; no model is 100 % sure. */
export const percent = (share) => `${Math.min(Math.round(share * 100), 99)} %`;

export function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function time(iso) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], today ? { timeStyle: "short" } : { day: "numeric", month: "short" });
}
