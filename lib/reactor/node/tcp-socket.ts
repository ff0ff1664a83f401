import { connect, createServer, type Socket } from 'node:net';
import type {
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  TcpSocket,
  TcpSocketEvents,
} from '../../interfaces/sockets.ts';
import { errnoOf } from '../../transports/connect-error.ts';

/** What a socket takes before it says that it is full. Twisted's mark. */
const BUFFER_BYTES = 65_536;

/** Listens. `done` is called later; the function that is returned gives up. */
export function listenTcp(
  options: TcpListenOptions,
  done: (error: Error | undefined, listener?: TcpListener) => void,
): () => void {
  const server = createServer({ allowHalfOpen: true, highWaterMark: BUFFER_BYTES }, (socket) => {
    // A peer that is gone before it was accepted has left no address.
    if (socket.remoteAddress === undefined) socket.destroy();
    else options.accepted(new NodeTcpSocket(socket));
  });
  let isGivenUp = false;
  server.once('error', (error) => {
    if (!isGivenUp) done(error);
  });
  server.listen({ host: options.host, port: options.port, backlog: options.backlog }, () => {
    if (isGivenUp) return;
    server.removeAllListeners('error');
    server.on('error', options.error);
    const bound = server.address();
    if (bound === null || typeof bound === 'string') return;
    done(undefined, {
      host: bound.address,
      port: bound.port,
      family: familyOf(bound.address),
      close: (closed) => closeListener(server, closed),
    });
  });
  return () => {
    isGivenUp = true;
    server.close();
  };
}

/** `server.close` would wait for the connections too: they do not count any more. */
function closeListener(server: ReturnType<typeof createServer>, closed: () => void): void {
  server.close();
  setImmediate(closed);
}

/** Connects. `done` is called later; the function that is returned gives up. */
export function connectTcp(
  options: TcpConnectOptions,
  done: (error: Error | undefined, socket?: TcpSocket) => void,
): () => void {
  const { host, port, localAddress } = options;
  // The mark is taken and, in Node 20, missing from its types.
  const streamOptions = { allowHalfOpen: true, highWaterMark: BUFFER_BYTES };
  const socket = connect({
    host,
    port,
    ...streamOptions,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  const failed = (error: Error): void => done(error);
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    done(undefined, new NodeTcpSocket(socket));
  });
  return () => {
    socket.removeAllListeners('connect');
    socket.off('error', failed);
    socket.on('error', () => {});
    socket.destroy();
  };
}

/** A socket of node:net. */
class NodeTcpSocket implements TcpSocket {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly family: 'IPv4' | 'IPv6';
  readonly #socket: Socket;

  /** The addresses are read now: a closed socket has forgotten them. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.localHost = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    this.remoteHost = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    this.family = familyOf(this.remoteHost);
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  attach(events: TcpSocketEvents): void {
    const socket = this.#socket;
    let code: string | undefined;
    socket.on('error', (error) => {
      code ??= errnoOf(error) ?? error.message;
    });
    socket.on('end', () => events.end());
    socket.on('drain', () => events.drained());
    socket.on('finish', () => events.finished());
    socket.on('close', () => {
      socket.removeAllListeners();
      events.closed(code);
    });
    socket.on('data', (bytes: Uint8Array) => events.data(bytes));
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.writable && this.#socket.write(bytes);
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  setNoDelay(isEnabled: boolean): void {
    this.#socket.setNoDelay(isEnabled);
  }

  setKeepAlive(isEnabled: boolean): void {
    this.#socket.setKeepAlive(isEnabled);
  }
}

function familyOf(host: string): 'IPv4' | 'IPv6' {
  return host.includes(':') ? 'IPv6' : 'IPv4';
}
