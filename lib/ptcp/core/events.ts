import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Connection } from './connection.ts';
import type { PathId } from './path.ts';
import { ReadyQueue } from './ready-queue.ts';
import { type CloseReason, News } from './tcb.ts';
import type { Segment } from './wire/segment.ts';

/** What an endpoint has to tell. Events of one connection come in an order that makes sense; `closed` is its last. */
export type PtcpEvent =
  | {
      readonly type: 'accepted' | 'established' | 'readable' | 'writable' | 'peerClosed' | 'pathSuspect';
      readonly connection: Connection;
    }
  /** The peer points at urgent data up to (not including) this sequence number (RFC 9293 §3.8.5). */
  | { readonly type: 'urgent'; readonly connection: Connection; readonly until: number }
  | { readonly type: 'closed'; readonly connection: Connection; readonly reason: CloseReason }
  /** A segment came on a path that has no such connection, though another path has. */
  | {
      readonly type: 'pathCandidate';
      readonly path: PathId;
      readonly localPseudoPort: number;
      readonly remotePseudoPort: number;
    };

const IN_ORDER = [
  [News.Accepted, 'accepted'],
  [News.Established, 'established'],
  [News.Urgent, 'urgent'],
  [News.Readable, 'readable'],
  [News.Writable, 'writable'],
  [News.PeerClosed, 'peerClosed'],
  [News.PathSuspect, 'pathSuspect'],
  [News.Closed, 'closed'],
] as const;

/** Path candidates told in one second; more are dropped, for anyone can send them. */
const CANDIDATES_PER_ROUND = 64;
const ROUND_MS = 1000;

/** The events that wait to be polled: a set of bits in each connection that has some. */
export class EventQueue {
  readonly #eventful = new ReadyQueue<Connection>();
  #current: Connection | undefined = undefined;
  readonly #candidates: PtcpEvent[] = [];
  #roundAt: Instant = -NEVER;
  #toldInRound = 0;

  add(connection: Connection): void {
    if (connection.hasNews) return;
    connection.hasNews = true;
    this.#eventful.put(connection);
  }

  /** `segment` came on `path`, which has no such connection. */
  pathCandidate(now: Instant, path: PathId, segment: Segment): void {
    if (now - this.#roundAt >= ROUND_MS) {
      this.#roundAt = now;
      this.#toldInRound = 0;
    }
    if (this.#toldInRound >= CANDIDATES_PER_ROUND || this.#candidates.length >= CANDIDATES_PER_ROUND) return;
    this.#toldInRound += 1;
    const { dstPort: localPseudoPort, srcPort: remotePseudoPort } = segment;
    this.#candidates.push({ type: 'pathCandidate', path, localPseudoPort, remotePseudoPort });
  }

  next(): PtcpEvent | undefined {
    for (;;) {
      this.#current ??= this.#eventful.take();
      if (this.#current === undefined) return this.#candidates.shift();
      const event = takeEvent(this.#current);
      if (event !== undefined) return event;
      this.#current.hasNews = false;
      this.#current = undefined;
    }
  }
}

function takeEvent(connection: Connection): PtcpEvent | undefined {
  const { tcb } = connection;
  for (const [bit, type] of IN_ORDER) {
    if ((tcb.news & bit) === 0) continue;
    tcb.news &= ~bit;
    if (type === 'closed') return { type, connection, reason: tcb.closeReason ?? 'aborted' };
    if (type === 'urgent') return { type, connection, until: tcb.urgentUntil ?? tcb.rcvNxt };
    return { type, connection };
  }
  return undefined;
}
