import type { Entropy } from '../../interfaces/entropy.ts';
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import type { CongestionController } from './congestion/controller.ts';
import { Cubic } from './congestion/cubic.ts';
import { NewReno } from './congestion/newreno.ts';
import { Uncontrolled } from './congestion/none.ts';
import { RttEstimator } from './rtt.ts';
import { HEADER_BYTES } from './wire/segment.ts';

/**
 * A pair of UDP addresses, as a small number that the caller gives out: the core never sees an address.
 *
 * At most 2^20 of them may be in use at once.
 */
export type PathId = number;

/** The largest PathId. */
export const MAX_PATH_ID = 2 ** 20 - 1;

/** Whether `path` can be the id of one. */
export function isPath(path: PathId): boolean {
  return Number.isInteger(path) && path >= 0 && path <= MAX_PATH_ID;
}

/** What a connection knows of the path it uses: whatever would begin anew on another path. */
export interface Path {
  readonly id: PathId;
  readonly rtt: RttEstimator;
  readonly congestion: CongestionController;
  /** Largest datagram to send, bytes, what sealing adds not included. */
  datagramBytes: number;
  /** Whether segments leave at the controller's pace. */
  readonly isPaced: boolean;
  /** Pacing: bytes that may leave at `pacedAt`; the bucket fills at the controller's rate. */
  pacingCredit: number;
  pacedAt: Instant;
  /** ECN's place: what the socket can show and set. 0 where it can do neither. */
  ecn: 0 | 1 | 2 | 3;
}

/** A path as it begins: nothing is known but how large a datagram may be. */
export function createPath(id: PathId, profile: Profile, datagramBytes: number, random: Entropy): Path {
  return {
    id,
    rtt: new RttEstimator(profile.rtoInitialMs, profile.rtoMinMs, profile.rtoMaxMs),
    congestion: createController(profile, datagramBytes - HEADER_BYTES, random),
    datagramBytes,
    isPaced: profile.pacing,
    pacingCredit: 0,
    pacedAt: -NEVER,
    ecn: 0,
  };
}

function createController(profile: Profile, mssBytes: number, random: Entropy): CongestionController {
  const { initialWindowSegments, pacing } = profile;
  const options = { mssBytes, initialWindowSegments, isPaced: pacing, random };
  switch (profile.congestion) {
    case 'newreno':
      return new NewReno(mssBytes, initialWindowSegments, pacing);
    case 'cubic':
      return new Cubic(mssBytes, initialWindowSegments, pacing);
    case 'none':
      return new Uncontrolled();
    default:
      return profile.congestion(options);
  }
}
