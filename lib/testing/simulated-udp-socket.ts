import { Prng } from '../bytes/prng.ts';
import { UsageError } from '../errors.ts';
import type { UdpAddress } from '../interfaces/address.ts';
import type { DatagramBurst, UdpSocket, UdpSocketEvents } from '../interfaces/sockets.ts';
import { type Clock, type DelayedCall, NEVER } from '../time/clock.ts';
import { Link } from './link.ts';
import { familyOf } from './port-table.ts';

/** What a UDP payload can be at most over IPv4. */
const MAX_DATAGRAM_BYTES = 65_507;
/** What Linux grants when nothing is asked for (net.core.rmem_default). */
const DEFAULT_BUFFER_BYTES = 212_992;

/** The send buffer of a socket, emptied into the network at the rate of its host's interface. */
export interface SendBufferOptions {
  readonly bytes: number;
  readonly rateMbit: number;
}

export interface SimulatedUdpSocketOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly events: UdpSocketEvents;
  readonly bufferBytes?: number | undefined;
  /** Without it a socket is never blocked. */
  readonly sendBuffer?: SendBufferOptions | undefined;
  readonly transmit: (from: UdpSocket, to: UdpAddress, bytes: Uint8Array) => void;
  readonly closed: (socket: UdpSocket) => void;
}

/** A UDP socket of a SimulatedNetwork. */
export class SimulatedUdpSocket implements UdpSocket {
  readonly host: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  readonly #options: SimulatedUdpSocketOptions;
  readonly #outbox: Link<UdpAddress> | undefined;
  #sending: DelayedCall | undefined;
  #isBlocked = false;
  #isClosed = false;
  #peer: UdpAddress | undefined;

  constructor(options: SimulatedUdpSocketOptions) {
    const { sendBuffer, bufferBytes = DEFAULT_BUFFER_BYTES } = options;
    this.#options = options;
    this.host = options.host;
    this.port = options.port;
    this.family = familyOf(options.host);
    this.receiveBufferBytes = bufferBytes;
    this.sendBufferBytes = sendBuffer?.bytes ?? bufferBytes;
    if (sendBuffer !== undefined) {
      this.#outbox = new Link({ random: new Prng('no fault draws'), rateMbit: sendBuffer.rateMbit });
    }
  }

  sendBurst(burst: DatagramBurst, to: UdpAddress | undefined = this.#peer): 'sent' | 'blocked' {
    if (to === undefined) throw new UsageError('this socket is not connected: say where to send to');
    const { buffer, strideBytes, count, lastBytes } = burst;
    for (let i = 0; i < count; i++) {
      const start = i * strideBytes;
      this.#send(buffer.subarray(start, start + (i === count - 1 ? lastBytes : strideBytes)), to);
    }
    this.#emptyOutbox();
    return this.#isBlocked ? 'blocked' : 'sent';
  }

  connect(to: UdpAddress, done: (error?: Error) => void): void {
    this.#later(() => {
      this.#peer = to;
      done();
    });
  }

  keepAlive(): void {}

  close(done: () => void): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#sending?.cancel();
      this.#options.closed(this);
    }
    this.#options.clock.callLater(0, done);
  }

  /** The network's side: a datagram has arrived. */
  datagramArrives(bytes: Uint8Array, from: UdpAddress): void {
    if (this.#isClosed || (this.#peer !== undefined && !isSameAddress(this.#peer, from))) return;
    this.#options.events.datagram(bytes, from.host, from.port);
  }

  /** The network's side: nobody is bound at `by`. Only a connected socket is told, as by real systems. */
  refusalArrives(by: UdpAddress): void {
    if (this.#isClosed || this.#peer === undefined || !isSameAddress(this.#peer, by)) return;
    this.#options.events.error('ECONNREFUSED');
  }

  #send(bytes: Uint8Array, to: UdpAddress): void {
    if (this.#isClosed) return;
    if (bytes.length > MAX_DATAGRAM_BYTES) {
      this.#later(() => this.#options.events.error('EMSGSIZE'));
      return;
    }
    if (this.#outbox === undefined) this.#options.transmit(this, to, bytes);
    else this.#outbox.send(this.#options.clock.now(), bytes, to);
  }

  /** Sends what has left the buffer, tells the owner when there is room again, and comes back for the rest. */
  #emptyOutbox(): void {
    const outbox = this.#outbox;
    if (outbox === undefined || this.#isClosed) return;
    const { clock, events, transmit } = this.#options;
    const now = clock.now();
    outbox.deliverDue(now, (bytes, to) => transmit(this, to, bytes));
    const dueAt = outbox.nextAt();
    if (this.#sending?.active !== true && dueAt !== NEVER) {
      this.#sending = clock.callLater(dueAt - now, () => {
        this.#emptyOutbox();
        if (!this.#isBlocked || this.#isClosed) return;
        if (outbox.queuedBytes(clock.now()) > this.sendBufferBytes / 2) return;
        this.#isBlocked = false;
        events.writable();
      });
    }
    if (outbox.queuedBytes(now) >= this.sendBufferBytes) this.#isBlocked = true;
  }

  #later(call: () => void): void {
    this.#options.clock.callLater(0, () => {
      if (!this.#isClosed) call();
    });
  }
}

function isSameAddress(a: UdpAddress, b: UdpAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
