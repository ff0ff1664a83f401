/** Both ends of a segment, as far as a reader of TCP packets can tell connections apart. */
export interface SegmentEnds {
  readonly fromHost: string;
  readonly fromPort: number;
  readonly toHost: string;
  readonly toPort: number;
}

/** The ports that a segment is shown with. */
export interface Ports {
  readonly fromPort: number;
  readonly toPort: number;
}

/** How many other ports are tried for a conversation before it keeps its own. */
const MAX_TRIES = 1000;

/**
 * Which ports the conversations of a capture are shown with.
 *
 * A PTCP connection is known by the UDP ports too, which a TCP packet has no room for. Where two connections between the
 * same hosts have the same pseudo-ports on other UDP ports, the second is shown with another port for the host that was
 * seen sending first, so that nobody takes the two for one.
 */
export class ShownPorts {
  readonly #limit: number;
  /** Of each conversation as it is shown: the path that it is on. */
  readonly #owners = new Map<string, number>();
  /** Of each conversation as it is on the wire, on its path: how it is shown, seen from the end named first. */
  readonly #renamed = new Map<string, Renaming>();

  /** Beyond `limit` conversations they are shown as they are on the wire. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  of(ends: SegmentEnds, pathId: number): Ports {
    const key = conversationKey(ends);
    const owner = this.#owners.get(key);
    if (owner === pathId) return ends;
    if (owner === undefined) {
      this.#own(key, pathId);
      return ends;
    }
    const keyOnPath = `${pathId} ${key}`;
    const renaming = this.#renamed.get(keyOnPath) ?? this.#rename(ends, pathId, keyOnPath);
    if (renaming === undefined) return ends;
    const isSender = renaming.host === ends.fromHost && renaming.port === ends.fromPort;
    return isSender
      ? { fromPort: renaming.shownPort, toPort: ends.toPort }
      : { fromPort: ends.fromPort, toPort: renaming.shownPort };
  }

  #rename(ends: SegmentEnds, pathId: number, keyOnPath: string): Renaming | undefined {
    if (this.#renamed.size >= this.#limit) return undefined;
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const shownPort = ((ends.fromPort + tries - 1) % 65_535) + 1;
      const key = conversationKey({ ...ends, fromPort: shownPort });
      if (this.#owners.has(key)) continue;
      this.#own(key, pathId);
      const renaming = { host: ends.fromHost, port: ends.fromPort, shownPort };
      this.#renamed.set(keyOnPath, renaming);
      return renaming;
    }
    return undefined;
  }

  #own(key: string, pathId: number): void {
    if (this.#owners.size < this.#limit) this.#owners.set(key, pathId);
  }
}

interface Renaming {
  readonly host: string;
  readonly port: number;
  readonly shownPort: number;
}

/** The same for both directions. */
function conversationKey({ fromHost, fromPort, toHost, toPort }: SegmentEnds): string {
  const from = `${fromHost} ${fromPort}`;
  const to = `${toHost} ${toPort}`;
  return from < to ? `${from} ${to}` : `${to} ${from}`;
}
