// What a world is made of. A plan is plain numbers, drawn from one seed and complete: playing it draws nothing anew.
import type { Profile, ProfileInput } from '../lib/ptcp/core/config.ts';

/** The kinds of worlds, by the names of the command line. */
export const WORLD_NAMES = ['small', 'standard', 'attacker', 'liveness'] as const;
export type WorldName = (typeof WORLD_NAMES)[number];

/** The two ends of every connection; the first one connects. */
export type Side = 0 | 1;
export const SIDES = [0, 1] as const;

/** One direction of the network. Probabilities are from 0 to 1. */
export interface LinkPlan {
  readonly latencyMs: number;
  /** Each datagram takes up to this much longer. It delays those behind, and reorders nothing. */
  readonly jitterMs: number;
  /** Infinity: no rate and no queue. */
  readonly rateMbit: number;
  readonly queueBytes: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  /** How long a reordered datagram is held back. */
  readonly reorderMs: number;
  /** A few bits of a datagram are flipped: only where the CRC is agreed on, else UDP's checksum is there to see it. */
  readonly flip: number;
  readonly truncate: number;
  /** Gilbert and Elliott's bursts: the chance to fall into the bad state, to leave it, and to lose a datagram in it. */
  readonly burst: { readonly enter: number; readonly leave: number; readonly loss: number } | undefined;
}

/** A fault with a time of its own. `untilAt` is when it ends. */
export type Episode =
  /** Nothing passes: on one link, or (2) on both. */
  | { readonly kind: 'partition'; readonly at: number; readonly untilAt: number; readonly link: Side | 2 }
  /** Everything waits, and then comes at once. */
  | { readonly kind: 'clog'; readonly at: number; readonly untilAt: number; readonly link: Side }
  | {
      readonly kind: 'rate';
      readonly at: number;
      readonly untilAt: number;
      readonly link: Side;
      readonly factor: number;
    }
  /** Larger packets vanish, both ways; for good where both ends look for what the path carries (RFC 8899). */
  | { readonly kind: 'mtu'; readonly at: number; readonly untilAt: number; readonly mtuBytes: number }
  /** The NAT in front of a host forgets its mappings. */
  | { readonly kind: 'rebind'; readonly at: number; readonly host: Side }
  /** The host forgets everything, and is back later. */
  | { readonly kind: 'crash'; readonly at: number; readonly untilAt: number; readonly host: Side }
  /** The host's clock jumps forward. */
  | { readonly kind: 'jump'; readonly at: number; readonly host: Side; readonly byMs: number }
  /** Nobody reads at this host. */
  | { readonly kind: 'pause'; readonly at: number; readonly untilAt: number; readonly host: Side };

/** How the user of one end ends: 'shutdown' closes his direction once all is written, 'close' both. */
export type Ending = 'shutdown' | 'close' | 'abort' | 'close-unread';

/** What the user of one end does. His content is a piece of the pattern. */
export interface UserPlan {
  readonly totalBytes: number;
  /** Where in the pattern his content begins. */
  readonly contentAt: number;
  /** At most so much is written, or read, at once; and then again after a while. */
  readonly writeBytes: number;
  readonly writeEveryMs: number;
  readonly readBytes: number;
  readonly readEveryMs: number;
  /** When he may write: 'ask' waits for the answer to what he wrote, 'answer' for a question of `turnBytes`. */
  readonly gate: 'open' | 'ask' | 'answer' | 'peer-closed';
  readonly turnBytes: number;
  /** Having written so much, he does nothing for so long. */
  readonly idleAfterBytes: number;
  readonly idleMs: number;
  readonly ending: Ending;
  /** When 'abort' and 'close-unread' come. */
  readonly endAt: number;
}

/** One connection: who opens it, and who uses it. */
export interface SessionPlan {
  readonly startAt: number;
  readonly users: readonly [UserPlan, UserPlan];
  /** Both ends connect at once (RFC 9293 §3.5, Figure 7), as peers behind NATs do. */
  readonly isSimultaneous: boolean;
}

/** A NAT box between a host and the network, in the words of RFC 4787. */
export interface NatPlan {
  readonly isMappingEndpointDependent: boolean;
  readonly filtering: 'none' | 'address' | 'address-and-port';
  /** A mapping that nothing leaves through for so long is forgotten. */
  readonly expiryMs: number;
}

/** A host's clock: how fast it goes, 1 being right, and what it shows at the beginning. */
export interface ClockPlan {
  readonly rate: number;
  readonly startAt: number;
}

/** Somebody who is not on the path, and knows addresses and ports but not what is said (RFC 5961's attacker). */
export interface AttackPlan {
  readonly startAt: number;
  readonly everyMs: number;
  readonly shotCount: number;
}

/** What an end does to its own segments before they leave: probabilities for each. */
export interface LiePlan {
  readonly sack: number;
  readonly optimisticAck: number;
  readonly divideAck: number;
  readonly window: number;
  readonly garbage: number;
}

/** A whole world. */
export interface WorldPlan {
  readonly seed: number;
  readonly world: WorldName;
  /** For the draws that are made datagram by datagram. */
  readonly key: number;
  readonly profiles: readonly [ProfileInput, ProfileInput];
  /** The same, with everything filled in. */
  readonly resolved: readonly [Profile, Profile];
  readonly isCrcOn: boolean;
  /** From the first host to the second, and back. */
  readonly links: readonly [LinkPlan, LinkPlan];
  readonly sessions: readonly SessionPlan[];
  /** From here on links have only rate, latency and queue, and every episode is over. */
  readonly faultsEndAt: number;
  /** Sorted by `at`. */
  readonly episodes: readonly Episode[];
  readonly nats: readonly [NatPlan | undefined, NatPlan | undefined];
  readonly clocks: readonly [ClockPlan, ClockPlan];
  readonly maxSegments: number;
  readonly attack: AttackPlan | undefined;
  /** Told by the second host. */
  readonly lies: LiePlan | undefined;
  /** How many events pass between two looks at everything that is costly to recompute. */
  readonly auditEvery: number;
  /** Everything is over so long after the faults, or never. */
  readonly patienceMs: number;
}
