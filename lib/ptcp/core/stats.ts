import type { DecodeError } from './wire/options.ts';

/** What an endpoint has seen; only ever grows. */
export interface EndpointStats {
  datagrams: number;
  segmentsSent: number;
  /** By what they were instead. */
  readonly notSegments: { stun: number; short: number; foreign: number };
  /** By why they could not be read. */
  readonly undecodable: Record<DecodeError, number>;
  /** Segments on a path without such a connection, though another path has one. */
  pathCandidates: number;
  /** Resets sent in answer to segments for nobody. */
  strayResets: number;
  /** SYNs dropped for lack of room. */
  droppedSyns: number;
  /** SYNs answered by a cookie instead of being remembered, cookies that came back, and ACKs that brought none. */
  synCookiesSent: number;
  synCookiesAccepted: number;
  synCookiesRefused: number;
  /** Connections ended for lack of room because their peers had kept their windows shut (RFC 6429 §3). */
  shutWindowsAborted: number;
}

export function createStats(): EndpointStats {
  return {
    datagrams: 0,
    segmentsSent: 0,
    notSegments: { stun: 0, short: 0, foreign: 0 },
    undecodable: { truncated: 0, 'bad-data-offset': 0, 'bad-option': 0, 'bad-crc': 0 },
    pathCandidates: 0,
    strayResets: 0,
    droppedSyns: 0,
    synCookiesSent: 0,
    synCookiesAccepted: 0,
    synCookiesRefused: 0,
    shutWindowsAborted: 0,
  };
}
