import { createHash, type Hash } from 'node:crypto';
import { Deferred, type Producer, Protocol, type TcpInfo } from '../../../lib/index.ts';
import { pattern } from '../../support/transfer.ts';

const PIECE_BYTES = 65_536;

/** What our side of a connection does. */
export interface ExchangePlan {
  readonly bytes: number;
  /** How much comes before our close is due; as much as is sent when left out. */
  readonly expect?: number;
  /**
   * 'after-peer' closes when the peer has; 'at-end' when all is sent and received; 'half' closes its own direction when
   * all is sent; 'abort' resets when all is received; 'never' waits for the peer's reset.
   */
  readonly close: 'after-peer' | 'at-end' | 'half' | 'abort' | 'never';
  /** Sends only once the peer has closed its direction. */
  readonly awaitEnd?: true;
}

export interface ExchangeResult {
  readonly got: number;
  /** SHA-256 of what it received and sent. */
  readonly received: string;
  readonly sent: string;
  readonly reason: Error;
  readonly info: TcpInfo;
  /** For each time that urgent data was told of: where its end is in the stream. */
  readonly urgentUntil: readonly number[];
}

/** Sends and receives at once, as its plan says. */
export class Exchange extends Protocol implements Producer {
  readonly ended: Deferred<ExchangeResult> = new Deferred<ExchangeResult>();
  readonly #plan: ExchangePlan;
  readonly #sent: Hash = createHash('sha256');
  readonly #received: Hash = createHash('sha256');
  readonly #urgentUntil: number[] = [];
  #left: number;
  #got = 0;
  #isPeerDone = false;
  #isAllSent = false;
  #info: TcpInfo | undefined = undefined;

  constructor(plan: ExchangePlan) {
    super();
    this.#plan = plan;
    this.#left = plan.bytes;
  }

  override connectionMade(): void {
    if (this.#plan.awaitEnd !== true) this.transport.registerProducer(this, false);
  }

  resumeProducing(): void {
    if (this.#left === 0) {
      this.transport.unregisterProducer();
      this.#isAllSent = true;
      if (this.#plan.close === 'half') this.transport.loseWriteConnection();
      this.#closeIfDue();
      return;
    }
    const piece = pattern(Math.min(this.#left, PIECE_BYTES), this.#left);
    this.#left -= piece.length;
    this.#sent.update(piece);
    this.transport.write(piece);
  }

  stopProducing(): void {}

  override dataReceived(bytes: Uint8Array): void {
    this.#received.update(bytes);
    this.#got += bytes.length;
    this.#closeIfDue();
  }

  override urgentReceived(byteCount: number): void {
    this.#urgentUntil.push(this.#got + byteCount);
  }

  override readConnectionLost(): void {
    this.#isPeerDone = true;
    if (this.#plan.awaitEnd === true) this.transport.registerProducer(this, false);
    this.#closeIfDue();
  }

  override connectionLost(reason: Error): void {
    this.#info = this.transport.tcpInfo?.() as TcpInfo;
    this.ended.callback({
      got: this.#got,
      received: this.#received.digest('hex'),
      sent: this.#sent.digest('hex'),
      reason,
      info: this.#info,
      urgentUntil: this.#urgentUntil,
    });
  }

  #closeIfDue(): void {
    const { close, bytes, expect = bytes } = this.#plan;
    const hasAll = this.#got >= expect;
    if (close === 'abort' && hasAll && this.#isAllSent) this.transport.abortConnection();
    if (!this.#isAllSent) return;
    if (close === 'at-end' && hasAll) this.transport.loseConnection();
    if ((close === 'after-peer' || close === 'half') && this.#isPeerDone) this.transport.loseConnection();
  }
}
