import type { TcpSocket, TcpSocketEvents } from '../interfaces/sockets.ts';
import type { Clock } from '../time/clock.ts';
import { familyOf } from './port-table.ts';

/** What one direction of a connection may have under way and unread: a middling receive buffer. */
const WINDOW_BYTES = 65_536;

export interface SimulatedTcpSocketOptions {
  readonly clock: Clock;
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  /** Makes `call` at the other end, after the latency of the way there and in the order of the calls. */
  readonly carry: (call: () => void) => void;
  readonly closed: () => void;
}

/**
 * An end of a TCP connection of a SimulatedNetwork: a reliable stream that knows latency, back-pressure, half close
 * and reset, and neither rate nor loss.
 */
export class SimulatedTcpSocket implements TcpSocket {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly family: 'IPv4' | 'IPv6';
  readonly #options: SimulatedTcpSocketOptions;
  #peer: SimulatedTcpSocket | undefined;
  #events: TcpSocketEvents | undefined;
  /** Written, and not yet within the window. */
  #unsent: Uint8Array[] = [];
  #bufferedBytes = 0;
  #windowBytes = WINDOW_BYTES;
  /** Arrived while paused. */
  #unread: Uint8Array[] = [];
  #isPaused = false;
  #isDrainAwaited = false;
  #isEndAsked = false;
  #finSent = false;
  #finReported = false;
  #finArrived = false;
  #endReported = false;
  #isClosed = false;

  constructor(options: SimulatedTcpSocketOptions) {
    this.#options = options;
    this.localHost = options.localHost;
    this.localPort = options.localPort;
    this.remoteHost = options.remoteHost;
    this.remotePort = options.remotePort;
    this.family = familyOf(options.remoteHost);
  }

  /** Ties two ends together. */
  static join(a: SimulatedTcpSocket, b: SimulatedTcpSocket): void {
    a.#peer = b;
    b.#peer = a;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  attach(events: TcpSocketEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#isEndAsked) return false;
    if (bytes.length > 0) this.#unsent.push(bytes);
    this.#bufferedBytes += bytes.length;
    this.#send();
    this.#isDrainAwaited = this.#bufferedBytes > 0;
    return !this.#isDrainAwaited;
  }

  end(): void {
    if (this.#isClosed || this.#isEndAsked) return;
    this.#isEndAsked = true;
    this.#send();
  }

  reset(): void {
    if (this.#isClosed) return;
    this.#carry((peer) => peer.#resetArrives());
    this.#close();
  }

  destroy(): void {
    if (this.#isClosed) return;
    // Bytes that nobody will read are answered by a reset, as every system does.
    if (this.#unread.length > 0) this.#carry((peer) => peer.#resetArrives());
    else if (!this.#finSent) this.#carry((peer) => peer.#finArrives());
    this.#close();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#later(() => this.#deliver());
  }

  setNoDelay(): void {}

  setKeepAlive(): void {}

  /** Sends what the window lets through, cut where it ends; then the FIN. */
  #send(): void {
    let taken = 0;
    for (const chunk of this.#unsent) {
      if (this.#windowBytes === 0) break;
      const bytes = chunk.subarray(0, this.#windowBytes);
      this.#windowBytes -= bytes.length;
      this.#bufferedBytes -= bytes.length;
      const copy = bytes.slice();
      this.#carry((peer) => peer.#textArrives(copy));
      if (bytes.length < chunk.length) {
        this.#unsent[taken] = chunk.subarray(bytes.length);
        break;
      }
      taken++;
    }
    this.#unsent.splice(0, taken);
    if (!this.#isEndAsked || this.#finSent || this.#bufferedBytes > 0) return;
    this.#finSent = true;
    this.#carry((peer) => peer.#finArrives());
    this.#later(() => {
      this.#finReported = true;
      this.#events?.finished();
      this.#closeIfDone();
    });
  }

  #textArrives(bytes: Uint8Array): void {
    if (this.#isClosed) {
      this.#carry((peer) => peer.#resetArrives());
      return;
    }
    this.#unread.push(bytes);
    this.#deliver();
  }

  #finArrives(): void {
    this.#finArrived = true;
    this.#deliver();
  }

  #resetArrives(): void {
    this.#close('ECONNRESET');
  }

  #windowOpens(byteCount: number): void {
    if (this.#isClosed) return;
    this.#windowBytes += byteCount;
    this.#send();
    if (!this.#isDrainAwaited || this.#bufferedBytes > 0) return;
    this.#isDrainAwaited = false;
    this.#events?.drained();
  }

  /** Hands out what came, until the owner pauses or closes; then the FIN, once. */
  #deliver(): void {
    while (!this.#isPaused && !this.#isClosed) {
      const bytes = this.#unread.shift();
      if (bytes === undefined) break;
      this.#carry((peer) => peer.#windowOpens(bytes.length));
      this.#events?.data(bytes);
    }
    if (!this.#finArrived || this.#endReported || this.#isPaused || this.#isClosed) return;
    this.#endReported = true;
    this.#events?.end();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#finReported && this.#endReported) this.#close();
  }

  #close(code?: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unsent = [];
    this.#unread = [];
    this.#bufferedBytes = 0;
    this.#options.closed();
    this.#options.clock.callLater(0, () => this.#events?.closed(code));
  }

  #carry(call: (peer: SimulatedTcpSocket) => void): void {
    const peer = this.#peer;
    if (peer !== undefined) this.#options.carry(() => call(peer));
  }

  #later(call: () => void): void {
    this.#options.clock.callLater(0, () => {
      if (!this.#isClosed) call();
    });
  }
}
