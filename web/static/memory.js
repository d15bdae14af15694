// What this browser remembers between visits; where it may not, the page still works until it is closed.

const fallback = new Map();

/** Return what was kept under `key`, or `otherwise`. */
export function recall(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback.get(key) ?? otherwise;
  } catch {
    return fallback.get(key) ?? otherwise;
  }
}

export function keep(key, value) {
  fallback.set(key, value);
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // full, or forbidden: the fallback has it
  }
}
