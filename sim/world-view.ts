import type { Instant } from '../lib/time/clock.ts';
import type { Host } from './host.ts';
import type { Flight } from './link.ts';
import type { Side, WorldPlan } from './plan.ts';
import type { Session } from './session.ts';
import type { TraceHash } from './trace-hash.ts';

/** A world as those see it who meddle with it, and those who judge it. */
export interface WorldView {
  readonly now: Instant;
  readonly plan: WorldPlan;
  readonly hash: TraceHash;
  readonly hosts: readonly [Host, Host];
  /** Every connection that was asked for, in the order of time. */
  readonly sessions: readonly Session[];
  /** Sends `flight` from a side, whoever made it. */
  putOnLink(side: Side, flight: Flight): void;
  /** For whoever writes down what is sent: `flight` leaves now. */
  seen(flight: Flight): void;
}
