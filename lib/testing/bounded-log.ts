/** Remembers the last `limit` entries, oldest first. */
export class BoundedLog<Entry> {
  readonly #limit: number;
  #entries: Entry[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get entries(): readonly Entry[] {
    return this.#limit === 0 ? [] : this.#entries.slice(-this.#limit);
  }

  add(entry: Entry): void {
    // Cut rarely: each entry is then moved once on average.
    if (this.#entries.length >= this.#limit * 2) {
      this.#entries = this.#limit === 0 ? [] : this.#entries.slice(-this.#limit);
    }
    if (this.#limit > 0) this.#entries.push(entry);
  }
}
