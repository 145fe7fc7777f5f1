/**
 * What was measured here and has not reached the server: on this machine's disk (IndexedDB), bounded, in order. Where a
 * browser keeps nothing, in memory.
 */

/** @typedef {Record<string, unknown>} Item A reading without its key. */
/** @typedef {Readonly<{ number: number, encounter: string, item: Item }>} Entry */

/** Beyond so many, the oldest is given up. */
export const MOST_ENTRIES = 20_000;
const DATABASE = "readings";
const ENTRIES = "entries";
const FACTS = "facts";

/**
 * @typedef {object} Store
 * @property {string} id of the journal: with an entry's number, it makes a key that is never used twice
 * @property {(encounter: string, item: Item) => Promise<number>} add gives back the entry's number
 * @property {(encounter: string, most: number) => Promise<Entry[]>} oldest
 * @property {(numbers: readonly number[]) => Promise<void>} remove
 * @property {() => Promise<number>} count
 */

/** @returns {string} 16 hexadecimal digits */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** @implements {Store} */
export class MemoryJournal {
  /** @param {number} [most] */
  constructor(most = MOST_ENTRIES) {
    this.id = newId();
    this._most = most;
    this._next = 1;
    /** @type {Entry[]} */
    this._entries = [];
  }

  /** @param {string} encounter @param {Item} item */
  async add(encounter, item) {
    const number = this._next;
    this._next += 1;
    this._entries.push({ number, encounter, item });
    if (this._entries.length > this._most) this._entries.shift();
    return number;
  }

  /** @param {string} encounter @param {number} most */
  async oldest(encounter, most) {
    return this._entries.filter((entry) => entry.encounter === encounter).slice(0, most);
  }

  /** @param {readonly number[]} numbers */
  async remove(numbers) {
    const gone = new Set(numbers);
    this._entries = this._entries.filter((entry) => !gone.has(entry.number));
  }

  async count() {
    return this._entries.length;
  }
}

/** @implements {Store} */
class DiskJournal {
  /** @param {IDBDatabase} database @param {string} id */
  constructor(database, id) {
    this._database = database;
    this.id = id;
  }

  /** @param {string} encounter @param {Item} item */
  async add(encounter, item) {
    const entries = this._entries("readwrite");
    const number = Number(await done(entries.add({ encounter, item })));
    if ((await done(entries.count())) > MOST_ENTRIES) {
      const oldest = await done(entries.getAllKeys(null, 1));
      if (oldest[0] !== undefined) await done(entries.delete(oldest[0]));
    }
    return number;
  }

  /** @param {string} encounter @param {number} most @returns {Promise<Entry[]>} */
  async oldest(encounter, most) {
    const entries = this._entries("readonly").index("encounter");
    const [numbers, values] = await Promise.all([
      done(entries.getAllKeys(encounter, most)),
      done(entries.getAll(encounter, most)),
    ]);
    return values.map((value, n) => ({ number: Number(numbers[n]), encounter, item: value.item }));
  }

  /** @param {readonly number[]} numbers */
  async remove(numbers) {
    const entries = this._entries("readwrite");
    await Promise.all(numbers.map((number) => done(entries.delete(number))));
  }

  async count() {
    return done(this._entries("readonly").count());
  }

  /** @param {IDBTransactionMode} mode */
  _entries(mode) {
    return this._database.transaction(ENTRIES, mode).objectStore(ENTRIES);
  }
}

/**
 * Open the journal of this browser.
 *
 * @returns {Promise<Store>}
 */
export async function openJournal() {
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.addEventListener("upgradeneeded", () => {
      const entries = opening.result.createObjectStore(ENTRIES, { autoIncrement: true });
      entries.createIndex("encounter", "encounter");
      opening.result.createObjectStore(FACTS).add(newId(), "id");
    });
    const database = await done(opening);
    const id = await done(database.transaction(FACTS, "readonly").objectStore(FACTS).get("id"));
    return new DiskJournal(database, String(id));
  } catch {
    // A private window, or a full disk: then as long as the page is open.
    return new MemoryJournal();
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
