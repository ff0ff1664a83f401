// Peers that keep their windows shut while there is text for them, RFC 6429 §3: who goes when there is no room.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Connection } from './connection.ts';
import { oweReset } from './debts.ts';
import { endConnection } from './ending.ts';
import type { MemoryBudget } from './memory.ts';
import type { Tcb } from './tcb.ts';

/** Memory is short when less than this share of it is free. */
const SHORT_SHARE = 1 / 16;
/** Connections looked at in one search; they differ only in how much patience their profiles have. */
const SEARCHED_COUNT = 16;

/** The connections of an endpoint whose peers take nothing, with when that began, the longest first. */
export class ShutWindows {
  readonly #since = new Map<Connection, Instant>();
  readonly #memory: MemoryBudget;

  constructor(memory: MemoryBudget) {
    this.#memory = memory;
  }

  /** `connection` may have come to be one of them, or be none any more. */
  note(connection: Connection): void {
    const { tcb } = connection;
    if (!isHeldUp(tcb)) {
      if (this.#since.size > 0) this.#since.delete(connection);
      return;
    }
    const before = this.#since.get(connection);
    if (before === tcb.windowShutAt) return;
    // Opened and shut again since: it is the last in the row.
    if (before !== undefined) this.#since.delete(connection);
    this.#since.set(connection, tcb.windowShutAt);
  }

  /** Whether buffers may soon find no memory while these hold some. */
  get isMemoryShort(): boolean {
    return this.#since.size > 0 && this.#memory.freeBytes < this.#memory.limitBytes * SHORT_SHARE;
  }

  /** Aborts the one that has waited longest, if it has waited long enough, and returns it. */
  abortLongest(now: Instant): Connection | undefined {
    let searched = 0;
    for (const [connection, since] of this.#since) {
      const { tcb } = connection;
      const { shutWindowMs } = tcb.profile;
      if (shutWindowMs !== 'off' && now - since >= shutWindowMs) {
        oweReset(tcb, tcb.sndNxt);
        endConnection(tcb, 'timeout');
        return connection;
      }
      searched += 1;
      if (searched === SEARCHED_COUNT) break;
    }
    return undefined;
  }
}

function isHeldUp(tcb: Tcb): boolean {
  return tcb.windowShutAt !== NEVER && tcb.state !== 'CLOSED' && tcb.sendBuffer.length > 0;
}
