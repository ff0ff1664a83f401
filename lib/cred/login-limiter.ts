import { formatIpAddress, parseIpAddress } from '../bytes/ip-address.ts';
import { TooManyAttempts, UsageError } from '../errors.ts';
import type { Clock } from '../time/clock.ts';
import { FailureTable } from './failure-table.ts';
import type { AttemptEnd, LimitedAttempt, LoginLimits, LoginOrigin } from './login-limits.ts';
import { prepareName } from './names.ts';

/** How guessing is slowed down. All times in milliseconds. */
export interface LoginLimiterOptions {
  readonly clock: Clock;
  /** Failures of one user from one address that cost no waiting: 5. */
  readonly freePerUserAndPeer?: number;
  /** Failures of one address, whatever the names: 50. */
  readonly freePerPeer?: number;
  /** Failures of one user, wherever from: 100. */
  readonly freePerUser?: number;
  /** The first wait, which each further failure doubles: 1 s. */
  readonly firstDelayMs?: number;
  /** The longest wait of an address: 15 min. */
  readonly maxDelayMs?: number;
  /** The longest wait that failures from elsewhere cause: 10 s. */
  readonly maxUserDelayMs?: number;
  /** After so long one failure is forgotten: 30 min. */
  readonly forgiveMs?: number;
  /** How many users, addresses, and pairs of them are remembered, each: 10 000. */
  readonly maxEntries?: number;
}

/**
 * Slows guessing down, per user and address, per address, and per user.
 *
 * A compromise between two harms. The waits for a user from one address, and of an address, grow to 15 minutes: whoever
 * shares an address with somebody who guesses waits with them. The wait for a user wherever from is at most 10 s and never
 * meets the first attempt of an address that has not failed lately: nobody can lock a user out from elsewhere, and who
 * has many addresses has one guess more with each. A success forgets what the user did from that address, and no more:
 * an account of one's own is no way to guess at others.
 */
export class LoginLimiter implements LoginLimits {
  readonly #clock: Clock;
  readonly #pairs: FailureTable;
  readonly #peers: FailureTable;
  readonly #users: FailureTable;

  constructor(options: LoginLimiterOptions) {
    const { clock, freePerUserAndPeer = 5, freePerPeer = 50, freePerUser = 100 } = options;
    const { firstDelayMs = 1000, maxDelayMs = 15 * 60_000, maxUserDelayMs = 10_000 } = options;
    const { forgiveMs = 30 * 60_000, maxEntries = 10_000 } = options;
    for (const limit of [freePerUserAndPeer, freePerPeer, freePerUser, maxEntries]) {
      if (!Number.isSafeInteger(limit) || limit < 1)
        throw new UsageError(`${limit} is no number to count to`);
    }
    for (const delayMs of [firstDelayMs, maxDelayMs, maxUserDelayMs, forgiveMs]) {
      if (!(delayMs > 0 && delayMs < Number.POSITIVE_INFINITY))
        throw new UsageError(`${delayMs} ms is no delay`);
    }
    this.#clock = clock;
    const policy = { firstDelayMs, maxDelayMs, forgiveMs, maxEntries };
    this.#pairs = new FailureTable({ ...policy, freeCount: freePerUserAndPeer });
    this.#peers = new FailureTable({ ...policy, freeCount: freePerPeer });
    this.#users = new FailureTable({ ...policy, freeCount: freePerUser, maxDelayMs: maxUserDelayMs });
  }

  /** How many users, addresses and pairs of them are remembered, all together. */
  get entryCount(): number {
    return this.#pairs.size + this.#peers.size + this.#users.size;
  }

  admit(username: string | undefined, { peer }: LoginOrigin): LimitedAttempt {
    const user = username === undefined ? undefined : userKey(username);
    const address = peer === undefined ? undefined : peerKey(peer);
    const pair = user === undefined || address === undefined ? undefined : `${address} ${user}`;
    const keys: Keys = { user, address, pair };
    const waitMs = this.#waitMs(keys);
    if (waitMs > 0) throw new TooManyAttempts(waitMs);
    this.#count(keys);
    let isOver = false;
    return {
      end: (end) => {
        if (isOver) return;
        isOver = true;
        this.#end(end, keys);
      },
    };
  }

  #waitMs({ user, address, pair }: Keys): number {
    const now = this.#clock.now();
    const wait = (table: FailureTable, key: string | undefined) =>
      key === undefined ? 0 : table.waitMs(key, now);
    const isFresh = address !== undefined && !this.#peers.has(address, now);
    return Math.max(
      wait(this.#pairs, pair),
      wait(this.#peers, address),
      isFresh ? 0 : wait(this.#users, user),
    );
  }

  /** As a failure, until it is known better: a hundred attempts at once are a hundred attempts. */
  #count({ user, address, pair }: Keys): void {
    const now = this.#clock.now();
    if (pair !== undefined) this.#pairs.add(pair, now);
    if (address !== undefined) this.#peers.add(address, now);
    if (user !== undefined) this.#users.add(user, now);
  }

  #end(end: AttemptEnd, { user, address, pair }: Keys): void {
    if (end === 'failed') return;
    const now = this.#clock.now();
    // A connection that was cut says nothing of the user, but whoever cuts it is not to have a try for nothing.
    if (user !== undefined) this.#users.takeBack(user, now);
    if (end === 'abandoned') return;
    if (address !== undefined) this.#peers.takeBack(address, now);
    if (pair === undefined) return;
    if (end === 'succeeded') this.#pairs.forget(pair);
    else this.#pairs.takeBack(pair, now);
  }
}

interface Keys {
  readonly user: string | undefined;
  readonly address: string | undefined;
  readonly pair: string | undefined;
}

/** Every spelling of a name is one name, in any case; all that can be no name are one as well. */
function userKey(username: string): string {
  return prepareName(username, 'fold') ?? '';
}

/** An address; of IPv6 the network, of which every customer has a whole one (RFC 6177 §2). */
function peerKey(peer: string): string {
  const address = parseIpAddress(peer);
  if (address === undefined) return peer;
  const { family, bytes } = address;
  if (family === 'IPv4') return formatIpAddress(address);
  const isMapped = bytes.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
  if (isMapped) return formatIpAddress({ family: 'IPv4', bytes: bytes.subarray(12) });
  return formatIpAddress({ family, bytes: bytes.map((byte, at) => (at < 8 ? byte : 0)) });
}
