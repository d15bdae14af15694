// What this browser remembers between visits; where it may not, the page still works until it is closed.

const fallback = new Map();

/** Return what was kept under `key`, or `otherwise`. */
export function recall(key, otherwise) {
  try {
    return fallback.get(key) ?? JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function keep(key, value) {
  fallback.delete(key);
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    fallback.set(key, value); // full, or forbidden
  }
}
