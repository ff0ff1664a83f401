// Path MTU discovery by probing, RFC 8899 (DPLPMTUD). A probe repeats text that was just sent, as one larger segment: its
// D-SACK (RFC 2883) shows that it arrived, and a lost one loses nothing. docs/decisions/0021-pmtu-probes.md has why.
import type { Instant } from '../../time/clock.ts';
import type { Path, PathSearch, PmtuState } from './path.ts';
import { sendMss, textSegmentBytes } from './segment-size.ts';
import { seqAdd } from './seq.ts';
import { flightSize, type Tcb } from './tcb.ts';
import { HEADER_BYTES, type Segment } from './wire/segment.ts';

/** RFC 8899 §5.1.2, MAX_PROBES: after so many lost probes a size is too large. */
const MAX_PROBES = 3;
/** RFC 8899 §5.1.1, PROBE_TIMER: at least this; an RTO where that is longer. */
const PROBE_LEAST_MS = 1000;
/** RFC 8899 §5.1.1, PMTU_RAISE_TIMER. */
const RAISE_MS = 600_000;
/** RFC 8899 §5.1.2, MIN_PLPMTU: what is left of the 576 bytes that IPv4 must carry. */
const MIN_PLPMTU = 548;
/** Time-outs in a row after which even BASE_PLPMTU may be too large. */
const ERROR_TIMEOUTS = 5;
/** A segment sent so often at one size disappears because of it. */
const BLACK_HOLE_TRANSMISSIONS = 3;

/** Sizes worth a probe once the largest has failed: what tunnels and access lines leave of 1500 bytes. */
const LADDER = [1200, 1252, 1280, 1352, 1372, 1392, 1412, 1432, 1444, 1452, 1464, 1472] as const;

function startSearch(path: Path): PathSearch {
  path.search ??= {
    state: 'base',
    failedBytes: Number.POSITIVE_INFINITY,
    probedBytes: 0,
    probeStart: 0,
    probeEnd: 0,
    probeCount: 0,
    dueAt: 0,
  };
  return path.search;
}

/** Where the search stands, for those who look. */
export function pmtuState(tcb: Tcb): PmtuState {
  if (!isSearchOn(tcb)) return 'disabled';
  return tcb.path.search?.state ?? (tcb.path.datagramBytes >= searchLimit(tcb) ? 'search-complete' : 'base');
}

/** Only a D-SACK tells of a probe. */
function isSearchOn(tcb: Tcb): boolean {
  return tcb.isSackOn && tcb.profile.maxPlpmtuBytes !== 'off';
}

/** MAX_PLPMTU, RFC 8899 §5.1.2: what we may send and the peer takes (RFC 9293 §3.7.1). */
function searchLimit(tcb: Tcb): number {
  return Math.min(tcb.path.maxDatagramBytes, tcb.peerMss + HEADER_BYTES);
}

/**
 * How much text the probe has that should leave now, or 0.
 *
 * Only while nothing is lost, and of text that is in flight already: as much as the probe has must be out.
 */
export function probeTextBytes(tcb: Tcb, now: Instant): number {
  const { path } = tcb;
  if (path.datagramBytes >= path.maxDatagramBytes || tcb.phase !== 'open') return 0;
  if (tcb.isFinSent || tcb.sndWnd === 0) return 0;
  if (path.search !== undefined && now < path.search.dueAt) return 0;
  if (flightSize(tcb) <= path.datagramBytes || !isSearchOn(tcb)) return 0;
  const search = startSearch(path);
  if (search.probeStart !== search.probeEnd) probeLost(search);
  if (search.probedBytes === 0) chooseSize(tcb, search, now);
  if (search.probedBytes === 0) return 0;
  const textBytes = search.probedBytes - textSegmentBytes(tcb, 0);
  return textBytes <= flightSize(tcb) ? textBytes : 0;
}

function probeLost(search: PathSearch): void {
  search.probeStart = search.probeEnd;
  search.probeCount += 1;
  if (search.probeCount < MAX_PROBES) return;
  search.failedBytes = search.probedBytes;
  search.probedBytes = 0;
}

/** RFC 8899 §5.3.1 and §5.3.2: the largest first, for most paths carry it; then the middle of what may still pass. */
function chooseSize(tcb: Tcb, search: PathSearch, now: Instant): void {
  if (search.state === 'search-complete') search.failedBytes = Number.POSITIVE_INFINITY;
  const limit = searchLimit(tcb);
  const { datagramBytes, baseDatagramBytes } = tcb.path;
  search.probeCount = 0;
  search.state = search.state === 'error' ? 'error' : 'searching';
  if (datagramBytes < Math.min(baseDatagramBytes, limit))
    search.probedBytes = Math.min(baseDatagramBytes, limit);
  else if (search.failedBytes > limit) search.probedBytes = datagramBytes < limit ? limit : 0;
  else search.probedBytes = middleRung(datagramBytes, search.failedBytes);
  if (search.probedBytes > 0) return;
  search.state = 'search-complete';
  search.dueAt = now + RAISE_MS;
}

