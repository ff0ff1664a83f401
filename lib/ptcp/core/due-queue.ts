import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';

/** What waits in a DueQueue. The queue keeps `dueIndex`; it is -1 outside. */
export interface Due {
  readonly dueAt: Instant;
  dueIndex: number;
}

/** The due times of all connections of an endpoint: a binary heap that knows where each item is. */
export class DueQueue<T extends Due> {
  readonly #heap: T[] = [];

  get nextDueAt(): Instant {
    return this.#heap[0]?.dueAt ?? NEVER;
  }

  /** Puts `item` where its due time says, or takes it out when that is NEVER. */
  update(item: T): void {
    if (item.dueAt === NEVER) {
      this.remove(item);
      return;
    }
    if (item.dueIndex < 0) {
      item.dueIndex = this.#heap.length;
      this.#heap.push(item);
    }
    this.#down(this.#up(item.dueIndex));
  }

  remove(item: T): void {
    const index = item.dueIndex;
    if (index < 0) return;
    item.dueIndex = -1;
    const last = this.#heap.pop()!;
    if (last === item) return;
    this.#heap[index] = last;
    last.dueIndex = index;
    this.#down(this.#up(index));
  }

  /** Takes out one item that is due at `now`. */
  takeDue(now: Instant): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.dueAt > now) return undefined;
    this.remove(first);
    return first;
  }

  #up(from: number): number {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#heap[parent]!.dueAt <= this.#heap[index]!.dueAt) break;
      this.#swap(index, parent);
      index = parent;
    }
    return index;
  }

  #down(from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const isRight = right < this.#heap.length && this.#heap[right]!.dueAt < this.#heap[left]!.dueAt;
      const child = isRight ? right : left;
      if (this.#heap[index]!.dueAt <= this.#heap[child]!.dueAt) return;
      this.#swap(index, child);
      index = child;
    }
  }

  #swap(a: number, b: number): void {
    const first = this.#heap[a]!;
    const second = this.#heap[b]!;
    this.#heap[a] = second;
    this.#heap[b] = first;
    second.dueIndex = a;
    first.dueIndex = b;
  }
}
