import { ConnectionAborted, ConnectionDone, ConnectionLost, ConnectionReset } from '../../errors.ts';
import type { Address, InetAddress } from '../../interfaces/address.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import type { TcpSocket, TcpSocketEvents } from '../../interfaces/sockets.ts';
import type { DelayedCall } from '../../time/clock.ts';
import type { ChannelEvents, StreamChannel } from '../provider.ts';

/** A TCP connection as a channel. */
export class TcpChannel implements StreamChannel, TcpSocketEvents {
  readonly #socket: TcpSocket;
  readonly #host: TransportHost;
  #events: ChannelEvents | undefined = undefined;
  #ended = false;
  #finished = false;
  #aborted = false;
  #lingering = false;
  #lingerTimer: DelayedCall | undefined = undefined;

  constructor(socket: TcpSocket, host: TransportHost) {
    this.#socket = socket;
    this.#host = host;
  }

  attach(events: ChannelEvents): void {
    const isFirst = this.#events === undefined;
    this.#events = events;
    if (isFirst) this.#socket.attach(this);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }

  cork(): void {
    this.#socket.cork?.();
  }

  uncork(): void {
    this.#socket.uncork?.();
  }

  shutdown(): void {
    this.#socket.end();
  }

  close(): void {
    this.#lingering = true;
    this.#socket.end();
    if (this.#finished) this.#linger();
  }

  abort(): void {
    this.#aborted = true;
    this.#socket.reset();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  getHost(): Address {
    const { family, localHost, localPort } = this.#socket;
    return tcpAddress(localHost, localPort, family);
  }

  getPeer(): Address {
    const { family, remoteHost, remotePort } = this.#socket;
    return tcpAddress(remoteHost, remotePort, family);
  }

  setNoDelay(isEnabled: boolean): void {
    this.#socket.setNoDelay(isEnabled);
  }

  setKeepAlive(isEnabled: boolean): void {
    this.#socket.setKeepAlive(isEnabled);
  }

  data(bytes: Uint8Array): void {
    this.#events?.channelReceived(bytes);
  }

  end(): void {
    this.#ended = true;
    this.#events?.channelEnded();
  }

  drained(): void {
    this.#events?.channelDrained();
  }

  finished(): void {
    this.#finished = true;
    if (this.#lingering) this.#linger();
    this.#events?.channelFinished();
  }

  closed(code?: string): void {
    if (this.#lingerTimer?.active) this.#lingerTimer.cancel();
    const events = this.#events;
    this.#events = undefined;
    events?.channelClosed(this.#reason(code));
  }

  /** Our FIN is on its way and the peer's has not come: it gets some time, then a reset. */
  #linger(): void {
    if (this.#ended || this.#lingerTimer !== undefined) return;
    this.#lingerTimer = this.#host.clock.callLater(this.#host.lingerMs, () => this.#socket.reset());
  }

  #reason(code: string | undefined): Error {
    if (this.#aborted) return new ConnectionAborted();
    if (code === 'ECONNRESET') return new ConnectionReset();
    if (code !== undefined) return new ConnectionLost(`the connection was lost: ${code}`);
    // Without an error: both directions ended, or the peer kept its own open longer than we lingered.
    return this.#finished ? new ConnectionDone() : new ConnectionLost();
  }
}

export function tcpAddress(host: string, port: number, family: 'IPv4' | 'IPv6'): InetAddress {
  return { type: 'TCP', family, host, port };
}
