import { Duplex } from 'node:stream';

/** The far end of a LinkedStream: what is written to the stream goes there. */
export interface Link {
  /** Takes the bytes over. False when it is full: the stream waits for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** All was written. The stream has finished when `done` is called. */
  end(done: () => void): void;
  pause(): void;
  resume(): void;
  /** The stream is destroyed. `isWhole`: without an error, all written is with the link, all received was read. */
  destroyed(isWhole: boolean): void;
}

/** A Node stream with a Link as its far end: back-pressure both ways, and each direction ends on its own. */
export class LinkedStream {
  readonly stream: Duplex;
  readonly #link: Link;
  /** Whether the link was told to pause. */
  #isHeld = false;
  /** To be called when the link has room again. */
  #written: (() => void) | undefined = undefined;

  constructor(link: Link) {
    this.#link = link;
    this.stream = new Duplex({
      allowHalfOpen: true,
      read: () => this.#release(),
      write: (bytes: Uint8Array, _encoding, written) => {
        this.#settle(link.write(bytes), written);
      },
      writev: (chunks: readonly { readonly chunk: Uint8Array }[], written) => {
        let hasRoom = true;
        for (const { chunk } of chunks) hasRoom = link.write(chunk);
        this.#settle(hasRoom, written);
      },
      final: (done) => link.end(done),
      destroy: (error, done) => {
        this.#written = undefined;
        link.destroyed(error === null && this.stream.writableFinished && this.stream.readableLength === 0);
        done(error);
      },
    });
  }

  /** Bytes came from the far end. */
  received(bytes: Uint8Array): void {
    if (this.stream.destroyed || this.stream.push(bytes) || this.#isHeld) return;
    this.#isHeld = true;
    this.#link.pause();
  }

  /** The link has room again. */
  drained(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  #settle(hasRoom: boolean, written: () => void): void {
    if (hasRoom) written();
    else this.#written = written;
  }

  #release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#link.resume();
  }
}
