// SYN cookies, RFC 4987 §3.6: what a half-open connection must know rides in our sequence number and timestamp, and comes
// back with the peer's ACK. docs/decisions/0020-syn-cookies.md has the layout and its price.
import type { Instant } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import { type Agreement, agreeOn } from './handshake.ts';
import type { CookiePlace, Secrets } from './isn.ts';
import { LEAST_PEER_MSS } from './segment-size.ts';
import { type Seq, seqAdd } from './seq.ts';
import type { OptionName } from './wire/options.ts';
import type { Segment } from './wire/segment.ts';

/** A cookie is good in its slot and the next: for 30 to 60 s. */
export const COOKIE_SLOT_MS = 30_000;

/** The peer's MSS, rounded down to one of these: what paths carry, less IP, UDP and TCP headers or IP and TCP headers. */
const MSS_STEPS: readonly number[] = [LEAST_PEER_MSS, 536, 966, 1180, 1220, 1412, 1432, 1452];

/** ISN: 26 bits of hash, 1 of the slot, 3 of the MSS, SACK, CRC. */
const HASH_SHIFT = 6;
const SLOT_BIT = 32;
const MSS_SHIFT = 2;
const SACK_BIT = 2;
const CRC_BIT = 1;
/** The last four bits of TS Value: the peer's window scale, or that it offered none. */
const SCALE_MASK = 15;
const NO_SCALE = 15;

/** A cookie: our ISN, and the TS Value of the SYN-ACK. */
export interface SynCookie {
  readonly iss: Seq;
  readonly tsVal: number;
}

/** What a cookie can carry of an agreement: without timestamps there is no place for the window scale. */
export function cookieAgreement(profile: Profile, syn: Segment): Agreement {
  const agreed = agreeOn(profile, syn);
  const step = MSS_STEPS.findLastIndex((mss) => mss <= agreed.peerMss);
  const rounded = { ...agreed, peerMss: MSS_STEPS[step]! };
  if (agreed.isTimestampsOn) return rounded;
  return { ...rounded, isScalingOn: false, sndWindShift: 0, rcvWindShift: 0 };
}

/** The cookie that answers a SYN with ISN `irs`; `clock` is TS Value as it would be. */
export function bakeCookie(
  secrets: Secrets,
  place: CookiePlace,
  syn: { readonly irs: Seq; readonly agreed: Agreement; readonly clock: number },
  now: Instant,
): SynCookie {
  const { agreed, irs, clock } = syn;
  const slot = Math.floor(now / COOKIE_SLOT_MS);
  const step = MSS_STEPS.indexOf(agreed.peerMss);
  const scale = agreed.isScalingOn ? agreed.sndWindShift : NO_SCALE;
  const low =
    ((slot & 1) === 0 ? 0 : SLOT_BIT) |
    (step << MSS_SHIFT) |
    (agreed.isSackOn ? SACK_BIT : 0) |
    (agreed.isCrcOn ? CRC_BIT : 0);
  const hash = secrets.cookieHash(place, irs, slot, (scale << 8) | low);
  // Never ahead of the clock, or the peer would take what follows for old (RFC 7323 §5.3).
  const stamped = ((clock & ~SCALE_MASK) | scale) >>> 0;
  const isAhead = scale > (clock & SCALE_MASK);
  return { iss: ((hash << HASH_SHIFT) | low) >>> 0, tsVal: isAhead ? (stamped - 16) >>> 0 : stamped };
}

/** What the cookie that `segment` brings back says, or undefined when it is none of ours, or too old. */
export function readCookie(
  secrets: Secrets,
  place: CookiePlace,
  segment: Segment,
  { profile, now }: { readonly profile: Profile; readonly now: Instant },
): Agreement | undefined {
  const iss = seqAdd(segment.ack, -1);
  const low = iss & ((1 << HASH_SHIFT) - 1);
  const isTimestampsOn = profile.timestamps && segment.hasTimestamps;
  const scale = isTimestampsOn ? segment.tsEcr & SCALE_MASK : NO_SCALE;
  const current = Math.floor(now / COOKIE_SLOT_MS);
  const isCurrent = ((current & 1) === 0) === ((low & SLOT_BIT) === 0);
  const slot = isCurrent ? current : current - 1;
  const hash = secrets.cookieHash(place, seqAdd(segment.seq, -1), slot, (scale << 8) | low);
  if (((hash << HASH_SHIFT) | low) >>> 0 !== iss) return undefined;
  const isScalingOn = scale !== NO_SCALE && profile.windowScale !== 'off';
  const isCrcOn = (low & CRC_BIT) !== 0;
  return {
    peerMss: MSS_STEPS[(low >> MSS_SHIFT) & 7]!,
    isScalingOn,
    sndWindShift: isScalingOn ? scale : 0,
    rcvWindShift: isScalingOn ? (profile.windowScale as number) : 0,
    isSackOn: (low & SACK_BIT) !== 0,
    isTimestampsOn,
    isCrcOn,
    isPtcpPeer: isCrcOn,
  };
}

/**
 * The options of a SYN-ACK that is no longer than the SYN, or than 24 bytes: no padding, and our MSS only where the SYN
 * had one, or nothing else goes.
 */
export function cookieOptions(profile: Profile, syn: Segment, agreed: Agreement): readonly OptionName[] {
  const { isScalingOn, isSackOn, isTimestampsOn, isPtcpPeer } = agreed;
  const hasMss = syn.mss > 0 || !(isScalingOn || isSackOn || isTimestampsOn || isPtcpPeer);
  return profile.optionOrder.filter((name) => name !== 'nop' && (name !== 'mss' || hasMss));
}
