import { ConnectionAborted, ConnectionDone, ConnectionReset } from '../../errors.ts';
import type { Address } from '../../interfaces/address.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import type { DelayedCall } from '../../time/clock.ts';
import type { ChannelEvents, StreamChannel } from '../provider.ts';

/** What may be written and unread before a writer is told to wait. */
export const MEMORY_BUFFER_BYTES = 65_536;

/** Where one end of a pair lives. */
export interface MemoryEnd {
  readonly host: TransportHost;
  readonly address: Address;
}

/** Two connected channels: what is written to one arrives at the other in a later turn. */
export function memoryChannelPair(a: MemoryEnd, b: MemoryEnd): [MemoryChannel, MemoryChannel] {
  const channelA = new MemoryChannel(a, b.address);
  const channelB = new MemoryChannel(b, a.address);
  channelA.join(channelB);
  channelB.join(channelA);
  return [channelA, channelB];
}

/** One end of an in-memory connection, with a bounded buffer in each direction. */
export class MemoryChannel implements StreamChannel {
  readonly #end: MemoryEnd;
  readonly #peerAddress: Address;
  #peer: MemoryChannel | undefined = undefined;
  #events: ChannelEvents | undefined = undefined;

  readonly #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  /** FIN: whether the peer's is in the inbox, was reported; whether ours was sent, was taken from the peer's inbox. */
  #finArrived = false;
  #ended = false;
  #finSent = false;
  #finished = false;

  #paused = false;
  #full = false;
  #drainedDue = false;
  #finishedDue = false;
  #closedDue: Error | undefined = undefined;
  #closed = false;
  #lingering = false;
  #lingerTimer: DelayedCall | undefined = undefined;
  #wakeUpDue = false;

  constructor(end: MemoryEnd, peerAddress: Address) {
    this.#end = end;
    this.#peerAddress = peerAddress;
  }

  /** @internal */
  join(peer: MemoryChannel): void {
    this.#peer = peer;
  }

  attach(events: ChannelEvents): void {
    this.#events = events;
  }

  get bufferedBytes(): number {
    return this.#peer?.unreadBytes ?? 0;
  }

  /** What has arrived here and was not read. */
  get unreadBytes(): number {
    return this.#inboxBytes;
  }

  write(bytes: Uint8Array): boolean {
    const peer = this.#peer;
    if (peer === undefined || this.#finSent) return false;
    peer.#inbox.push(bytes);
    peer.#inboxBytes += bytes.length;
    peer.#wakeUp();
    this.#full = peer.#inboxBytes >= MEMORY_BUFFER_BYTES;
    return !this.#full;
  }

  shutdown(): void {
    const peer = this.#peer;
    if (peer === undefined || this.#finSent) return;
    this.#finSent = true;
    peer.#finArrived = true;
    peer.#wakeUp();
  }

  close(): void {
    this.shutdown();
    this.#lingering = true;
    if (this.#finished) this.#linger();
  }

  abort(): void {
    this.#reset(new ConnectionAborted());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wakeUp();
  }

  getHost(): Address {
    return this.#end.address;
  }

  getPeer(): Address {
    return this.#peerAddress;
  }

  setNoDelay(_isEnabled: boolean): void {}

  setKeepAlive(_isEnabled: boolean): void {}

  /** Something is to be reported, but never from inside a call. */
  #wakeUp(): void {
    if (this.#wakeUpDue || this.#closed) return;
    this.#wakeUpDue = true;
    this.#end.host.clock.callSoon(() => {
      this.#wakeUpDue = false;
      this.#report();
    });
  }

  #report(): void {
    if (this.#drainedDue) {
      this.#drainedDue = false;
      this.#events?.channelDrained();
    }
    this.#deliver();
    if (this.#finishedDue) {
      this.#finishedDue = false;
      this.#events?.channelFinished();
      if (this.#lingering) this.#linger();
    }
    if (this.#ended && this.#finished) this.#finish(new ConnectionDone());
    if (this.#closedDue === undefined || this.#closed) return;
    this.#closed = true;
    const events = this.#events;
    this.#events = undefined;
    events?.channelClosed(this.#closedDue);
  }

  #deliver(): void {
    const peer = this.#peer;
    while (!this.#paused && this.#peer !== undefined) {
      const bytes = this.#inbox.shift();
      if (bytes === undefined) break;
      this.#inboxBytes -= bytes.length;
      this.#events?.channelReceived(bytes);
    }
    if (peer === undefined || this.#inbox.length > 0) return;
    if (peer.#full) {
      peer.#full = false;
      peer.#drainedDue = true;
      peer.#wakeUp();
    }
    if (!this.#finArrived || this.#ended || this.#peer === undefined) return;
    this.#ended = true;
    peer.#finished = true;
    peer.#finishedDue = true;
    peer.#wakeUp();
    this.#events?.channelEnded();
  }

  /** Our FIN arrived and the peer's has not: it gets some time, then a reset. */
  #linger(): void {
    if (this.#ended || this.#peer === undefined || this.#lingerTimer !== undefined) return;
    const { clock, lingerMs } = this.#end.host;
    this.#lingerTimer = clock.callLater(lingerMs, () => this.#reset(new ConnectionDone()));
  }

  #reset(ownReason: Error): void {
    const peer = this.#peer;
    if (peer !== undefined) peer.#finish(new ConnectionReset());
    this.#finish(ownReason);
  }

  #finish(reason: Error): void {
    if (this.#peer === undefined) return;
    this.#peer = undefined;
    this.#inbox.length = 0;
    this.#inboxBytes = 0;
    this.#drainedDue = false;
    this.#finishedDue = false;
    this.#closedDue = reason;
    if (this.#lingerTimer?.active) this.#lingerTimer.cancel();
    this.#wakeUp();
  }
}
