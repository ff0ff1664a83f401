// What a trace sink is told. The core knows nothing of it: after each step the watch compares what it sees with what it
// saw last, so that there is one place to look and none to pay for while nobody watches.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { TracedConnection, TracedHeader, TraceEvents, TraceSink } from '../../trace/trace.ts';
import type { Burst, TransmitTarget } from './burst.ts';
import { pacingRate } from './pacing.ts';
import type { PathId } from './path.ts';
import { pipe } from './recovery.ts';
import type { State } from './state.ts';
import type { Tcb } from './tcb.ts';
import { type CaState, caState } from './tcp-info.ts';
import { decodeSegment } from './wire/codec.ts';
import { Flag, Segment } from './wire/segment.ts';
import { decodeVertex } from './wire/vertex.ts';

/** What a connection looked like when it was last seen. */
interface Snapshot extends Pick<Tcb, TimerField> {
  readonly name: TracedConnection;
  state: State | undefined;
  caState: CaState | undefined;
  isPathSuspect: boolean;
  metrics: Metrics | undefined;
  everLostBytes: number;
  /** Those told as lost, each by its place and how often it was sent. */
  lost: ReadonlySet<string>;
}

type Metrics = TraceEvents['recovery:metrics_updated'];

const TIMERS = [
  ['retransmit', 'retransmitAt'],
  ['reorder', 'reorderAt'],
  ['tail-probe', 'tailProbeAt'],
  ['persist', 'persistAt'],
] as const;
type TimerField = (typeof TIMERS)[number][1];

const FLAG_LETTERS = [
  ['S', Flag.SYN],
  ['F', Flag.FIN],
  ['R', Flag.RST],
  ['P', Flag.PSH],
  ['U', Flag.URG],
  ['E', Flag.ECE],
  ['W', Flag.CWR],
  ['.', Flag.ACK],
] as const;

/** Tells a sink what happens on an endpoint. */
export class Watch {
  readonly #sink: TraceSink;
  readonly #snapshots = new WeakMap<Tcb, Snapshot>();
  /** For reading back what was sent. */
  readonly #segment = new Segment();

  constructor(sink: TraceSink) {
    this.#sink = sink;
  }

  received(now: Instant, path: PathId, segment: Segment): void {
    const name = { path, localPort: segment.dstPort, remotePort: segment.srcPort };
    this.#tell(now, name, 'transport:packet_received', { header: headerOf(segment) });
  }

  sent(now: Instant, burst: Burst, target: TransmitTarget, isVertex: boolean): void {
    const { path, strideBytes, count, lastBytes } = burst;
    const segment = this.#segment;
    for (let index = 0; index < count; index += 1) {
      const start = index * strideBytes + (target.headroomBytes ?? 0);
      const length = index === count - 1 ? lastBytes : strideBytes;
      const end = index * strideBytes + length - (target.tailroomBytes ?? 0);
      if (isVertex) decodeVertex(target.out, start, end, segment);
      else if (decodeSegment(target.out, start, end, segment) !== undefined) continue;
      const name = { path, localPort: segment.srcPort, remotePort: segment.dstPort };
      this.#tell(now, name, 'transport:packet_sent', { header: headerOf(segment) });
    }
  }

  /** A datagram that reaches no connection. */
  dropped(now: Instant, lengthBytes: number, reason: string): void {
    this.#tell(now, undefined, 'transport:packet_dropped', { lengthBytes, reason });
  }

  /** Something may have changed. */
  settled(now: Instant, tcb: Tcb): void {
    let last = this.#snapshots.get(tcb);
    if (last === undefined) {
      last = createSnapshot(tcb);
      this.#snapshots.set(tcb, last);
      const role = tcb.isPassive ? 'server' : 'client';
      this.#tell(now, last.name, 'connectivity:connection_started', { role });
    }
    this.#compareState(now, tcb, last);
    if (tcb.state === 'CLOSED') return;
    this.#compareLosses(now, tcb, last);
    this.#compareTimers(now, tcb, last);
    this.#compareMetrics(now, tcb, last);
  }

