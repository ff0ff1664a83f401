// The scoreboard of RFC 6675.
import { RangeSet } from '../../bytes/range-set.ts';
import { type Seq, seqDiff } from './seq.ts';

/** DupThresh, RFC 6675 §2. */
export const DUP_THRESH = 3;

/** What the peer says it holds beyond SND.UNA, in bytes of sequence space counted from the ISS. */
export class SackScoreboard {
  readonly ranges = new RangeSet();
  /** Sequence space from the ISS to SND.UNA: the zero for turning sequence numbers into places that never wrap. */
  unaOffset = 0;

  /** The place of `seq`. */
  offsetOf(seq: Seq, sndUna: Seq): number {
    return this.unaOffset + seqDiff(seq, sndUna);
  }

  advance(ackedCount: number): void {
    this.unaOffset += ackedCount;
    this.ranges.removeBelow(this.unaOffset);
  }

  /**
   * The place below which whatever is not SACKed is lost by RFC 6675 §4, IsLost(): DupThresh ranges, or more than
   * (DupThresh - 1) * SMSS bytes, SACKed above it. Looks at three ranges at the most.
   */
  lostBelow(smss: number): number {
    let aboveBytes = 0;
    for (let index = this.ranges.count - 1, seen = 1; index >= 0; index -= 1, seen += 1) {
      const range = this.ranges.at(index)!;
      const enoughBytes = (DUP_THRESH - 1) * smss + 1;
      const missing = enoughBytes - aboveBytes;
      if (range.end - range.start >= missing || seen === DUP_THRESH) {
        return range.end - range.start >= missing ? Math.max(range.start, range.end - missing) : range.start;
      }
      aboveBytes += range.end - range.start;
    }
    return this.unaOffset;
  }
}