/** A size between the two, both excluded; 0 when there is none. */
function middleRung(low: number, high: number): number {
  const first = LADDER.findIndex((bytes) => bytes > low);
  const end = LADDER.findIndex((bytes) => bytes >= high);
  const last = (end < 0 ? LADDER.length : end) - 1;
  return first < 0 || first > last ? 0 : LADDER[(first + last + 1) >> 1]!;
}

/** A probe of `textBytes` that end at SND.NXT has left. */
export function probeSent(tcb: Tcb, textBytes: number, now: Instant): void {
  const search = startSearch(tcb.path);
  search.probeEnd = tcb.sndNxt;
  search.probeStart = seqAdd(tcb.sndNxt, -textBytes);
  search.dueAt = now + Math.max(PROBE_LEAST_MS, tcb.path.rtt.rtoMs);
}

/**
 * Whether the first block of `segment` reports the probe. It is then taken out: it tells nothing about what was sent
 * for its own sake, and is no duplicate that RACK should learn from.
 */
export function takeProbeSack(tcb: Tcb, segment: Segment): boolean {
  const { search } = tcb.path;
  if (search === undefined || search.probeStart === search.probeEnd || segment.sackCount === 0) return false;
  const { sackEdges } = segment;
  if (sackEdges[0] !== search.probeStart || sackEdges[1] !== search.probeEnd) return false;
  segment.sackCount -= 1;
  sackEdges.copyWithin(0, 2);
  probeArrived(tcb, search);
  return true;
}

function probeArrived(tcb: Tcb, search: PathSearch): void {
  const { probedBytes } = search;
  search.probeStart = search.probeEnd;
  search.probedBytes = 0;
  search.dueAt = 0;
  if (search.state === 'error') search.state = 'searching';
  if (search.failedBytes <= probedBytes) search.failedBytes = Number.POSITIVE_INFINITY;
  setDatagramBytes(tcb, Math.max(probedBytes, tcb.path.datagramBytes));
  if (tcb.path.datagramBytes >= searchLimit(tcb)) search.state = 'search-complete';
}

function setDatagramBytes(tcb: Tcb, datagramBytes: number): void {
  if (tcb.path.datagramBytes === datagramBytes) return;
  tcb.path.datagramBytes = datagramBytes;
  tcb.path.congestion.setMss(sendMss(tcb));
}

/**
 * RFC 8899 §4.3, black holes: the retransmission timer ran out, and the oldest segment may be too large. From here on
 * segments are small enough for any path, until a probe shows that larger ones get through again.
 */
export function pathTimedOut(tcb: Tcb): void {
  const oldest = tcb.sent.first;
  if (oldest === undefined || tcb.profile.maxPlpmtuBytes === 'off') return;
  const { baseDatagramBytes } = tcb.path;
  const lostBytes = textSegmentBytes(tcb, oldest.length);
  // Without probes there is no way back, so one time-out is not enough.
  const isBelieved = tcb.isSackOn || tcb.retransmissions > 1;
  if (lostBytes > baseDatagramBytes && isBelieved) fallBack(tcb, baseDatagramBytes, 'base');
  else if (lostBytes > MIN_PLPMTU && tcb.retransmissions >= ERROR_TIMEOUTS && tcb.isSackOn)
    fallBack(tcb, MIN_PLPMTU, 'error');
}

/** A segment of `textBytes` is to be sent again, after `transmissions`: RFC 8899 §4.3, as `pathTimedOut`. */
export function resentAgain(tcb: Tcb, textBytes: number, transmissions: number): void {
  if (transmissions < BLACK_HOLE_TRANSMISSIONS || !isSearchOn(tcb)) return;
  const { baseDatagramBytes } = tcb.path;
  if (textSegmentBytes(tcb, textBytes) > baseDatagramBytes) fallBack(tcb, baseDatagramBytes, 'base');
}

function fallBack(tcb: Tcb, datagramBytes: number, state: PmtuState): void {
  if (tcb.path.datagramBytes <= datagramBytes) return;
  const search = startSearch(tcb.path);
  search.state = state;
  search.probedBytes = 0;
  search.probeStart = search.probeEnd;
  search.dueAt = 0;
  setDatagramBytes(tcb, datagramBytes);
}

/** The socket refused a datagram as too large (EMSGSIZE): nothing of that size will ever leave here. */
export function datagramRefused(tcb: Tcb): void {
  const { path } = tcb;
  const search = startSearch(path);
  const isProbe = search.probeStart !== search.probeEnd;
  if (!isProbe && path.datagramBytes <= path.baseDatagramBytes) return;
  const refusedBytes = isProbe ? search.probedBytes : path.datagramBytes;
  path.maxDatagramBytes = Math.min(path.maxDatagramBytes, Math.max(refusedBytes - 1, path.baseDatagramBytes));
  search.probedBytes = 0;
  search.probeStart = search.probeEnd;
  if (!isProbe) fallBack(tcb, path.baseDatagramBytes, 'base');
}
