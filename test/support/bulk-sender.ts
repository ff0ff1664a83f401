// An established connection whose user writes a lot, seen in whole segments: segment n is bytes 1000 n to 1000 n + 999.
import type { Profile } from '../../lib/ptcp/core/config.ts';
import type { ScriptedPeer } from './scripted-peer.ts';
import { synSent } from './scripted-states.ts';

/** Text in each segment, whatever options are on. */
export const SEGMENT_BYTES = 1000;
const TIMESTAMPS_BYTES = 12;
/** The round trip of the handshake, so the smallest RTT that the endpoint knows. */
export const RTT_MS = 40;

export interface BulkOptions {
  readonly profile?: Partial<Profile>;
  /** Segments that the user has written. 1000 when left out. */
  readonly segments?: number;
}

/** The round trip took RTT_MS and the initial window is on its way. The window of the peer is never in the way. */
export function bulkSender(options: BulkOptions = {}): ScriptedPeer {
  const { profile = {}, segments = 1000 } = options;
  const mss = SEGMENT_BYTES + (profile.timestamps === true ? TIMESTAMPS_BYTES : 0);
  const peer = opened(profile, mss);
  peer.connection.write(new Uint8Array(segments * SEGMENT_BYTES));
  return peer;
}

function opened(profile: Partial<Profile>, mss: number): ScriptedPeer {
  const hasTimestamps = profile.timestamps === true;
  const peer = synSent({
    profile: {
      maxDatagramBytes: mss + 20,
      sendBufferBytes: 4_000_000,
      windowScale: 7,
      rtoMinMs: 1000,
      ...profile,
    },
  });
  peer.at(RTT_MS);
  peer.inject({
    flags: 'S.',
    seq: 0,
    ack: 1,
    options: {
      mss,
      windowScale: 7,
      sackPermitted: profile.sack === true,
      ...(hasTimestamps ? { timestamps: [1, 0] as const } : {}),
    },
  });
  peer.expect({ flags: '.', seq: 1, ack: 1 });
  if (hasTimestamps) peer.usualOptions = { timestamps: [1, 0] };
  // The window of a SYN is not scaled: from here on ACKs repeat the window they had before.
  peer.inject({ seq: 1, ack: 1 });
  return peer;
}

/** Sequence number of the first byte of segment `n`. */
export function at(n: number): number {
  return 1 + n * SEGMENT_BYTES;
}

/** The segments with text that were sent since the last time. */
export function sent(peer: ScriptedPeer): number[] {
  return peer
    .drain()
    .filter(({ length }) => length > 0)
    .map(({ seq }) => (seq - 1) / SEGMENT_BYTES);
}

/** Everything before segment `n` is acknowledged, and each [first, after last) of `blocks` SACKed. */
export function ack(peer: ScriptedPeer, n: number, ...blocks: readonly (readonly [number, number])[]): void {
  peer.inject(encodedAck(peer, n, ...blocks));
}

/** The bytes of such an ACK. */
export function encodedAck(
  peer: ScriptedPeer,
  n: number,
  ...blocks: readonly (readonly [number, number])[]
): Uint8Array {
  const { timestamps } = peer.usualOptions;
  return peer.encode({
    seq: 1,
    ack: at(n),
    options: {
      ...(timestamps === undefined ? {} : { timestamps }),
      ...(blocks.length === 0
        ? {}
        : { sack: blocks.map(([first, after]) => [at(first), at(after)] as const) }),
    },
  });
}

export function cwnd(peer: ScriptedPeer): number {
  return peer.connection.tcpInfo().sndCwndSegments;
}

export function ssthresh(peer: ScriptedPeer): number {
  return peer.connection.tcpInfo().sndSsthreshSegments;
}

/** The numbers from `first` up to, not including, `end`. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_entry, i) => first + i);
}
