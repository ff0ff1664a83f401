import type { Resource } from '../interfaces/reactor.ts';

/** The resources that are still to end, and what to do then. */
export class WindUp {
  readonly #lingerMs: number;
  readonly #done: () => void;
  /** Not asked yet, or asked and not done. */
  readonly #outstanding = new Set<Resource>();
  readonly #asked = new WeakSet<Resource>();
  #hasBegun = false;

  constructor(lingerMs: number, done: () => void) {
    this.#lingerMs = lingerMs;
    this.#done = done;
  }

  expect(resource: Resource): void {
    this.#outstanding.add(resource);
  }

  /** Asks `resource` to end, unless it did so by itself since it was expected. */
  end(resource: Resource): void {
    if (!this.#outstanding.has(resource)) return;
    this.#asked.add(resource);
    resource.shutDown(this.#lingerMs, () => this.#settle(resource));
  }

  /** A resource that was asked says itself when it is done; another one may leave before that. */
  released(resource: Resource): void {
    if (!this.#asked.has(resource)) this.#settle(resource);
  }

  begun(): void {
    this.#hasBegun = true;
    this.#settleAll();
  }

  #settle(resource: Resource): void {
    this.#asked.delete(resource);
    if (this.#outstanding.delete(resource)) this.#settleAll();
  }

  #settleAll(): void {
    if (this.#hasBegun && this.#outstanding.size === 0) this.#done();
  }
}
