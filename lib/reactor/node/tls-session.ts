import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { TlsError } from '../../errors.ts';
import type { TlsSession, TlsSessionEvents } from '../../interfaces/tls.ts';
import { LinkedStream } from './linked-stream.ts';
import { tlsFailure } from './tls-failure.ts';
import { factsOf, type PeerRules, refusePeer } from './tls-peer.ts';

/** What may be written and not sent before a writer is told to wait. */
const FULL_BYTES = 65_536;

/** One end of TLS: a TLSSocket of node:tls over a stream whose far end is our owner. */
export class NodeTlsSession implements TlsSession {
  readonly #events: TlsSessionEvents;
  readonly #rules: PeerRules;
  readonly #below: LinkedStream;
  /** A server's is there when its handshake is over. */
  #socket: TLSSocket | undefined = undefined;
  /** Nothing is reported any more. */
  #isOver = false;
  #isSecured = false;
  #isConfirmed = false;
  #hasReceived = false;
  /** The peer's close_notify was reported. */
  #isReadOver = false;
  #isPaused = false;
  #isCorked = false;
  #isInputOver = false;
  #isLooking = false;

  constructor(rules: PeerRules, events: TlsSessionEvents) {
    this.#rules = rules;
    this.#events = events;
    this.#below = new LinkedStream({
      write: (ciphertext) => this.#isOver || events.send(ciphertext),
      end: (done) => {
        if (!this.#isOver) events.finished();
        done();
      },
      pause: () => events.holdInput(true),
      resume: () => events.holdInput(false),
      destroyed: () => {},
    });
  }

  /** Begins as the client. */
  connect(options: ConnectionOptions): void {
    const socket = connect({ ...options, socket: this.#below.stream });
    this.#socket = socket;
    this.#listen(socket);
    socket.on('session', () => this.#confirmed());
    socket.on('secureConnect', () => this.#secured(socket));
  }

  /** Begins as the server: `serve` hands the stream to a server of node:tls, which calls `accepted` or `refused`. */
  accept(serve: (stream: LinkedStream['stream']) => void): void {
    serve(this.#below.stream);
  }

  accepted(socket: TLSSocket): void {
    this.#socket = socket;
    this.#listen(socket);
    this.#secured(socket);
  }

  refused(error: Error): void {
    this.#failed(error);
  }

  get bufferedBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  receive(ciphertext: Uint8Array): void {
    if (!this.#isOver) this.#below.received(ciphertext);
    this.#hasReceived = true;
  }

  receiveEnd(): void {
    this.#isInputOver = true;
    this.#lookForEnd();
  }

  sendDrained(): void {
    this.#below.drained();
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === undefined || this.#isOver) return false;
    // What is written in one turn shares its records: each costs some 30 bytes, and a system call.
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
    return socket.writableLength < FULL_BYTES;
  }

  end(): void {
    // Not from inside `secured`: OpenSSL is not out of the handshake there, and would send no close_notify.
    process.nextTick(() => {
      if (!this.#isOver) this.#socket?.end();
    });
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
    this.#lookForEnd();
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket?.destroy();
    // A server's socket is not known before its end, but follows its stream.
    this.#below.stream.destroy();
  }

  #listen(socket: TLSSocket): void {
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', () => {
      if (!this.#isReadOver) this.#failed(new TlsError('TLS ended without a reason'));
    });
  }

  #secured(socket: TLSSocket): void {
    if (this.#isOver) return;
    socket.disableRenegotiation();
    // Once only: on clients it answers the second time with the next of the chain (Node 20.20).
    const certificate = socket.getPeerX509Certificate();
    const refused = refusePeer(socket, certificate, this.#rules);
    if (refused !== undefined) {
      this.#fail(refused);
      return;
    }
    this.#isSecured = true;
    socket.on('data', (bytes) => {
      this.#confirmed();
      if (!this.#isOver) this.#events.received(bytes);
    });
    socket.on('end', () => {
      this.#isReadOver = true;
      if (!this.#isOver) this.#events.ended();
    });
    socket.on('drain', () => {
      if (!this.#isOver) this.#events.drained();
    });
    if (this.#isPaused) socket.pause();
    this.#events.secured(factsOf(socket, certificate));
  }

  #confirmed(): void {
    if (this.#isConfirmed || !this.#isSecured || this.#isOver) return;
    this.#isConfirmed = true;
    this.#events.confirmed();
  }

  /**
   * Node ends a TLSSocket in the same way for close_notify and for the end of the stream below. So that one never
   * ends: when all is read and there was no close_notify by then, there is none.
   */
  #lookForEnd(): void {
    if (!this.#isInputOver || this.#isLooking || this.#hasEnded) return;
    this.#isLooking = true;
    // 'end' comes in the turn in which the last bytes were read.
    setImmediate(() => {
      this.#isLooking = false;
      if (this.#hasEnded) return;
      const unread = this.#below.stream.readableLength + (this.#socket?.readableLength ?? 0);
      if (unread > 0) this.#lookForEnd();
      else this.#events.truncated();
    });
  }

  /** While paused nobody can tell. */
  get #hasEnded(): boolean {
    return this.#isOver || this.#isReadOver || this.#isPaused;
  }

  #failed(error: Error): void {
    if (this.#isOver) return;
    this.#fail(error instanceof TlsError ? error : tlsFailure(error, !this.#isSecured && this.#hasReceived));
  }

  #fail(error: Error): void {
    this.destroy();
    this.#events.failed(error);
  }
}
