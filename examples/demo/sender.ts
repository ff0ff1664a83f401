// The sending end: sends a stream, closes its direction, and compares its SHA-256 with the one that comes back.
import { createHash } from 'node:crypto';
import {
  ClientFactory,
  type ConnectorLike,
  createReactor,
  LoopingCall,
  type Producer,
  Protocol,
  type Reactor,
} from 'hawser';
import { contentOf } from './content.ts';
import type { SenderProgress, SenderReport } from './messages.ts';
import { orderFromParent, tellParent, usage } from './parent.ts';

const PROGRESS_EVERY_MS = 100;
const SHA256_BYTES = 32;

/** Sends the content piece by piece, each when the transport asks for it. */
class Sender extends Protocol implements Producer {
  readonly #content = contentOf(settings);
  readonly #hash = createHash('sha256');
  #sha256 = '';
  #bytes = 0;
  #answer = Buffer.alloc(0);
  readonly #progress = new LoopingCall(reactor, () => this.#tellProgress());

  override connectionMade(): void {
    this.#progress.start(PROGRESS_EVERY_MS);
    this.transport.registerProducer(this, false);
  }

  resumeProducing(): void {
    this.#content.next().then(
      ({ value }) => this.#send(value),
      (error: Error) => {
        tellParent({ type: 'failed', why: error.message });
        this.transport.abortConnection();
      },
    );
  }

  stopProducing(): void {}

  override dataReceived(bytes: Uint8Array): void {
    this.#answer = Buffer.concat([this.#answer, bytes]);
    if (this.#answer.length < SHA256_BYTES) return;
    const seconds = (reactor.now() - startedAt) / 1000;
    const measures = this.transport.tcpInfo?.();
    if (measures === undefined) return;
    const isConfirmed = this.#answer.toString('hex') === this.#sha256;
    const report: SenderReport = {
      bytes: this.#bytes,
      seconds,
      sha256: this.#sha256,
      isConfirmed,
      measures,
      usage: usage(),
    };
    tellParent({ type: 'finished', report });
  }

  override connectionLost(reason: Error): void {
    this.#progress.stop();
    if (this.#answer.length >= SHA256_BYTES) return;
    tellParent({ type: 'failed', why: `the sender lost its connection: ${reason.message}` });
  }

  #send(piece: Uint8Array | undefined): void {
    if (piece === undefined) {
      this.#sha256 = this.#hash.digest('hex');
      this.transport.unregisterProducer();
      this.transport.loseWriteConnection();
      return;
    }
    this.#hash.update(piece);
    this.#bytes += piece.length;
    this.transport.write(piece);
  }

  #tellProgress(): void {
    const measures = this.transport.tcpInfo?.();
    if (measures === undefined) return;
    const { rttUs, segsOut, totalRetransSegments } = measures;
    const progress: SenderProgress = { rttUs, segsOut, totalRetransSegments };
    tellParent({ type: 'progress', progress });
  }
}

class SenderFactory extends ClientFactory {
  override protocol = Sender;

  override clientConnectionFailed(_connector: ConnectorLike, reason: Error): void {
    tellParent({ type: 'failed', why: `no connection through the relay: ${reason.message}` });
  }
}

/** The sender's side of the network is what `--pcap` and `--trace` show. */
function ownReactor(): Reactor {
  const { pcapFile, traceFile } = settings;
  try {
    return createReactor({
      ...(pcapFile !== undefined && { pcapFile }),
      ...(traceFile !== undefined && { traceFile }),
    });
  } catch (error) {
    tellParent({ type: 'failed', why: (error as Error).message });
    throw error;
  }
}

const { settings, toPort } = orderFromParent();
const reactor = ownReactor();
const startedAt = reactor.now();
reactor.connectPTCP('127.0.0.1', toPort, new SenderFactory(), {
  profile: { congestion: settings.congestion },
});
