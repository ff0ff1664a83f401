/** What the buffers of all connections of an endpoint may hold together. */
export class MemoryBudget {
  readonly limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.#usedBytes);
  }

  /** Called with the change of a buffer's capacity, up or down. */
  account(changeBytes: number): void {
    this.#usedBytes += changeBytes;
  }
}
