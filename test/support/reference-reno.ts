// RFC 5681 with RFC 6582, RFC 3042 and byte counting (RFC 3465), told what a sender of whole segments sees: an oracle.

/** Windows in segments; segments are counted from 0. */
export class ReferenceReno {
  cwnd: number;
  ssthresh = Number.POSITIVE_INFINITY;
  phase: 'open' | 'recovery' | 'loss' = 'open';
  #una = 0;
  #next = 0;
  #recover = 0;
  #dupAcks = 0;
  #timeouts = 0;
  #avoided = 0;
  /** What left since the last time-out and is not acknowledged. */
  readonly #outSinceTimeout = new Set<number>();

  constructor(initialWindow: number) {
    this.cwnd = initialWindow;
  }

  sent(segment: number): void {
    this.#next = Math.max(this.#next, segment + 1);
    this.#outSinceTimeout.add(segment);
  }

  acked(upTo: number): void {
    if (upTo > this.#una) this.#newAck(upTo);
    else if (this.#next > this.#una) this.#duplicateAck();
  }

  #newAck(upTo: number): void {
    const counted =
      this.phase === 'loss'
        ? Math.min(upTo - this.#una, this.#outSinceTimeout.size) // RFC 3465 §2.3
        : upTo - this.#una;
    for (const segment of this.#outSinceTimeout) if (segment < upTo) this.#outSinceTimeout.delete(segment);
    this.#una = upTo;
    this.#dupAcks = 0;
    this.#timeouts = 0;
    const isOver = upTo >= this.#recover;
    if (this.phase !== 'recovery') this.#grow(counted);
    else if (isOver) this.cwnd = this.ssthresh; // RFC 6582 §3.2, step 3, full acknowledgment
    if (isOver) this.phase = 'open';
  }

  /** RFC 5681 §3.1, with L = 8 (RFC 9406 §4.3): what is not paced. */
  #grow(acked: number): void {
    const limited = Math.min(acked, 8);
    const slow = Math.min(limited, Math.max(0, this.ssthresh - this.cwnd));
    this.cwnd += slow;
    if (slow === limited) return;
    this.#avoided += acked - slow;
    while (this.#avoided >= this.cwnd) {
      this.#avoided -= this.cwnd;
      this.cwnd += 1;
    }
  }

  /** RFC 5681 §3.2, steps 1 and 2; RFC 6582 §3.2, step 2: not for what was sent before a time-out. */
  #duplicateAck(): void {
    this.#dupAcks += 1;
    if (this.#dupAcks !== 3 || this.phase !== 'open') return;
    this.#halve(Math.min(this.#next - this.#una, this.cwnd));
    this.cwnd = this.ssthresh;
    this.phase = 'recovery';
    this.#recover = this.#next;
  }

  /** RFC 5681 §3.1, equation 4: once for a segment that times out again and again. */
  timedOut(): void {
    this.#timeouts += 1;
    if (this.phase !== 'loss' || this.#timeouts === 1) this.#halve(this.#next - this.#una);
    this.cwnd = 1;
    this.phase = 'loss';
    this.#recover = this.#next;
    this.#dupAcks = 0;
    this.#outSinceTimeout.clear();
  }

  #halve(flightSize: number): void {
    this.ssthresh = Math.max(flightSize / 2, 2);
    this.#avoided = 0;
  }
}
