import type { Duplex } from 'node:stream';
import { ConnectionDone, UsageError } from '../../errors.ts';
import type { PushProducer } from '../../interfaces/producer.ts';
import type { StreamProtocol, SwitchableTransport } from '../../interfaces/protocol.ts';
import type { Transport } from '../../interfaces/transport.ts';
import { type Link, LinkedStream } from './linked-stream.ts';

/**
 * A Node stream in the place of the transport's protocol, which hears nothing more; `unread`, what it has received and
 * left, comes first. For pipes, `http.Server.emit('connection', …)` and whatever else takes a Duplex.
 *
 * Both directions have back-pressure and end on their own. Destroying the stream aborts the connection, unless all that
 * was to be written is and all that came was read; a connection that is lost otherwise than by ConnectionDone destroys
 * the stream with the reason. Buffers that were written belong to the transport. Throws UsageError when the transport has a producer, or is not connected.
 */
export function toDuplex(transport: Transport, unread: Uint8Array = new Uint8Array(0)): Duplex {
  if (!isSwitchable(transport)) throw new UsageError('this transport cannot switch its protocol');
  if (!transport.connected || transport.disconnecting)
    throw new UsageError('the connection is closed or being closed');
  return new StreamEnd(transport, unread).stream;
}

function isSwitchable(transport: Transport): transport is SwitchableTransport {
  return 'switchProtocol' in transport;
}

/** The protocol that feeds the stream, and its far end. */
class StreamEnd implements StreamProtocol, Link {
  readonly #transport: Transport;
  readonly #linked: LinkedStream;
  #hasRoom = true;
  #isLost = false;
  /** To be called when our direction has ended. */
  #ended: (() => void) | undefined = undefined;

  constructor(transport: SwitchableTransport, unread: Uint8Array) {
    this.#transport = transport;
    this.#linked = new LinkedStream(this);
    transport.registerProducer(this.#producer(), true);
    transport.switchProtocol(this);
    // What it holds is delivered in a later turn, and so behind what is unread.
    transport.resumeProducing();
    if (unread.length > 0) this.#linked.received(unread);
  }

  get stream(): Duplex {
    return this.#linked.stream;
  }

  // As the protocol.

  makeConnection(): void {}

  dataReceived(bytes: Uint8Array): void {
    this.#linked.received(bytes);
  }

  readConnectionLost(): void {
    if (!this.stream.destroyed) this.stream.push(null);
  }

  writeConnectionLost(): void {
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.();
  }

  connectionLost(reason: Error): void {
    this.#isLost = true;
    const { stream } = this;
    if (stream.destroyed) return;
    // What was received may still wait to be read: a good end leaves it there.
    const isWhole =
      reason instanceof ConnectionDone && (this.#ended !== undefined || stream.writableLength === 0);
    if (!isWhole) {
      stream.destroy(reason);
      return;
    }
    if (!stream.readableEnded) stream.push(null);
    if (!stream.writableEnded) stream.end();
    this.writeConnectionLost();
  }

  // As the far end of the stream.

  write(bytes: Uint8Array): boolean {
    if (!this.#isLost) this.#transport.write(bytes);
    return this.#hasRoom;
  }

  end(done: () => void): void {
    if (this.#isLost) {
      done();
      return;
    }
    this.#ended = done;
    this.#transport.unregisterProducer();
    this.#transport.loseWriteConnection();
  }

  pause(): void {
    this.#transport.pauseProducing();
  }

  resume(): void {
    this.#transport.resumeProducing();
  }

  destroyed(isWhole: boolean): void {
    this.#transport.unregisterProducer();
    if (this.#isLost) return;
    if (isWhole) this.#transport.loseConnection();
    else this.#transport.abortConnection();
  }

  /** Tells when the transport is full, and when it is not any more. */
  #producer(): PushProducer {
    return {
      pauseProducing: () => {
        this.#hasRoom = false;
      },
      resumeProducing: () => {
        this.#hasRoom = true;
        this.#linked.drained();
      },
      stopProducing: () => {},
    };
  }
}
