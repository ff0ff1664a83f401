import {
  formatIpAddress,
  isBroadcast,
  isMulticast,
  isUnspecified,
  parseIpAddress,
} from '../bytes/ip-address.ts';
import { sipHash24 } from '../bytes/siphash.ts';
import type { UdpAddress } from '../interfaces/address.ts';
import type { Entropy } from '../interfaces/entropy.ts';
import { MAX_PATH_ID, type PathId } from './core/path.ts';

/** Unused entries that are not worth looking for. */
const SWEEP_AT = 1024;

/** Which UDP address each path of an endpoint stands for. */
export class PathTable {
  readonly #isInUse: (path: PathId) => boolean;
  readonly #ids = new Map<string, PathId>();
  readonly #addresses: (UdpAddress | undefined)[] = [];
  readonly #free: PathId[] = [];
  readonly #tagKey = new Uint8Array(16);
  #sweepAt = SWEEP_AT;
  /** Most datagrams come from where the last one came from. */
  #lastHost = '';
  #lastPort = -1;
  #lastId: PathId = 0;

  /** `isInUse` is the endpoint's word on which paths must be kept. */
  constructor(isInUse: (path: PathId) => boolean, entropy: Entropy) {
    this.#isInUse = isInUse;
    entropy.fill(this.#tagKey);
  }

  /**
   * The path to `host`, a new one if need be. Undefined for an address that nobody can be at (RFC 9293 §3.9.1.1, MUST-46;
   * §3.9.2.3, MUST-63), or when there are too many.
   */
  idOf(host: string, port: number): PathId | undefined {
    if (port === this.#lastPort && host === this.#lastHost) return this.#lastId;
    const key = `${host} ${port}`;
    const id = this.#ids.get(key) ?? this.#create(key, host, port);
    if (id === undefined) return undefined;
    this.#lastHost = host;
    this.#lastPort = port;
    this.#lastId = id;
    return id;
  }

  addressOf(id: PathId): UdpAddress | undefined {
    return this.#addresses[id];
  }

  /** 53 bits that stand for the address of a path, whatever its id: nobody outside can find two that have the same. */
  tagOf(id: PathId): number {
    const { host = '', port = 0 } = this.#addresses[id] ?? {};
    return this.#hash(`${host} ${port}`);
  }

  /** The same for its host. */
  hostTagOf(id: PathId): number {
    return this.#hash(this.#addresses[id]?.host ?? '');
  }

  #hash(text: string): number {
    const letters = new Uint8Array(text.length);
    for (let index = 0; index < text.length; index += 1) letters[index] = text.charCodeAt(index);
    const { high, low } = sipHash24(this.#tagKey, letters);
    return (high >>> 11) * 2 ** 32 + low;
  }

  #create(key: string, host: string, port: number): PathId | undefined {
    if (!isReachable(host, port)) return undefined;
    if (this.#ids.size >= this.#sweepAt) this.#sweep();
    const id = this.#free.pop() ?? this.#addresses.length;
    if (id > MAX_PATH_ID) return undefined;
    this.#ids.set(key, id);
    this.#addresses[id] = { host, port };
    return id;
  }

  /** Forgets the addresses of paths without connections: anyone can send a datagram from a new one. */
  #sweep(): void {
    for (const [key, id] of this.#ids) {
      if (this.#isInUse(id)) continue;
      this.#ids.delete(key);
      this.#addresses[id] = undefined;
      this.#free.push(id);
    }
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#ids.size);
    this.#lastPort = -1;
  }
}

/** An address as datagrams bear it (RFC 5952 §4), and anything else as it is. */
export function oneSpelling(host: string): string {
  const address = parseIpAddress(host);
  return address === undefined ? host : formatIpAddress(address);
}

/** Whether a host can be at `host`: neither any, nor many. */
export function isReachable(host: string, port: number): boolean {
  const address = parseIpAddress(host);
  if (address === undefined || port < 1 || port > 65_535) return false;
  return !isUnspecified(address.bytes) && !isMulticast(address.bytes) && !isBroadcast(address.bytes);
}