  #compareState(now: Instant, tcb: Tcb, last: Snapshot): void {
    if (tcb.isPathSuspect && !last.isPathSuspect) this.#tell(now, last.name, 'connectivity:path_suspect', {});
    last.isPathSuspect = tcb.isPathSuspect;
    if (tcb.state === last.state) return;
    const change = { old: last.state, new: tcb.state };
    const wasOver = last.state === 'TIME-WAIT' || last.state === 'CLOSED';
    last.state = tcb.state;
    this.#tell(now, last.name, 'connectivity:connection_state_updated', change);
    if (wasOver || (tcb.state !== 'TIME-WAIT' && tcb.state !== 'CLOSED')) return;
    this.#tell(now, last.name, 'connectivity:connection_closed', { reason: tcb.closeReason ?? 'done' });
  }

  #compareLosses(now: Instant, tcb: Tcb, last: Snapshot): void {
    const state = caState(tcb);
    if (tcb.sent.everLostBytes !== last.everLostBytes) {
      last.everLostBytes = tcb.sent.everLostBytes;
      this.#tellLost(now, tcb, last);
    }
    if (state === last.caState) return;
    const change = { old: last.caState, new: state };
    last.caState = state;
    this.#tell(now, last.name, 'recovery:congestion_state_updated', change);
  }

  #tellLost(now: Instant, tcb: Tcb, last: Snapshot): void {
    const lost = new Set<string>();
    for (const { seq, length, transmissions, isLost, isResent } of tcb.sent.all) {
      if (!isLost || isResent) continue;
      const place = `${seq} ${transmissions}`;
      lost.add(place);
      if (last.lost.has(place)) continue;
      this.#tell(now, last.name, 'recovery:packet_lost', { seq, lengthBytes: length, transmissions });
    }
    last.lost = lost;
  }

  #compareTimers(now: Instant, tcb: Tcb, last: Snapshot): void {
    for (const [timer, field] of TIMERS) {
      const [before, dueAt] = [last[field], tcb[field]];
      if (dueAt === before) continue;
      last[field] = dueAt;
      if (before <= now) this.#tellTimer(now, last, { timer, event: 'expired' });
      else if (dueAt === NEVER) this.#tellTimer(now, last, { timer, event: 'cancelled' });
      if (dueAt === NEVER) continue;
      this.#tellTimer(now, last, { timer, event: 'set', deltaMs: toMicroseconds(dueAt - now) });
    }
  }

  #tellTimer(now: Instant, { name }: Snapshot, change: TraceEvents['recovery:loss_timer_updated']): void {
    this.#tell(now, name, 'recovery:loss_timer_updated', change);
  }

  #compareMetrics(now: Instant, tcb: Tcb, last: Snapshot): void {
    const metrics = metricsOf(tcb);
    const { metrics: before } = last;
    const names = Object.keys(metrics) as (keyof Metrics)[];
    if (before !== undefined && names.every((name) => metrics[name] === before[name])) return;
    last.metrics = metrics;
    this.#tell(now, last.name, 'recovery:metrics_updated', metrics);
  }

  #tell<Name extends keyof TraceEvents>(
    at: Instant,
    connection: TracedConnection | undefined,
    name: Name,
    data: TraceEvents[Name],
  ): void {
    // The pair of name and data is right by the signature, which the union cannot express.
    this.#sink.trace({ at, connection, name, data } as Parameters<TraceSink['trace']>[0]);
  }
}

function createSnapshot(tcb: Tcb): Snapshot {
  return {
    name: { path: tcb.path.id, localPort: tcb.localPort, remotePort: tcb.remotePort },
    state: undefined,
    caState: undefined,
    isPathSuspect: false,
    metrics: undefined,
    retransmitAt: NEVER,
    reorderAt: NEVER,
    tailProbeAt: NEVER,
    persistAt: NEVER,
    everLostBytes: 0,
    lost: new Set(),
  };
}

function metricsOf(tcb: Tcb): Metrics {
  const { rtt, congestion } = tcb.path;
  const rate = pacingRate(tcb.path);
  return {
    cwndBytes: Math.round(congestion.cwndBytes),
    ...(Number.isFinite(congestion.ssthreshBytes) && { ssthreshBytes: Math.round(congestion.ssthreshBytes) }),
    inFlightBytes: pipe(tcb),
    ...(Number.isFinite(rate) && { pacingRateBytesPerSecond: Math.round(rate * 1000) }),
    ...(rtt.hasSample && {
      srttUs: Math.round(rtt.srttMs * 1000),
      rttvarUs: Math.round(rtt.rttvarMs * 1000),
      minRttUs: Math.round(rtt.minRttMs * 1000),
    }),
    rtoUs: Math.round(rtt.rtoMs * 1000),
    sndWndBytes: tcb.sndWnd,
  };
}

function headerOf(segment: Segment): TracedHeader {
  const { flags, seq, ack, window, mss, windowScale, sackCount } = segment;
  const letters = FLAG_LETTERS.filter(([, bit]) => (flags & bit) !== 0).map(([letter]) => letter);
  const blocks = Array.from(
    { length: sackCount },
    (_, index) => [segment.sackEdges[2 * index]!, segment.sackEdges[2 * index + 1]!] as const,
  );
  return {
    flags: letters.join(''),
    seq,
    ack,
    window,
    payloadBytes: segment.payloadEnd - segment.payloadStart,
    ...(mss > 0 && { mss }),
    ...(windowScale >= 0 && { windowScale }),
    ...(segment.sackPermitted && { sackPermitted: true }),
    ...(segment.hasTimestamps && { tsVal: segment.tsVal, tsEcr: segment.tsEcr }),
    ...(sackCount > 0 && { sackBlocks: blocks }),
  };
}

function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
