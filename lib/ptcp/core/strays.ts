// Answers to segments that belong to no connection: RFC 9293 §3.10.7.1, under a rate limit, and never to a reset.
import type { Instant } from '../../time/clock.ts';
import type { BurstWriter } from './burst.ts';
import type { Secrets } from './isn.ts';
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
  /** Not a reset but an STB of Vertex, when 0 or more. */
  readonly stbBytes: number;
}

/**
 * Resets a second in all, drawn anew each second between these, and to one path. Whoever counts the resets that he gets
 * himself must not learn from their number whether a segment forged in another's name had one (CVE-2016-5696).
 */
const LEAST_RESETS_PER_ROUND = 100;
const MOST_RESETS_PER_ROUND = 300;
const RESETS_PER_PATH = 20;
const ROUND_MS = 1000;
/** Answers that wait to be sent. */
const MAX_WAITING = 512;

/** The resets that are owed to strangers. */
export class StrayAnswers {
  readonly #waiting: StrayReset[] = [];
  readonly #secrets: Secrets;
  #roundAt: Instant = Number.NEGATIVE_INFINITY;
  #left = 0;
  readonly #sentTo = new Map<PathId, number>();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

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
      stbBytes: -1,
    });
    return true;
  }

  /** What came of a datagram of Vertex's is to be told. 25 bytes, and the caller knows that more have come. */
  oweStb(segment: Segment, path: PathId, now: Instant): void {
    if (!this.#mayAnswer(path, now)) return;
    const { srcPort: dstPort, dstPort: srcPort, payloadStart, payloadEnd } = segment;
    const stbBytes = payloadEnd - payloadStart;
    this.#waiting.push({ path, srcPort, dstPort, seq: 0, ack: 0, flags: 0, stbBytes });
  }

  #mayAnswer(path: PathId, now: Instant): boolean {
    if (now - this.#roundAt >= ROUND_MS) {
      this.#roundAt = now;
      const spread = MOST_RESETS_PER_ROUND - LEAST_RESETS_PER_ROUND + 1;
      this.#left = LEAST_RESETS_PER_ROUND + (this.#secrets.word() % spread);
      this.#sentTo.clear();
    }
    const toPath = this.#sentTo.get(path) ?? 0;
    if (this.#left === 0 || toPath >= RESETS_PER_PATH || this.#waiting.length >= MAX_WAITING) return false;
    this.#left -= 1;
    this.#sentTo.set(path, toPath + 1);
    return true;
  }

  /** Whether an answer waits to leave on `path`, whose id must not come to stand for somebody else meanwhile. */
  isPathInUse(path: PathId): boolean {
    return this.#waiting.some((answer) => answer.path === path);
  }

  /** Writes the next answer and returns the path it leaves on. The writer has begun. */
  putAnswer(writer: BurstWriter): PathId | undefined {
    const answer = this.#waiting.shift();
    if (answer === undefined) return undefined;
    const { segment } = writer;
    segment.clearOptions();
    segment.window = 0;
    segment.srcPort = answer.srcPort;
    segment.dstPort = answer.dstPort;
    segment.seq = answer.seq;
    segment.ack = answer.ack;
    segment.flags = answer.flags;
    segment.isVertex = answer.stbBytes >= 0;
    segment.stbBytes = answer.stbBytes;
    writer.put(undefined, 0, false);
    return answer.path;
  }
}
