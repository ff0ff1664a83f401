// What connections leave behind for the next to the same host: RFC 9040 §6 (temporal sharing).
import type { Instant } from '../../time/clock.ts';
import type { PathTag } from './isn.ts';
import type { Tcb } from './tcb.ts';

/** What one connection knew of its path when it ended. */
export interface PathMemory {
  readonly srttMs: number;
  readonly rttvarMs: number;
  /** Infinity when it never found out. The window itself is not shared: it was that of another moment. */
  readonly ssthreshBytes: number;
  readonly datagramBytes: number;
  readonly learnedAt: Instant;
}

/** Paths change: after this, what was known counts for nothing (RFC 8899 §5.1.1 looks again after as long). */
const LIFE_MS = 600_000;
/** Hosts remembered at most; then the one that was heard of longest ago goes. */
const MAX_HOSTS = 1024;

/** What is known of hosts, by their tags. */
export class PathCache {
  readonly #hosts = new Map<PathTag, PathMemory>();

  get size(): number {
    return this.#hosts.size;
  }

  /** What a connection to `host` may begin with. */
  recall(host: PathTag, now: Instant): PathMemory | undefined {
    const known = this.#hosts.get(host);
    if (known === undefined || now - known.learnedAt <= LIFE_MS) return known;
    this.#hosts.delete(host);
    return undefined;
  }

  /** `tcb`, a connection to `host`, is over. One that measured nothing teaches nothing. */
  remember(host: PathTag, tcb: Tcb, now: Instant): void {
    const { rtt, congestion, datagramBytes } = tcb.path;
    if (!tcb.profile.sharePathState || rtt.minRttMs === Number.POSITIVE_INFINITY) return;
    // The one heard of last is the last in the map.
    this.#hosts.delete(host);
    this.#hosts.set(host, {
      srttMs: rtt.srttMs,
      rttvarMs: rtt.rttvarMs,
      ssthreshBytes: congestion.ssthreshBytes,
      datagramBytes,
      learnedAt: now,
    });
    if (this.#hosts.size <= MAX_HOSTS) return;
    const [oldest] = this.#hosts.keys();
    if (oldest !== undefined) this.#hosts.delete(oldest);
  }
}
