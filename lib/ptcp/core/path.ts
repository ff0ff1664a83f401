import { UsageError } from '../../errors.ts';
import type { Entropy } from '../../interfaces/entropy.ts';
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import { Bbr, type BbrOptions } from './congestion/bbr/bbr.ts';
import type { CongestionController } from './congestion/controller.ts';
import { Cubic } from './congestion/cubic.ts';
import { NewReno } from './congestion/newreno.ts';
import { Uncontrolled } from './congestion/none.ts';
import { RttEstimator } from './rtt.ts';
import type { Seq } from './seq.ts';
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

/** Throws UsageError unless `path` can be the id of one. */
export function checkPath(path: PathId): void {
  if (!isPath(path)) throw new UsageError(`path ${path} is not a whole number from 0 to ${MAX_PATH_ID}`);
}

/** RFC 8899 §5.2; DISABLED and BASE without a probe so far have no PathSearch. */
export type PmtuState = 'disabled' | 'base' | 'searching' | 'search-complete' | 'error';

/** The search for a larger PLPMTU on one path; what is found is Path.datagramBytes. */
export interface PathSearch {
  state: PmtuState;
  /** The smallest datagram that is known not to get through; Infinity while there is none. */
  failedBytes: number;
  /** PROBED_SIZE of the probe that is out or is to go again; 0 while there is none. */
  probedBytes: number;
  /** Its place in the stream: empty while none is out. */
  probeStart: Seq;
  probeEnd: Seq;
  /** PROBE_COUNT: probes of this size that were lost. */
  probeCount: number;
  /** When the next probe may leave, and the one that is out counts as lost. */
  dueAt: Instant;
}

/** What a connection knows of the path it uses: whatever would begin anew on another path. */
export interface Path {
  readonly id: PathId;
  readonly rtt: RttEstimator;
  readonly congestion: CongestionController;
  /** PLPMTU, RFC 8899 §5.1.2: largest datagram to send but for probes, bytes, what sealing adds not included. */
  datagramBytes: number;
  /** BASE_PLPMTU, RFC 8899 §5.1.2: what is sent where larger ones disappear. */
  readonly baseDatagramBytes: number;
  /** MAX_PLPMTU, RFC 8899 §5.1.2: no probe is larger. */
  maxDatagramBytes: number;
  search: PathSearch | undefined;
  /** Whether segments leave at the controller's pace. */
  readonly isPaced: boolean;
  /** Pacing: bytes that may leave at `pacedAt`; the bucket fills at the controller's rate. */
  pacingCredit: number;
  pacedAt: Instant;
  /** ECN's place: what the socket can show and set. 0 where it can do neither. */
  ecn: 0 | 1 | 2 | 3;
}

/** How large the datagrams of a path may be: from the start, on any path, and at most. */
export interface DatagramSizes {
  readonly startBytes: number;
  readonly baseBytes: number;
  readonly maxBytes: number;
}

/** A path as it begins: nothing is known but how large a datagram may be. */
export function createPath(id: PathId, profile: Profile, sizes: DatagramSizes, random: Entropy): Path {
  return {
    id,
    rtt: new RttEstimator(profile.rtoInitialMs, profile.rtoMinMs, profile.rtoMaxMs),
    congestion: createController(profile, sizes.startBytes - HEADER_BYTES, random),
    datagramBytes: sizes.startBytes,
    baseDatagramBytes: sizes.baseBytes,
    maxDatagramBytes: sizes.maxBytes,
    search: undefined,
    isPaced: profile.pacing,
    pacingCredit: 0,
    pacedAt: -NEVER,
    ecn: 0,
  };
}

function createController(profile: Profile, mssBytes: number, random: Entropy): CongestionController {
  const { initialWindowSegments, pacing, bbrLossTolerance: lossTolerance } = profile;
  switch (profile.congestion) {
    case 'newreno':
      return new NewReno(mssBytes, initialWindowSegments, pacing);
    case 'cubic':
      return new Cubic(mssBytes, initialWindowSegments, pacing);
    case 'bbr':
      return new Bbr(shared({ mssBytes, initialWindowSegments, isPaced: pacing, random, lossTolerance }));
    case 'none':
      return new Uncontrolled();
    default:
      return profile.congestion({ mssBytes, initialWindowSegments, isPaced: pacing, random });
  }
}

type SharedOptions = Omit<Required<BbrOptions>, 'probeRttLongestMs'>;
/** Kept with the source of randomness in it, which there is one of in a process. */
let lastShared: SharedOptions | undefined;

/** What was made last where it is the same: each connection keeps its options, and most begin alike. */
function shared(options: SharedOptions): SharedOptions {
  const last = lastShared;
  const isSame =
    last !== undefined &&
    last.mssBytes === options.mssBytes &&
    last.initialWindowSegments === options.initialWindowSegments &&
    last.isPaced === options.isPaced &&
    last.random === options.random &&
    last.lossTolerance === options.lossTolerance;
  if (isSame) return last;
  lastShared = options;
  return options;
}
