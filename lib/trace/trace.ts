// Read first: docs/observing.md, the trace. The shape is qlog's (draft-ietf-quic-qlog-main-schema), the words are TCP's.
import type { UdpAddress } from '../interfaces/address.ts';
import type { Instant } from '../time/clock.ts';

/** Which connection an event is about. Two that follow one another may have the same name. */
export interface TracedConnection {
  /** The endpoint's number of the pair of UDP addresses. */
  readonly path: number;
  /** Pseudo-ports. */
  readonly localPort: number;
  readonly remotePort: number;
  /** UDP addresses, where a socket is known. */
  readonly localAddress?: UdpAddress;
  readonly remoteAddress?: UdpAddress;
}

/** The header of a segment as it was on the wire; what it has no option for is left out. */
export interface TracedHeader {
  /** As tcpdump writes them: S, F, R, P, U, E, W, and '.' for ACK. */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  /** Not scaled. */
  readonly window: number;
  readonly payloadBytes: number;
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: true;
  readonly tsVal?: number;
  readonly tsEcr?: number;
  /** Left and right edge of each block. */
  readonly sackBlocks?: readonly (readonly [number, number])[];
}

/** What happened, by qlog's category and name. */
export interface TraceEvents {
  'connectivity:connection_started': { readonly role: 'client' | 'server' };
  'connectivity:connection_state_updated': { readonly old: string | undefined; readonly new: string };
  /** R1 was reached (RFC 9293 §3.8.3), or the socket reported an error. */
  'connectivity:path_suspect': Readonly<Record<never, never>>;
  'connectivity:connection_closed': { readonly reason: string };
  'transport:packet_sent': { readonly header: TracedHeader };
  'transport:packet_received': { readonly header: TracedHeader };
  /** A datagram that no connection got to see; `reason` is that of the endpoint's stats. */
  'transport:packet_dropped': { readonly lengthBytes: number; readonly reason: string };
  /** Whenever one of them has changed. */
  'recovery:metrics_updated': {
    readonly cwndBytes: number;
    /** Left out while it is unlimited, as is the rate where nothing is paced. */
    readonly ssthreshBytes?: number;
    readonly inFlightBytes: number;
    readonly pacingRateBytesPerSecond?: number;
    /** Left out until there is a sample. */
    readonly srttUs?: number;
    readonly rttvarUs?: number;
    readonly minRttUs?: number;
    readonly rtoUs: number;
    readonly sndWndBytes: number;
  };
  /** As Linux's tcpi_ca_state. */
  'recovery:congestion_state_updated': { readonly old: string | undefined; readonly new: string };
  'recovery:loss_timer_updated': {
    /** 'reorder' and 'tail-probe' are RACK-TLP's. */
    readonly timer: 'retransmit' | 'reorder' | 'tail-probe' | 'persist';
    readonly event: 'set' | 'expired' | 'cancelled';
    /** From now, for 'set'. */
    readonly deltaMs?: number;
  };
  'recovery:packet_lost': {
    readonly seq: number;
    readonly lengthBytes: number;
    /** How often it was sent. */
    readonly transmissions: number;
  };
}

/** One thing that happened, with its name told apart by TypeScript. */
export type TraceEvent = {
  [Name in keyof TraceEvents]: {
    readonly at: Instant;
    /** Undefined for a datagram that belongs to none. */
    readonly connection: TracedConnection | undefined;
    readonly name: Name;
    readonly data: TraceEvents[Name];
  };
}[keyof TraceEvents];

/** Takes what happens to PTCP connections. Called in the middle of things: it must not throw, nor call back. */
export interface TraceSink {
  trace(event: TraceEvent): void;
}
