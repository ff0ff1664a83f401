/** The integers from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

// Fewer leading entries than this are not worth moving the rest for.
const COMPACT_AT = 32;

/**
 * A set of non-negative safe integers, kept as sorted ranges that neither overlap nor touch.
 *
 * Look-up is logarithmic in the number of ranges; growth at the upper end and removal at the lower end are cheap. An
 * empty range (`end <= start`) adds and removes nothing, and is always covered.
 */
export class RangeSet implements Iterable<Range> {
  // Range i is [#starts[i], #ends[i]), and #ends[i] < #starts[i + 1]. Entries before #head were removed.
  // Two arrays of numbers, not one of objects: beyond 2^31 each number field of an object is an allocation.
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #head = 0;
  #totalLength = 0;

  /** How many ranges there are. */
  get count(): number {
    return this.#starts.length - this.#head;
  }

  /** How many integers are covered. */
  get totalLength(): number {
    return this.#totalLength;
  }

  get first(): Range | undefined {
    return this.#range(this.#head);
  }

  get last(): Range | undefined {
    return this.#range(this.#starts.length - 1);
  }

  /** The range at `index`, from 0 in ascending order. */
  at(index: number): Range | undefined {
    return index < 0 ? undefined : this.#range(this.#head + index);
  }

  /** Covers [start, end). */
  add(start: number, end: number): void {
    if (end <= start) return;
    const starts = this.#starts;
    const ends = this.#ends;
    // Ranges from `low` up to `high` overlap the new one or touch it, and become one with it.
    const low = this.#firstEndingFrom(start);
    let high = low;
    let first = start;
    let last = end;
    let coveredBefore = 0;
    for (; high < starts.length && (starts[high] as number) <= end; high++) {
      first = Math.min(first, starts[high] as number);
      last = Math.max(last, ends[high] as number);
      coveredBefore += (ends[high] as number) - (starts[high] as number);
    }
    this.#totalLength += last - first - coveredBefore;
    if (low === high) {
      insert(starts, low, start);
      insert(ends, low, end);
    } else {
      starts[low] = first;
      ends[low] = last;
      this.#delete(low + 1, high);
    }
  }

  /** Whether all of [start, end) is covered. */
  covers(start: number, end: number): boolean {
    if (end <= start) return true;
    const index = this.#firstEndingFrom(end);
    return index < this.#starts.length && (this.#starts[index] as number) <= start;
  }

  contains(point: number): boolean {
    return this.covers(point, point + 1);
  }

  /** The range that covers `point`. */
  rangeAt(point: number): Range | undefined {
    const index = this.#firstEndingFrom(point + 1);
    const range = this.#range(index);
    return range !== undefined && range.start <= point ? range : undefined;
  }

  /** The first integer at or after `from` that is not covered. */
  nextGap(from: number): number {
    const index = this.#firstEndingFrom(from + 1);
    const isCovered = index < this.#starts.length && (this.#starts[index] as number) <= from;
    return isCovered ? (this.#ends[index] as number) : from;
  }

  /** The first integer at or after `from` that is covered, or Infinity. */
  nextCovered(from: number): number {
    const index = this.#firstEndingFrom(from + 1);
    return index < this.#starts.length
      ? Math.max(from, this.#starts[index] as number)
      : Number.POSITIVE_INFINITY;
  }

  /** The first integer from which on all below `point` is covered. */
  coveredSince(point: number): number {
    const index = this.#firstEndingFrom(point);
    return index < this.#starts.length ? Math.min(point, this.#starts[index] as number) : point;
  }

  /** Uncovers all below `point`. */
  removeBelow(point: number): void {
    const starts = this.#starts;
    const ends = this.#ends;
    let head = this.#head;
    while (head < starts.length && (ends[head] as number) <= point) {
      this.#totalLength -= (ends[head] as number) - (starts[head] as number);
      head++;
    }
    if (head < starts.length && (starts[head] as number) < point) {
      this.#totalLength -= point - (starts[head] as number);
      starts[head] = point;
    }
    this.#head = head;
    // Moving at least as many entries out as stay makes the move cost nothing, counted over all removals.
    if (head === starts.length || (head >= COMPACT_AT && head * 2 >= starts.length)) {
      starts.splice(0, head);
      ends.splice(0, head);
      this.#head = 0;
    }
  }

  /** Uncovers [start, end). */
  remove(start: number, end: number): void {
    if (end <= start) return;
    const starts = this.#starts;
    const ends = this.#ends;
    let low = this.#firstEndingFrom(start + 1);
    if (low === starts.length || (starts[low] as number) >= end) return;

    if ((starts[low] as number) < start) {
      const tailEnd = ends[low] as number;
      ends[low] = start;
      low++;
      if (tailEnd > end) {
        insert(starts, low, end);
        insert(ends, low, tailEnd);
        this.#totalLength -= end - start;
        return;
      }
      this.#totalLength -= tailEnd - start;
    }
    let high = low;
    for (; high < starts.length && (ends[high] as number) <= end; high++) {
      this.#totalLength -= (ends[high] as number) - (starts[high] as number);
    }
    if (high < starts.length && (starts[high] as number) < end) {
      this.#totalLength -= end - (starts[high] as number);
      starts[high] = end;
    }
    this.#delete(low, high);
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#head = 0;
    this.#totalLength = 0;
  }

  /** The ranges in ascending order; the set must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<Range> {
    for (let i = this.#head; i < this.#starts.length; i++) {
      yield { start: this.#starts[i] as number, end: this.#ends[i] as number };
    }
  }

  /** The index of the first range with `end >= point`, or the length of the arrays. */
  #firstEndingFrom(point: number): number {
    const ends = this.#ends;
    let low = this.#head;
    let high = ends.length;
    // Most questions are about the upper end, where new data arrives.
    if (low < high && (ends[high - 1] as number) < point) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] as number) < point) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #range(index: number): Range | undefined {
    if (index < this.#head || index >= this.#starts.length) return undefined;
    return { start: this.#starts[index] as number, end: this.#ends[index] as number };
  }

  #delete(low: number, high: number): void {
    if (low >= high) return;
    this.#starts.splice(low, high - low);
    this.#ends.splice(low, high - low);
  }
}

function insert(numbers: number[], index: number, value: number): void {
  if (index === numbers.length) numbers.push(value);
  else numbers.splice(index, 0, value);
}
