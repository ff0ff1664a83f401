// RFC 5681 with byte counting; recovery is that of RFC 6675 or RFC 6582 around it.
import { LossBased } from './loss-based.ts';

/** NewReno (RFC 5681, RFC 6582) with HyStart++ (RFC 9406), paced: one segment more each round trip, half after a loss. */
export class NewReno extends LossBased {
  readonly name = 'newreno';
  /** RFC 5681 §3.1, equation 4 */
  protected readonly beta = 1 / 2;
  /** Bytes acknowledged in congestion avoidance and not yet turned into growth. */
  #ackedBytes = 0;

  /** RFC 5681 §3.1: one SMSS for each window of acknowledged bytes. */
  protected avoid(ackedBytes: number): void {
    this.#ackedBytes += ackedBytes;
    while (this.#ackedBytes >= this.cwndBytes) {
      this.#ackedBytes -= this.cwndBytes;
      this.cwndBytes += this.mssBytes;
    }
  }

  protected override congested(): void {
    this.#ackedBytes = 0;
  }

  protected override interrupted(): void {
    this.#ackedBytes = 0;
  }
}
