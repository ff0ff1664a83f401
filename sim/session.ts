import type { SessionPlan } from './plan.ts';
import { User } from './user.ts';

/** One connection and its two users, or one of several attempts at it. */
export class Session {
  readonly plan: SessionPlan;
  readonly users: readonly [User, User];
  readonly attempt: number;
  /** The pseudo-port of the one who connects: the other knows him by it. */
  localPseudoPort = 0;
  /** Something was done to it that no TCP survives: it may end in any way, but not hang. */
  isDoomed = false;

  constructor(plan: SessionPlan, attempt: number) {
    const [first, second] = plan.users;
    this.plan = plan;
    this.attempt = attempt;
    const users = [new User(first, second), new User(second, first)] as const;
    users[0].peer = users[1];
    users[1].peer = users[0];
    this.users = users;
  }
}
