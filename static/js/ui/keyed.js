/** A list whose rows keep their elements while they stay, so that focus and presses are not lost when it changes. */

/**
 * @template T
 * @typedef {{ key: (item: T) => string, make: (item: T) => HTMLElement, update?: (row: HTMLElement, item: T) => void }} Rows
 */

/**
 * Make the list's rows those of the items, in their order.
 * @template T
 * @param {HTMLElement} list
 * @param {readonly T[]} items
 * @param {Rows<T>} rows update: what changes in a row that stays
 */
export function showRows(list, items, rows) {
  /** @type {Map<string, HTMLElement>} */
  const old = new Map();
  for (const child of list.children) {
    if (child instanceof HTMLElement && child.dataset["key"]) old.set(child.dataset["key"], child);
  }
  const wanted = items.map((item) => {
    const key = rows.key(item);
    const row = old.get(key) ?? rows.make(item);
    row.dataset["key"] = key;
    rows.update?.(row, item);
    old.delete(key);
    return row;
  });
  for (const gone of old.values()) gone.remove();
  for (const [place, row] of wanted.entries()) {
    const there = list.children[place];
    if (there !== row) list.insertBefore(row, there ?? null);
  }
}
