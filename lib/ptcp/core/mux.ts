// Which connection a segment belongs to: by path and both pseudo-ports (docs/ptcp.md), else a listener, else nobody.
import { UsageError } from '../../errors.ts';
import type { Instant } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import type { Connection } from './connection.ts';
import type { HalfOpen } from './half-open.ts';
import { FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT, type Secrets } from './isn.ts';
import { MAX_PATH_ID, type PathId } from './path.ts';
import { isOnVertex } from './tcb.ts';
import type { TimeWait } from './time-wait.ts';

/** Throws UsageError unless `port` can be a pseudo-port. */
export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError(`pseudo-port ${port} is not a whole number from 1 to 65535`);
}

/** A pseudo-port that takes connections. */
export interface Listener {
  readonly pseudoPort: number;
  readonly profile: Profile;
  /** Its connections in SYN-RECEIVED, oldest first. */
  readonly halfOpen: Set<HalfOpen>;
  /** When it last answered with a SYN cookie: before that nobody can bring one back. */
  cookieSentAt: Instant;
}

/** Whoever segments of a path and a pair of ports belong to. */
export type MuxEntry = Connection | HalfOpen | TimeWait;

/** Whether segments for `entry` must carry a CRC-32. */
export function isCrcOnFor(entry: MuxEntry | undefined): boolean {
  if (entry === undefined) return false;
  if ('tcb' in entry) return entry.tcb.isCrcOn;
  return entry.kind === 'half-open' ? entry.agreed.isCrcOn : entry.isCrcOn;
}

const PORTS = 65_536;
/** Where the keys of the other wire begin: pseudo-ports are of one wire only. */
const VERTEX_KEYS = (MAX_PATH_ID + 1) * PORTS * PORTS;

/** The tables of an endpoint. */
export class Mux {
  readonly #connections = new Map<number, MuxEntry>();
  readonly #listeners = new Map<number, Listener>();
  /** How many connections there are on a path, and how many with a pair of ports whatever the path. */
  readonly #onPath = new Map<PathId, number>();
  readonly #withPair = new Map<number, number>();
  readonly #salt: number;

  /** `salt`, which outsiders cannot know, keeps them from choosing ports whose entries crowd together in a table. */
  constructor(salt: number) {
    this.#salt = salt;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** A number for (wire, path, local, remote): below 2^53, since paths are below 2^20. */
  keyOf(path: PathId, localPort: number, remotePort: number, isOnVertex = false): number {
    return (isOnVertex ? VERTEX_KEYS : 0) + path * PORTS * PORTS + this.#pairOf(localPort, remotePort);
  }

  find(key: number): MuxEntry | undefined {
    return this.#connections.get(key);
  }

  add(key: number, entry: MuxEntry): void {
    this.#connections.set(key, entry);
    count(this.#onPath, pathOf(key), 1);
    count(this.#withPair, key % (PORTS * PORTS), 1);
  }

  /** The connection `key` is now held as `entry`. */
  replace(key: number, entry: MuxEntry): void {
    this.#connections.set(key, entry);
  }

  remove(key: number): void {
    if (!this.#connections.delete(key)) return;
    count(this.#onPath, pathOf(key), -1);
    count(this.#withPair, key % (PORTS * PORTS), -1);
  }

  /** Whether any connection, TIME-WAIT included, is on `path`. */
  isPathInUse(path: PathId): boolean {
    return this.#onPath.has(path);
  }

  /** Whether some path has a connection with this pair of ports. */
  hasPair(localPort: number, remotePort: number): boolean {
    return this.#withPair.has(this.#pairOf(localPort, remotePort));
  }

  #pairOf(localPort: number, remotePort: number): number {
    return (((localPort << 16) | remotePort) ^ this.#salt) >>> 0;
  }

  entries(): Iterable<MuxEntry> {
    return this.#connections.values();
  }

  listener(port: number, isOnVertex = false): Listener | undefined {
    return this.#listeners.get(listenerKey(port, isOnVertex));
  }

  addListener(listener: Listener): void {
    this.#listeners.set(listenerKey(listener.pseudoPort, isOnVertex(listener)), listener);
  }

  removeListener(listener: Listener): void {
    this.#listeners.delete(listenerKey(listener.pseudoPort, isOnVertex(listener)));
  }

  /**
   * A free pseudo-port for a connection to `remotePort` on `path`, random (RFC 6056 §3.3.1), or undefined when all are
   * taken.
   */
  freePort(path: PathId, remotePort: number, secrets: Secrets, isOnVertex = false): number | undefined {
    const first = secrets.port();
    const range = LAST_DYNAMIC_PORT - FIRST_DYNAMIC_PORT + 1;
    for (let step = 0; step < range; step += 1) {
      const port = FIRST_DYNAMIC_PORT + ((first - FIRST_DYNAMIC_PORT + step) % range);
      const key = this.keyOf(path, port, remotePort, isOnVertex);
      const isFree = !this.#connections.has(key) && this.listener(port, isOnVertex) === undefined;
      if (isFree) return port;
    }
    return undefined;
  }
}

function listenerKey(port: number, isOnVertex: boolean): number {
  return isOnVertex ? PORTS + port : port;
}

function pathOf(key: number): PathId {
  return Math.floor(key / (PORTS * PORTS)) % (MAX_PATH_ID + 1);
}

function count(counts: Map<number, number>, key: number, change: number): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
