/** First in, first out, without moving what waits: whose turn it is to send. */
export class ReadyQueue<T> {
  #items: T[] = [];
  #head = 0;

  put(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    // The usual case, kept apart since setting the length of an array is a slow call.
    if (this.#head === 0 && this.#items.length === 1) return this.#items.pop();
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && 2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

const COMPACT_AT = 1024;
