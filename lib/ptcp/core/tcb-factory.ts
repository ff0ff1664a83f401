// Control blocks as they begin: what the endpoint knows, the path and the secrets put together.
import type { Entropy } from '../../interfaces/entropy.ts';
import type { Instant } from '../../time/clock.ts';
import { LEAST_DATAGRAM_BYTES, type Profile } from './config.ts';
import { becomeTcb, type HalfOpen } from './half-open.ts';
import type { PathTag, Secrets } from './isn.ts';
import type { MemoryBudget } from './memory.ts';
import { createPath, type DatagramSizes, type Path, type PathId } from './path.ts';
import { PathCache, type PathMemory } from './path-cache.ts';
import { sendMss } from './segment-size.ts';
import { createTcb, type Tcb } from './tcb.ts';

/** RFC 8899 §5.1.2, BASE_PLPMTU: what every path carries. */
const BASE_PLPMTU = 1200;

/** What an active connection is made from. */
export interface Opening {
  readonly path: PathId;
  readonly localPort: number;
  readonly remotePort: number;
  readonly profile: Profile;
  readonly isHolePunching: boolean;
}

/** What a factory is given by its endpoint. */
export interface TcbFactoryOptions {
  readonly entropy: Entropy;
  readonly secrets: Secrets;
  readonly memory: MemoryBudget;
  readonly overheadBytes: number;
  readonly pathDatagramBytes: ((path: PathId) => number | undefined) | undefined;
  readonly tagOf: (path: PathId) => PathTag;
  readonly hostOf: (path: PathId) => PathTag;
}

/** Makes the control blocks of an endpoint. */
export class TcbFactory {
  readonly #options: TcbFactoryOptions;
  readonly #cache = new PathCache();

  constructor(options: TcbFactoryOptions) {
    this.#options = options;
  }

  /** For an active OPEN: in SYN-SENT, nothing sent. */
  active(opening: Opening, now: Instant): Tcb {
    const { secrets, memory, tagOf } = this.#options;
    const { localPort, remotePort, profile } = opening;
    const tag = tagOf(opening.path);
    return createTcb({
      state: 'SYN-SENT',
      path: this.#path(opening.path, profile, now),
      localPort,
      remotePort,
      profile,
      isPassive: false,
      isHolePunching: opening.isHolePunching,
      iss: profile.iss ?? secrets.initialSequence(tag, localPort, remotePort, now),
      tsOffset: profile.timestampOffset ?? secrets.timestampOffset(tag, localPort, remotePort),
      token: secrets.word(),
      memory,
      now,
    });
  }

  /** For a half-open connection whose peer has answered: in SYN-RECEIVED. */
  passive(record: HalfOpen, now: Instant): Tcb {
    const tcb = createTcb({
      state: 'SYN-RECEIVED',
      path: this.#path(record.pathId, record.profile, now),
      localPort: record.localPort,
      remotePort: record.remotePort,
      profile: record.profile,
      isPassive: true,
      isHolePunching: false,
      iss: record.iss,
      tsOffset: record.tsOffset,
      token: record.token,
      memory: this.#options.memory,
      now,
    });
    becomeTcb(record, tcb);
    tcb.path.congestion.setMss(sendMss(tcb));
    return tcb;
  }

  /** `tcb` is over: the next connection to that host begins with what it knew (RFC 9040 §6). */
  remember(tcb: Tcb, now: Instant): void {
    this.#cache.remember(this.#options.hostOf(tcb.path.id), tcb, now);
  }

  #path(id: PathId, profile: Profile, now: Instant): Path {
    const { entropy, hostOf } = this.#options;
    const known = profile.sharePathState ? this.#cache.recall(hostOf(id), now) : undefined;
    const path = createPath(id, profile, this.#datagramSizes(id, profile, known), entropy);
    if (known === undefined) return path;
    path.rtt.recall(known.srttMs, known.rttvarMs);
    if (known.ssthreshBytes !== Number.POSITIVE_INFINITY) path.congestion.recall?.(known.ssthreshBytes);
    return path;
  }

  /** What the caller knows a path to carry is where it begins, and there is nothing to look for. */
  #datagramSizes(
    id: PathId,
    { maxDatagramBytes, maxPlpmtuBytes }: Profile,
    known: PathMemory | undefined,
  ): DatagramSizes {
    const { overheadBytes, pathDatagramBytes } = this.#options;
    const baseBytes = BASE_PLPMTU - overheadBytes;
    const toldBytes = pathDatagramBytes?.(id);
    if (toldBytes !== undefined) {
      const startBytes = Math.max(toldBytes - overheadBytes, LEAST_DATAGRAM_BYTES);
      return { startBytes, baseBytes: Math.min(startBytes, baseBytes), maxBytes: startBytes };
    }
    const maxBytes = Math.max(maxDatagramBytes, maxPlpmtuBytes === 'off' ? 0 : maxPlpmtuBytes);
    const startBytes = Math.max(maxDatagramBytes, Math.min(known?.datagramBytes ?? 0, maxBytes));
    return { startBytes, baseBytes: Math.min(maxDatagramBytes, baseBytes), maxBytes };
  }
}
