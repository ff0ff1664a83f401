// Answers to segments that belong to no connection: RFC 9293 §3.10.7.1, under a rate limit, and never to a reset.
import type { Instant } from '../../time/clock.ts';
import type { PathId } from './path.ts';
import { type Seq, seqAdd } from './seq.ts';
import { Flag, type Segment, segmentLength } from './wire/segment.ts';

/** A reset for somebody we know nothing of. */
export interface StrayReset {
  readonly path: PathId;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: Seq;
  readonly ack: Seq;
  readonly flags: number;
}

/** Resets a second in all and to one path. */
const RESETS_PER_ROUND = 200;
const RESETS_PER_PATH = 20;
const ROUND_MS = 1000;
/** Answers that wait to be sent. */
const MAX_WAITING = 256;

/** The resets that are owed to strangers. */
export class StrayAnswers {
  readonly #waiting: StrayReset[] = [];
  #roundAt: Instant = Number.NEGATIVE_INFINITY;
  #left = 0;
  readonly #sentTo = new Map<PathId, number>();

  /** RFC 9293 §3.10.7.1; 20 bytes, so never longer than what it answers. Returns whether it will be sent. */
  answer(segment: Segment, path: PathId, now: Instant): boolean {
    if ((segment.flags & Flag.RST) !== 0 || !this.#mayAnswer(path, now)) return false;
    const isAck = (segment.flags & Flag.ACK) !== 0;
    this.#waiting.push({
      path,
      srcPort: segment.dstPort,
      dstPort: segment.srcPort,
      seq: isAck ? segment.ack : 0,
      ack: isAck ? 0 : seqAdd(segment.seq, segmentLength(segment)),
      flags: isAck ? Flag.RST : Flag.RST | Flag.ACK,
    });
    return true;
  }

  #mayAnswer(path: PathId, now: Instant): boolean {
    if (now - this.#roundAt >= ROUND_MS) {
      this.#roundAt = now;
      this.#left = RESETS_PER_ROUND;
      this.#sentTo.clear();
    }
    const toPath = this.#sentTo.get(path) ?? 0;
    if (this.#left === 0 || toPath >= RESETS_PER_PATH || this.#waiting.length >= MAX_WAITING) return false;
    this.#left -= 1;
    this.#sentTo.set(path, toPath + 1);
    return true;
  }

  take(): StrayReset | undefined {
    return this.#waiting.shift();
  }
}
