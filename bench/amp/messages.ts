import type { CaseName } from './cases.ts';

/** The transports that hawser's AMP is measured over. */
export const HAWSER_NAMES = ['tcp', 'ptcp', 'tls', 'ptcp+tls'] as const;

export type HawserName = (typeof HAWSER_NAMES)[number];

/** Contestants that are a client and a server of ours; Twisted has programs of its own. */
export type OwnName = HawserName | 'grpc';

export type ContestantName = OwnName | 'twisted';

/** What a server process says once it listens, and a client process once it is connected. */
export interface Ready {
  readonly port: number;
}

/** What a client process is asked for. */
export interface Order {
  readonly name: CaseName;
  readonly seconds: number;
}

/** What it answers: null where it has no such calls. */
export interface Measured {
  readonly callsPerSecond: number | null;
}
