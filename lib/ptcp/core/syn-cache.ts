// Half-open connections of listeners: remembered while there is room (RFC 4987 §3.5), answered by a cookie when there is
// none (§3.6, §3.7).
import type { Crc32 } from '../../bytes/crc32.ts';
import type { Instant } from '../../time/clock.ts';
import type { BurstWriter } from './burst.ts';
import type { DueQueue } from './due-queue.ts';
import {
  createHalfOpen,
  fillHalfOpenAck,
  fillSynAck,
  type HalfOpen,
  halfOpenArrives,
  halfOpenTimedOut,
  holdTextOfSyn,
  oweSynAck,
} from './half-open.ts';
import { agreeOn } from './handshake.ts';
import type { PathTag, Secrets } from './isn.ts';
import type { MemoryBudget } from './memory.ts';
import type { Listener, Mux, MuxEntry } from './mux.ts';
import { isPath, type PathId } from './path.ts';
import { ReadyQueue } from './ready-queue.ts';
import { type Seq, seqAdd } from './seq.ts';
import type { EndpointStats } from './stats.ts';
import type { StrayAnswers } from './strays.ts';
import { bakeCookie, COOKIE_SLOT_MS, cookieAgreement, cookieOptions, readCookie } from './syn-cookies.ts';
import { isOnVertex, type Tcb } from './tcb.ts';
import type { TcbFactory } from './tcb-factory.ts';
import { issBeyond, type TimeWait } from './time-wait.ts';
import { tsVal } from './timestamps.ts';
import { segmentCrc } from './wire/codec.ts';
import type { Segment } from './wire/segment.ts';

/** A half-open connection has this long to itself: the round trip of a slow path, and one SYN-ACK sent again. */
const HALF_OPEN_GRACE_MS = 3000;
/** Cookies that wait to be sent: what one batch of datagrams may ask for. */
const MAX_COOKIES_WAITING = 1024;

/** What the cache is given by its endpoint. */
export interface SynCacheOptions {
  readonly secrets: Secrets;
  readonly tagOf: (path: PathId) => PathTag;
  readonly crc32: Crc32;
  readonly memory: MemoryBudget;
  readonly maxConnections: number;
  readonly tcbs: TcbFactory;
  readonly mux: Mux;
  readonly due: DueQueue<MuxEntry>;
  readonly strays: StrayAnswers;
  readonly stats: EndpointStats;
  /** Asked when there is no room for a connection: whether somebody has made way. */
  readonly makeRoom: () => boolean;
}

/** The passive opens of an endpoint, from the SYN to the ACK that makes a connection. */
export class SynCache {
  readonly #options: SynCacheOptions;
  readonly #waiting = new ReadyQueue<HalfOpen>();
  /** Paths that a cookie waits to leave on, with how many: no connection keeps their ids. */
  readonly #cookiesWaiting = new Map<PathId, number>();
  #cookieCount = 0;

  constructor(options: SynCacheOptions) {
    this.#options = options;
  }

  /** A SYN for `listener`, RFC 9293 §3.10.7.2, third step. */
  synArrives(listener: Listener, syn: Segment, path: PathId, now: Instant): void {
    const { synCookies } = listener.profile;
    const isRemembered = synCookies !== 'always' && this.#hasBacklog(listener, now);
    if (!this.#isWelcome(syn.srcPort, path) || (!isRemembered && synCookies === 'off'))
      this.#options.stats.droppedSyns += 1;
    else if (isRemembered) this.#remember(listener, syn, path, { now, beyond: undefined });
    else this.#sendCookie(listener, syn, path, now);
  }

  #isWelcome(remotePort: number, path: PathId): boolean {
    if (remotePort === 0 || !isPath(path)) return false;
    return this.#hasRoom() || (this.#options.makeRoom() && this.#hasRoom());
  }

