import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import process from 'node:process';
import type { UdpAddress } from '../../interfaces/address.ts';
import type { DatagramBurst, UdpBindOptions, UdpSocket, UdpSocketEvents } from '../../interfaces/sockets.ts';
import { errnoOf } from '../../transports/connect-error.ts';

/** What the sender's own memory begins with: a burst of 16 datagrams as they are on most networks. */
const FIRST_OUTBOX_BYTES = 32_768;

/** Binds a UDP socket. `done` is called later; the function that is returned gives up. */
export function bindUdp(
  options: UdpBindOptions,
  done: (error: Error | undefined, socket?: UdpSocket) => void,
): () => void {
  const family = options.host.includes(':') ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // Only literals are sent to. The default look-up answers in a later turn, and the bytes would be read then.
    lookup: (host, _options, answer) => answer(null, host, family),
  });
  let isOver = false;
  // With that look-up binding is over within the call: the news of it comes later, but before any datagram can.
  const later = (tell: () => void): void => {
    process.nextTick(() => {
      if (isOver) return;
      isOver = true;
      tell();
    });
  };
  const failed = (error: Error): void =>
    later(() => {
      socket.close();
      done(error);
    });
  socket.once('error', failed);
  socket.bind({ address: options.host, port: options.port }, () => {
    socket.off('error', failed);
    later(() => done(undefined, new NodeUdpSocket(socket, options)));
  });
  return () => {
    if (isOver) return;
    isOver = true;
    socket.close();
  };
}

/** A socket of node:dgram. */
class NodeUdpSocket implements UdpSocket {
  /** Once connected, the address that the system chose. */
  host: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  readonly #socket: Socket;
  readonly #events: UdpSocketEvents;
  #isConnected = false;
  #isBlocked = false;
  #isClosed = false;
  /** One function for every send: a closure for each would cost more than the rest of the call. */
  readonly #sent = (error: Error | null): void => this.#sendEnded(error);

  constructor(socket: Socket, options: UdpBindOptions) {
    const { address, port, family } = socket.address();
    this.host = address;
    this.port = port;
    this.family = family === 'IPv6' ? 'IPv6' : 'IPv4';
    this.#socket = socket;
    this.#events = options.events;
    if (options.bufferBytes !== undefined) askForBuffers(socket, options.bufferBytes);
    // RFC 9293 §3.9.2, MUST-49: for the whole socket, since a datagram cannot have its own.
    if (options.ttl !== undefined) socket.setTTL(options.ttl);
    this.receiveBufferBytes = socket.getRecvBufferSize();
    this.sendBufferBytes = socket.getSendBufferSize();
    const { events } = options;
    socket.on('message', (bytes: Uint8Array, from: RemoteInfo) =>
      events.datagram(bytes, from.address, from.port),
    );
    socket.on('error', (error) => events.error(errnoOf(error) ?? error.message));
  }

  sendBurst(burst: DatagramBurst, to?: UdpAddress): 'sent' | 'blocked' {
    if (this.#isClosed) return 'sent';
    const socket = this.#socket;
    const { count } = burst;
    const lastIndex = count - 1;
    outbox.fill(burst);
    for (let index = 0; index < count; index++) {
      const datagram = outbox.datagram(index);
      // A pending error of the socket comes out of the first send; the last one is done when all are.
      const sent = index === 0 || index === lastIndex ? this.#sent : undefined;
      if (this.#isConnected) socket.send(datagram, sent);
      else if (to !== undefined) socket.send(datagram, to.port, to.host, sent);
    }
    if (!this.#isBlocked && socket.getSendQueueCount() === 0) return 'sent';
    // What could not be sent is read when there is room: this memory is not ours until then.
    outbox.giveAway();
    this.#isBlocked = true;
    return 'blocked';
  }

  connect(to: UdpAddress, done: (error?: Error) => void): void {
    this.#socket.connect(to.port, to.host, ((error?: Error) => {
      if (this.#isClosed) return;
      this.#isConnected = error === undefined;
      if (this.#isConnected) this.host = this.#socket.address().address;
      done(error);
    }) as () => void);
  }

  keepAlive(isNeeded: boolean): void {
    if (isNeeded) this.#socket.ref();
    else this.#socket.unref();
  }

  close(done: () => void): void {
    if (this.#isClosed) {
      setImmediate(done);
      return;
    }
    this.#isClosed = true;
    this.#socket.removeAllListeners('message');
    this.#socket.removeAllListeners('error');
    this.#socket.on('error', () => {});
    this.#socket.close(done);
  }

  #sendEnded(error: Error | null): void {
    if (this.#isClosed) return;
    if (error) this.#events.error(errnoOf(error) ?? error.message);
    if (!this.#isBlocked || this.#isClosed || this.#socket.getSendQueueCount() > 0) return;
    this.#isBlocked = false;
    this.#events.writable();
  }
}

/**
 * The memory that datagrams are sent from. dgram may still read them after a send (when the system's buffer is full),
 * while a burst's buffer is its owner's again at once. So a burst is copied here, which costs no more than the views
 * that the copy saves: while the stride stays the same, so do they.
 */
class Outbox {
  #memory = new Uint8Array(0);
  #views: Uint8Array[] = [];
  #strideBytes = 0;
  #lastIndex = 0;
  #lastBytes = 0;

  fill({ buffer, strideBytes, count, lastBytes }: DatagramBurst): void {
    const byteCount = (count - 1) * strideBytes + lastBytes;
    if (byteCount > this.#memory.length) {
      this.#memory = new Uint8Array(Math.max(byteCount, FIRST_OUTBOX_BYTES));
      this.#views = [];
    }
    if (strideBytes !== this.#strideBytes) {
      this.#strideBytes = strideBytes;
      this.#views = [];
    }
    this.#memory.set(buffer.length === byteCount ? buffer : buffer.subarray(0, byteCount));
    this.#lastIndex = count - 1;
    this.#lastBytes = lastBytes;
  }

  datagram(index: number): Uint8Array {
    const start = index * this.#strideBytes;
    if (index === this.#lastIndex && this.#lastBytes !== this.#strideBytes) {
      return this.#memory.subarray(start, start + this.#lastBytes);
    }
    return (this.#views[index] ??= this.#memory.subarray(start, start + this.#strideBytes));
  }

  giveAway(): void {
    this.#memory = new Uint8Array(0);
    this.#views = [];
  }
}

/** Systems cap what is asked for, or refuse; what was granted is read afterwards. */
function askForBuffers(socket: Socket, byteCount: number): void {
  for (const ask of ['setRecvBufferSize', 'setSendBufferSize'] as const) {
    try {
      socket[ask](byteCount);
    } catch {
      // Left as it was, which the socket's owner can read.
    }
  }
}

/** One for all sockets: a burst is sent, or its memory given away, before the next one is filled in. */
const outbox = new Outbox();
