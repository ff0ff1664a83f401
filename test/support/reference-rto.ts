/** RFC 6298 §2 and §5.5 word for word, in milliseconds; one sample for each round trip. An oracle. */
export class ReferenceRto {
  #srtt = Number.NaN;
  #rttvar = 0;
  rto = 1000;
  readonly #limits: { readonly leastMs: number; readonly mostMs: number };

  constructor(limits: { readonly leastMs: number; readonly mostMs: number }) {
    this.#limits = limits;
  }

  measure(r: number): void {
    const [alpha, beta, k, g] = [1 / 8, 1 / 4, 4, 1];
    if (Number.isNaN(this.#srtt)) {
      this.#srtt = r;
      this.#rttvar = r / 2;
    } else {
      this.#rttvar = (1 - beta) * this.#rttvar + beta * Math.abs(this.#srtt - r);
      this.#srtt = (1 - alpha) * this.#srtt + alpha * r;
    }
    const rto = this.#srtt + Math.max(g, k * this.#rttvar);
    this.rto = Math.min(Math.max(this.#limits.leastMs, rto), this.#limits.mostMs);
  }

  timedOut(): void {
    this.rto = Math.min(2 * this.rto, this.#limits.mostMs);
  }
}
