import { Protocol } from 'hawser';

/** What the first byte of a connection asks of the server. */
export const Ask = { Sink: 1, Echo: 2, Idle: 3 } as const;

/** Bytes of one ping. */
export const PING_BYTES = 64;

/**
 * What the server does on each connection, over any transport: swallow a counted number of bytes and answer with one,
 * send everything back, or stay silent.
 */
export class Duty {
  #ask = 0;
  #left = 0;
  readonly #write: (bytes: Uint8Array) => void;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  take(bytes: Uint8Array): void {
    let from = 0;
    if (this.#ask === 0) {
      this.#ask = bytes[0] ?? 0;
      from = 1;
      if (this.#ask === Ask.Sink) {
        this.#left = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(1);
        from = HEADER_BYTES;
      }
    }
    const count = bytes.length - from;
    if (count === 0) return;
    if (this.#ask === Ask.Echo) this.#write(from === 0 ? bytes : bytes.slice(from));
    else if (this.#ask === Ask.Sink) this.#swallow(count);
  }

  #swallow(count: number): void {
    this.#left -= count;
    if (this.#left <= 0) this.#write(Uint8Array.of(1));
  }
}

/** An Ask byte and, for Sink, how many bytes follow, as a double. */
export const HEADER_BYTES = 9;

/** The header of a connection; always sent in one piece, and small enough to arrive so. */
export function header(ask: number, byteCount = 0): Uint8Array {
  const bytes = new Uint8Array(ask === Ask.Sink ? HEADER_BYTES : 1);
  bytes[0] = ask;
  if (ask === Ask.Sink) new DataView(bytes.buffer).setFloat64(1, byteCount);
  return bytes;
}

/** The server's side of a hawser connection. */
export class DutyProtocol extends Protocol {
  readonly #duty = new Duty((bytes) => void this.transport.write(bytes));

  override connectionMade(): void {
    this.transport.setTcpNoDelay(true);
  }

  override dataReceived(bytes: Uint8Array): void {
    this.#duty.take(bytes);
  }
}
