import { expect } from 'chai';
import type { Profile } from '../../lib/ptcp/core/config.ts';
import { seqDiff } from '../../lib/ptcp/core/seq.ts';
import type { EndpointNetwork, SentDatagram } from '../../lib/testing/endpoint-network.ts';
import { decodeLiteral, type LiteralSegment } from './literal-segment.ts';

/** What one side has said so far. */
interface Said {
  /** Shift offered in its SYN, if any. */
  scale: number | undefined;
  ack: number | undefined;
  edge: number | undefined;
}

/** Watches what two endpoints put on the wire: every segment must be one that RFC 9293 lets them send. */
export class WireWatch {
  readonly #profiles: readonly Partial<Profile>[];
  readonly #said: readonly Said[];
  #last: SentDatagram | undefined = undefined;

  constructor(profiles: readonly Partial<Profile>[]) {
    this.#profiles = profiles;
    this.#said = profiles.map(() => ({ scale: undefined, ack: undefined, edge: undefined }));
  }

  /** Looks at what was sent since the last time; of very much, only at the newest. */
  look(network: EndpointNetwork): void {
    const { sent } = network;
    const start = this.#last === undefined ? 0 : sent.lastIndexOf(this.#last) + 1;
    for (const datagram of sent.slice(start)) this.#check(datagram);
    this.#last = sent.at(-1);
  }

  #check({ from, bytes }: SentDatagram): void {
    const segment = decodeLiteral(bytes);
    const { flags, options, payload } = segment;
    const limit = this.#profiles[from]!.maxDatagramBytes!;
    if (flags.includes('S')) {
      this.#said[from]!.scale = options.windowScale;
    } else {
      expect(bytes.length, 'no datagram is larger than the path').to.be.at.most(limit);
      expect(options.mss, 'MSS belongs into a SYN (RFC 9293 §3.2, MUST-65)').to.equal(undefined);
    }
    expect(payload.length, 'the MSS of the peer (RFC 9293 §3.7.1, MUST-16)').to.be.at.most(
      this.#profiles[1 - from]!.mssBytes!,
    );
    if (flags.includes('.') && !flags.includes('R')) this.#checkWindow(from, segment);
  }

  /**
   * ACKs and right edges only go forward (RFC 9293 §3.8.6, SHLD-14), but for what the scale rounds off a window that
   * closes (RFC 7323 §2.4).
   */
  #checkWindow(from: number, { flags, ack, window }: LiteralSegment): void {
    const said = this.#said[from]!;
    const isSyn = flags.includes('S');
    const unit = isSyn ? 1 : 2 ** this.#shift(from);
    const edge = (ack + window * unit) >>> 0;
    if (said.ack !== undefined) expect(seqDiff(ack, said.ack), 'ACKs go forward').to.be.at.least(0);
    if (said.edge !== undefined)
      expect(seqDiff(edge, said.edge), 'the right edge moves left').to.be.above(-unit);
    said.ack = ack;
    said.edge = edge;
  }

  /** Windows are scaled once both SYNs offered it (RFC 7323 §2.2). */
  #shift(from: number): number {
    return this.#said.some(({ scale }) => scale === undefined) ? 0 : this.#said[from]!.scale!;
  }
}
