import type { TransportHost } from '../interfaces/reactor.ts';
import type { TracedConnection, TraceEvent, TraceSink } from '../trace/trace.ts';
import type { ConnectionAddresses } from './addresses.ts';

/**
 * The trace of one socket: it knows the addresses that the core's paths stand for. A sink that throws ends nothing, and
 * is reported the first time.
 */
export class SocketTrace implements TraceSink {
  readonly #host: TransportHost;
  readonly #sink: TraceSink;
  #hasThrown = false;
  /** Set once there are some. */
  addresses: ConnectionAddresses | undefined = undefined;

  constructor(host: TransportHost, sink: TraceSink) {
    this.#host = host;
    this.#sink = sink;
  }

  trace(event: TraceEvent): void {
    const { connection } = event;
    try {
      this.#sink.trace(connection === undefined ? event : { ...event, connection: this.#named(connection) });
    } catch (error) {
      if (!this.#hasThrown) this.#host.reportError(error, 'a trace');
      this.#hasThrown = true;
    }
  }

  #named(connection: TracedConnection): TracedConnection {
    const { socket } = this.addresses ?? {};
    const remoteAddress = this.addresses?.addressOf(connection.path);
    return {
      ...connection,
      ...(socket !== undefined && { localAddress: { host: socket.host, port: socket.port } }),
      ...(remoteAddress !== undefined && { remoteAddress }),
    };
  }
}