  #hasRoom(): boolean {
    const { mux, memory, maxConnections } = this.#options;
    return mux.connectionCount < maxConnections && memory.freeBytes > 0;
  }

  /**
   * RFC 4987 §3.4, the oldest half-open connection makes way: whoever has not answered for so long sent a forged SYN, or
   * sends it again. Without that a full backlog would leave everybody with a cookie, or nothing, for a minute.
   */
  #hasBacklog({ halfOpen, profile }: Listener, now: Instant): boolean {
    if (halfOpen.size < profile.backlog) return true;
    const [oldest] = halfOpen;
    if (oldest === undefined || now - oldest.beganAt < HALF_OPEN_GRACE_MS) return false;
    this.forget(oldest);
    return true;
  }

  /**
   * A new SYN for the connection that waits in `old`, RFC 9293 §3.6.1 (MAY-2). Returns whether it takes its place: a
   * cookie cannot, for its ISN may be any.
   */
  reopens(listener: Listener, old: TimeWait, syn: Segment, now: Instant): boolean {
    const { mux, due } = this.#options;
    if (listener.profile.synCookies === 'always' || !this.#hasBacklog(listener, now)) return false;
    due.remove(old);
    mux.remove(old.key);
    old.owesAck = false;
    this.#remember(listener, syn, old.pathId, { now, beyond: old.sndNxt });
    return true;
  }

  #remember(
    listener: Listener,
    syn: Segment,
    path: PathId,
    { now, beyond }: { readonly now: Instant; readonly beyond: Seq | undefined },
  ): void {
    const { secrets, tagOf, mux, memory, due } = this.#options;
    const { profile } = listener;
    const { dstPort, srcPort } = syn;
    const tag = tagOf(path);
    const iss = profile.iss ?? secrets.initialSequence(tag, dstPort, srcPort, now);
    const record = createHalfOpen({
      key: mux.keyOf(path, dstPort, srcPort, syn.isVertex),
      pathId: path,
      localPort: dstPort,
      remotePort: srcPort,
      profile,
      agreed: agreeOn(profile, syn),
      iss: beyond === undefined ? iss : issBeyond(beyond, iss),
      irs: syn.seq,
      sndWnd: syn.window,
      tsOffset: profile.timestampOffset ?? secrets.timestampOffset(tag, dstPort, srcPort),
      tsRecent: syn.tsVal,
      token: secrets.word(),
      now,
    });
    holdTextOfSyn(record, syn, memory);
    oweSynAck(record, syn);
    listener.halfOpen.add(record);
    mux.add(record.key, record);
    due.update(record);
    this.#wait(record);
  }

  /** RFC 4987 §3.6: one SYN-ACK and no memory of it. Text on the SYN is left for the peer to send again. */
  #sendCookie(listener: Listener, syn: Segment, path: PathId, now: Instant): void {
    const { secrets, tagOf, stats } = this.#options;
    if (this.#cookieCount >= MAX_COOKIES_WAITING) {
      stats.droppedSyns += 1;
      return;
    }
    const { profile } = listener;
    const place = { tag: tagOf(path), localPort: syn.dstPort, remotePort: syn.srcPort };
    const tsOffset =
      profile.timestampOffset ?? secrets.timestampOffset(place.tag, place.localPort, place.remotePort);
    const agreed = cookieAgreement(profile, syn);
    const clock = tsVal({ tsOffset }, now);
    const cookie = bakeCookie(secrets, place, { irs: syn.seq, agreed, clock }, now);
    const record = createHalfOpen({
      key: -1,
      pathId: path,
      localPort: syn.dstPort,
      remotePort: syn.srcPort,
      profile,
      agreed,
      iss: cookie.iss,
      irs: syn.seq,
      sndWnd: syn.window,
      tsOffset,
      tsRecent: syn.tsVal,
      token: secrets.word(),
      cookie: { tsVal: cookie.tsVal, options: cookieOptions(profile, syn, agreed) },
      now,
    });
    listener.cookieSentAt = now;
    stats.synCookiesSent += 1;
    this.#countCookie(path, 1);
    this.#wait(record);
  }

  #countCookie(path: PathId, change: number): void {
    this.#cookieCount += change;
    const count = (this.#cookiesWaiting.get(path) ?? 0) + change;
    if (count === 0) this.#cookiesWaiting.delete(path);
    else this.#cookiesWaiting.set(path, count);
  }

  /** Whether something is still to be sent on `path`. */
  isPathInUse(path: PathId): boolean {
    return this.#cookiesWaiting.has(path);
  }

  /** Whether an ACK for `listener` may bring a cookie back: one that was sent lately. */
  expectsCookies(listener: Listener, now: Instant): boolean {
    return now - listener.cookieSentAt < 2 * COOKIE_SLOT_MS;
  }

  /** An ACK for a listener that has sent cookies: the connection that it opens, if what it brings back is ours. */
  cookieArrives(listener: Listener, segment: Segment, path: PathId, now: Instant): Tcb | undefined {
    const { secrets, tagOf, stats, tcbs } = this.#options;
    const { profile } = listener;
    const place = { tag: tagOf(path), localPort: segment.dstPort, remotePort: segment.srcPort };
    const agreed = readCookie(secrets, place, segment, { profile, now });
    if (agreed === undefined || !this.#isWelcome(segment.srcPort, path) || !this.#isIntact(segment, agreed)) {
      stats.synCookiesRefused += 1;
      return undefined;
    }
    stats.synCookiesAccepted += 1;
    const record = createHalfOpen({
      key: -1,
      pathId: path,
      localPort: segment.dstPort,
      remotePort: segment.srcPort,
      profile,
      agreed,
      iss: seqAdd(segment.ack, -1),
      irs: seqAdd(segment.seq, -1),
      sndWnd: 0,
      tsOffset:
        profile.timestampOffset ?? secrets.timestampOffset(place.tag, place.localPort, place.remotePort),
      tsRecent: segment.tsVal,
      token: secrets.word(),
      now,
    });
    // The echo is a cookie, not the time at which it was sent.
    segment.tsEcr = 0;
    return tcbs.passive(record, now);
  }

  #isIntact(
    { bytes, start, payloadEnd, checkField }: Segment,
    agreed: { readonly isCrcOn: boolean },
  ): boolean {
    return !agreed.isCrcOn || checkField === segmentCrc(bytes, start, payloadEnd, this.#options.crc32);
  }

  /** A segment for `record`. Returns the connection it opens: the segment is then the Tcb's to deal with. */
  segmentArrives(record: HalfOpen, segment: Segment, now: Instant): Tcb | undefined {
    const { strays, stats, tcbs } = this.#options;
    const outcome = halfOpenArrives(record, segment, now);
    if (outcome === 'open') {
      this.#drop(record);
      return tcbs.passive(record, now);
    }
    const cookied = outcome === 'reset' ? this.#cookieInstead(record, segment, now) : undefined;
    if (cookied !== undefined) return cookied;
    if (outcome === 'forget') this.forget(record);
    else if (outcome === 'reset' && strays.answer(segment, record.pathId, now)) stats.strayResets += 1;
    this.#wait(record);
    return undefined;
  }

  /** The peer's first SYN got a cookie, and when it sent that again there was room for `record`. The cookie counts. */
  #cookieInstead(record: HalfOpen, segment: Segment, now: Instant): Tcb | undefined {
    const listener = this.#options.mux.listener(record.localPort, isOnVertex(record));
    if (listener === undefined || !this.expectsCookies(listener, now)) return undefined;
    const tcb = this.cookieArrives(listener, segment, record.pathId, now);
    if (tcb === undefined) return undefined;
    this.#drop(record);
    record.text?.clear();
    return tcb;
  }

  /** `record` is due. */
  handleDue(record: HalfOpen, now: Instant): void {
    if (!halfOpenTimedOut(record, now)) {
      this.forget(record);
      return;
    }
    this.#options.due.update(record);
    this.#wait(record);
  }

  /** Ends it in silence. */
  forget(record: HalfOpen): void {
    this.#drop(record);
    record.text?.clear();
    this.#options.mux.remove(record.key);
  }

  #drop(record: HalfOpen): void {
    const { mux, due } = this.#options;
    mux.listener(record.localPort, isOnVertex(record))?.halfOpen.delete(record);
    due.remove(record);
    record.owesSyn = false;
    record.owesAck = false;
  }

  #wait(record: HalfOpen): void {
    if (record.isWaiting || !(record.owesSyn || record.owesAck)) return;
    record.isWaiting = true;
    this.#waiting.put(record);
  }

  /** Writes the next SYN-ACK or ACK that is owed and returns the path it leaves on. The writer has begun. */
  putAnswer(writer: BurstWriter): PathId | undefined {
    for (let record = this.#waiting.take(); record !== undefined; record = this.#waiting.take()) {
      record.isWaiting = false;
      if (record.cookie !== undefined) this.#countCookie(record.pathId, -1);
      if (record.owesSyn) {
        fillSynAck(record, writer.segment, writer.now);
        writer.putSyn(record.cookie?.options ?? record.profile.optionOrder);
        record.synBytes = writer.segmentBytes;
        record.synCreditBytes -= record.synBytes;
        return record.pathId;
      }
      if (record.owesAck) {
        fillHalfOpenAck(record, writer.segment, writer.now);
        writer.put(undefined, 0, record.agreed.isCrcOn);
        return record.pathId;
      }
    }
    return undefined;
  }
}
