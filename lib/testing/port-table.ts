/** The first port given out for port 0; the dynamic ports of RFC 6335. */
const FIRST_DYNAMIC_PORT = 49_152;
const LAST_PORT = 65_535;

/** Addresses that stand for every address of a host. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

export function familyOf(host: string): 'IPv4' | 'IPv6' {
  return host.includes(':') ? 'IPv6' : 'IPv4';
}

/** What a system call fails with: an Error whose `code` is errno's name. */
export function errnoError(code: string, call: string): Error & { readonly code: string } {
  return Object.assign(new Error(`${call}: ${code}`), { code });
}

/** Who is bound where on one host, for one protocol. */
export class PortTable<Owner> {
  readonly #byPort = new Map<number, Map<string, Owner>>();
  #nextDynamicPort = FIRST_DYNAMIC_PORT;

  /** The port that was taken, or errno's name. Port 0 takes the next free one, in turn. */
  bind(host: string, port: number, makeOwner: (port: number) => Owner): number | 'EADDRINUSE' {
    const granted = port === 0 ? this.#freePort(host) : port;
    if (granted === undefined || !this.#isFree(host, granted)) return 'EADDRINUSE';
    const owners = this.#byPort.get(granted) ?? new Map<string, Owner>();
    this.#byPort.set(granted, owners.set(host, makeOwner(granted)));
    return granted;
  }

  release(host: string, port: number): void {
    const owners = this.#byPort.get(port);
    owners?.delete(host);
    if (owners?.size === 0) this.#byPort.delete(port);
  }

  /** Who receives what is sent to `host` and `port`: `::` takes IPv4 too, as systems do when left alone. */
  find(host: string, port: number): Owner | undefined {
    const owners = this.#byPort.get(port);
    if (owners === undefined) return undefined;
    return (
      owners.get(host) ?? (familyOf(host) === 'IPv4' ? owners.get('0.0.0.0') : undefined) ?? owners.get('::')
    );
  }

  #isFree(host: string, port: number): boolean {
    const owners = this.#byPort.get(port);
    if (owners === undefined) return true;
    return !isWildcard(host) && !owners.has(host) && ![...owners.keys()].some(isWildcard);
  }

  #freePort(host: string): number | undefined {
    for (let tries = FIRST_DYNAMIC_PORT; tries <= LAST_PORT; tries++) {
      const port = this.#nextDynamicPort;
      this.#nextDynamicPort = port === LAST_PORT ? FIRST_DYNAMIC_PORT : port + 1;
      if (this.#isFree(host, port)) return port;
    }
    return undefined;
  }
}
