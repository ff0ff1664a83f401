// The receiving end: takes a stream, answers its end with the SHA-256 of all that came, and closes.
import { createHash } from 'node:crypto';
import { ConnectionDone, Factory, type InetAddress, LoopingCall, Protocol, reactor } from 'hawser';
import type { ReceiverProgress, ReceiverReport } from './messages.ts';
import { orderFromParent, tellParent, usage } from './parent.ts';

const PROGRESS_EVERY_MS = 100;

class Receiver extends Protocol {
  readonly #hash = createHash('sha256');
  #sha256 = '';
  #bytes = 0;
  readonly #progress = new LoopingCall(reactor, () => {
    const progress: ReceiverProgress = { bytes: this.#bytes };
    tellParent({ type: 'progress', progress });
  });

  override connectionMade(): void {
    this.#progress.start(PROGRESS_EVERY_MS);
  }

  override dataReceived(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  override readConnectionLost(): void {
    const digest = this.#hash.digest();
    this.#sha256 = digest.toString('hex');
    this.transport.write(digest);
    this.transport.loseConnection();
  }

  override connectionLost(reason: Error): void {
    this.#progress.stop();
    if (!(reason instanceof ConnectionDone)) {
      tellParent({ type: 'failed', why: `the receiver lost its connection: ${reason.message}` });
      return;
    }
    const { datagrams, undecodable, notSegments } = port.stats;
    const { 'bad-crc': crcFailures, ...others } = undecodable;
    const malformed = [...Object.values(others), ...Object.values(notSegments)].reduce((a, b) => a + b);
    const report: ReceiverReport = {
      bytes: this.#bytes,
      sha256: this.#sha256,
      datagrams,
      crcFailures,
      malformed,
      usage: usage(),
    };
    tellParent({ type: 'finished', report });
  }
}

orderFromParent();
const port = reactor.listenPTCP(0, Factory.forProtocol(Receiver), { interface: '127.0.0.1' });
port.listening.addCallbacks(
  () => tellParent({ type: 'listening', port: (port.getHost() as InetAddress).port }),
  (error) => tellParent({ type: 'failed', why: `the receiver cannot listen: ${error.message}` }),
);
