import { ByteQueue } from '../bytes/byte-queue.ts';
import {
  ConnectionAborted,
  ConnectionDone,
  ConnectionLost,
  ConnectionRefused,
  ConnectionReset,
  TimeoutError,
} from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { Instant } from '../time/clock.ts';
import type { ChannelEvents, StreamChannel } from '../transports/provider.ts';
import type { ConnectionAddresses } from './addresses.ts';
import type { CloseReason, Connection, TcpInfo } from './core/index.ts';

/** Bytes handed to a protocol in one piece at most. */
const READ_BYTES = 65_536;

/** What a channel asks of the driver of its connection. */
export interface ChannelDriver {
  readonly addresses: ConnectionAddresses;
  readonly now: Instant;
  /** The connection was touched: its segments go out soon. With `channel`, its `driven` is called then. */
  wake(channel?: PtcpChannel): void;
}

/** A PTCP connection as a channel: what does not fit into its send buffer waits here. */
export class PtcpChannel implements StreamChannel {
  readonly #connection: Connection;
  readonly #driver: ChannelDriver;
  #events: ChannelEvents | undefined = undefined;
  /** Written, and not yet accepted by the connection. */
  #overflow: ByteQueue | undefined = undefined;
  /** What follows the last byte of the overflow. */
  #ending: 'open' | 'shutdown' | 'close' = 'open';
  /** A FIN was asked for by `shutdown` and has not left yet. */
  #isFinishing = false;
  #isPaused = false;
  #isPeerClosed = false;
  #closeReason: CloseReason | undefined = undefined;
  /** Kept from the end on: the path may then stand for somebody else. */
  #peer: Address | undefined = undefined;

  constructor(connection: Connection, driver: ChannelDriver) {
    this.#connection = connection;
    this.#driver = driver;
    connection.context = this;
  }

  attach(events: ChannelEvents): void {
    this.#events = events;
    this.#driver.wake(this);
  }

  get bufferedBytes(): number {
    return (this.#overflow?.length ?? 0) + this.#connection.unsentBytes;
  }

  /** What the connection measures. */
  tcpInfo(): TcpInfo {
    return this.#connection.tcpInfo(this.#driver.now);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ending !== 'open') return false;
    const isWaiting = this.#overflow !== undefined && this.#overflow.length > 0;
    const accepted = isWaiting ? 0 : this.#connection.write(bytes);
    this.#driver.wake();
    if (accepted === bytes.length) return true;
    this.#overflow ??= new ByteQueue();
    this.#overflow.push(accepted === 0 ? bytes : bytes.subarray(accepted));
    return false;
  }

  shutdown(): void {
    if (this.#ending !== 'open') return;
    this.#isFinishing = true;
    this.#end('shutdown');
  }

  close(): void {
    this.#end('close');
  }

  abort(): void {
    this.#overflow = undefined;
    this.#ending = 'close';
    this.#connection.abort();
    this.#driver.wake(this);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#driver.wake(this);
  }

  getHost(): Address {
    return this.#driver.addresses.hostOf(this.#connection);
  }

  getPeer(): Address {
    return this.#peer ?? this.#driver.addresses.peerOf(this.#connection);
  }

  setNoDelay(isEnabled: boolean): void {
    this.#connection.setNagle(!isEnabled);
    this.#driver.wake();
  }

  setKeepAlive(isEnabled: boolean): void {
    this.#connection.setKeepAlive(isEnabled);
    this.#driver.wake();
  }

  #end(how: 'shutdown' | 'close'): void {
    this.#ending = how;
    this.#flush();
    this.#driver.wake(this);
  }

  /** The send buffer has room again. */
  writable(): void {
    const wasWaiting = this.#overflow !== undefined;
    this.#flush();
    if (wasWaiting && this.#overflow === undefined) this.#events?.channelDrained();
  }

  #flush(): void {
    const overflow = this.#overflow;
    for (let chunk = overflow?.peekChunk(); chunk !== undefined; chunk = overflow?.peekChunk()) {
      const accepted = this.#connection.write(chunk);
      overflow?.discard(accepted);
      if (accepted < chunk.length) return;
    }
    this.#overflow = undefined;
    if (this.#ending === 'close') this.#connection.close();
    else if (this.#ending === 'shutdown') this.#connection.shutdown();
  }

  peerClosed(): void {
    this.#isPeerClosed = true;
    this.driven();
  }

  /** MUST-32 of RFC 9293 §3.8.5: told at once, though the text before it may still wait to be read. */
  urged(): void {
    this.#events?.channelUrged?.(this.#connection.urgentBytes);
  }

  closed(reason: CloseReason): void {
    this.#peer = this.getPeer();
    this.#closeReason = reason;
    this.driven();
  }

  /** Whether the FIN that was asked for has not left yet. */
  get isFinishing(): boolean {
    return this.#isFinishing && this.#closeReason === undefined;
  }

  /** Delivers what there is: bytes, then the peer's FIN, then the end. */
  driven(): void {
    while (!this.#isPaused && this.#events !== undefined) {
      const bytes = this.#connection.read(READ_BYTES);
      if (bytes.length === 0) break;
      this.#events.channelReceived(bytes);
    }
    if (this.#isFinishing && this.#connection.isFinSent) {
      this.#isFinishing = false;
      this.#events?.channelFinished();
    }
    if (this.#events === undefined || this.#connection.readableBytes > 0) return;
    if (this.#isPeerClosed) {
      this.#isPeerClosed = false;
      this.#events.channelEnded();
    }
    if (this.#closeReason !== undefined) {
      const events = this.#events;
      this.#events = undefined;
      events.channelClosed(closeError(this.#closeReason));
    }
  }
}

/** What a connection's end is called above. */
export function closeError(reason: CloseReason): Error {
  switch (reason) {
    case 'done':
    // All we sent has arrived and we had closed: that the peer did not, in time, is its own loss.
    case 'linger-expired':
      return new ConnectionDone();
    case 'reset':
      return new ConnectionReset();
    case 'refused':
      return new ConnectionRefused();
    case 'timeout':
      return new TimeoutError('the peer did not acknowledge in time');
    case 'aborted':
      return new ConnectionAborted();
    case 'stream-full':
      return new ConnectionLost('Vertex counts no more than 4 GiB in one direction of a connection');
  }
}

/** What an attempt's failure is called above; `destination` as people write it. */
export function openError(reason: CloseReason, destination: string): Error {
  if (reason === 'timeout') return new TimeoutError(`${destination} did not answer`);
  return new ConnectionRefused(`${destination} refused the connection`);
}
