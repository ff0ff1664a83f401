import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import type { Instant } from '../../lib/time/clock.ts';
import { Dumbbell, type FlowOptions } from './dumbbell.ts';

/** A full frame carries this much of the stream: 1500 bytes less IP, UDP, the TCP header and its timestamps. */
const STREAM_BYTES_PER_FRAME = 1440;
const FRAME_BYTES = 1500;
/** UDP payload of a full frame over IPv4. */
const DATAGRAM_BYTES = 1472;
const BYTES_PER_MS_PER_MBIT = 125;

/** One flow of a cell: who controls it and how it differs from the others. */
export interface CellFlow {
  readonly controller: string;
  /** Over the profile of the cell. */
  readonly profile?: ProfileOptions;
  readonly extraRttMs?: number;
  readonly startAt?: Instant;
  /** How much it sends. Without end when left out. */
  readonly bytes?: number;
}

/** The rate is `factor` times what it was, for a time. */
export interface RateChange {
  readonly fromSeconds: number;
  readonly untilSeconds: number;
  readonly factor: number;
}

/** One experiment. */
export interface Cell {
  readonly rateMbit: number;
  readonly rttMs: number;
  readonly lossPercent: number;
  /** Length of the queue each way in bandwidth-delay products of rate and RTT, but at least two full packets. */
  readonly queueBdp: number;
  readonly flows: readonly CellFlow[];
  /** From the first SYN on. */
  readonly seconds: number;
  /** What each flow had is also counted from here on, which leaves the start out. 0 when left out. */
  readonly settledAfterSeconds?: number;
  readonly seed: number | string;
  /** Over the defaults, for all flows. */
  readonly profile?: ProfileOptions;
  readonly timerTickMs?: number;
  readonly rateChange?: RateChange;
}

/** What one flow got. */
export interface FlowResult {
  readonly controller: string;
  /** Read by the receiver, over the whole run from this flow's SYN on. */
  readonly goodputMbit: number;
  /** The same from `settledAfterSeconds` on, as a part of an equal share of what the link can carry. */
  readonly fairShare: number;
  readonly retransmittedShare: number;
  /** From the SYN to the last byte read, where it had an end and came to it; -1 elsewhere. */
  readonly completedMs: number;
}

/** What an experiment measured. Shares are from 0 to 1. */
export interface CellResult {
  /** Goodput of all flows from the first SYN on, over what full frames could carry. */
  readonly share: number;
  /** Of the packets that came to the forward queue. */
  readonly queueDropShare: number;
  readonly retransmittedShare: number;
  /** What packets waited in the forward queue. */
  readonly waitMeanMs: number;
  readonly wait95Ms: number;
  readonly waitMaxMs: number;
  /** RTT of the path and the mean waits both ways, over the RTT of the path. */
  readonly rttInflation: number;
  /** Jain's index of what the flows got from `settledAfterSeconds` on. */
  readonly jain: number;
  readonly flows: readonly FlowResult[];
  /** Datagrams sent by all, both ways. */
  readonly segmentCount: number;
}

/** Bytes of stream that a link of `rateMbit` carries in a time, in full frames. */
export function capacityBytes(rateMbit: number, ms: number): number {
  return (rateMbit * BYTES_PER_MS_PER_MBIT * ms * STREAM_BYTES_PER_FRAME) / FRAME_BYTES;
}

/** Jain's index: 1 when all have the same, 1/n when one has all. */
export function jainIndex(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** The queue of a cell in bytes. */
export function queueBytes({ rateMbit, rttMs, queueBdp }: Cell): number {
  return Math.max(2 * FRAME_BYTES, Math.round(rateMbit * BYTES_PER_MS_PER_MBIT * rttMs * queueBdp));
}

/** Runs a cell. The same cell gives the same result, bit by bit. */
export function measure(cell: Cell): CellResult {
  const dumbbell = new Dumbbell({
    rateMbit: cell.rateMbit,
    rttMs: cell.rttMs,
    queueBytes: queueBytes(cell),
    loss: cell.lossPercent / 100,
    seed: cell.seed,
    flows: cell.flows.map((flow) => flowOptions(cell, flow)),
    ...(cell.timerTickMs === undefined ? {} : { timerTickMs: cell.timerTickMs }),
  });
  let before = cell.flows.map(() => 0);
  for (const { at, act } of steps(cell)) {
    dumbbell.runUntil(at * 1000);
    if (act === 'settled') before = cell.flows.map((_flow, index) => dumbbell.receiver(index).readBytes);
    else if (act !== 'end') dumbbell.changeRate(act * cell.rateMbit);
  }
  return evaluate(cell, dumbbell, before);
}

/** A time in seconds, and what happens then: a number is the rate's new factor. */
interface Step {
  readonly at: number;
  readonly act: 'settled' | 'end' | number;
}

function steps({ seconds, settledAfterSeconds = 0, rateChange }: Cell): Step[] {
  const all: Step[] = [
    { at: settledAfterSeconds, act: 'settled' },
    { at: seconds, act: 'end' },
  ];
  if (rateChange !== undefined)
    all.push({ at: rateChange.fromSeconds, act: rateChange.factor }, { at: rateChange.untilSeconds, act: 1 });
  return all.sort((a, b) => a.at - b.at);
}

function flowOptions(cell: Cell, flow: CellFlow): FlowOptions {
  const congestion = flow.controller as NonNullable<ProfileOptions['congestion']>;
  return {
    // The CRC changes no length; computing it would only take time.
    profile: { maxDatagramBytes: DATAGRAM_BYTES, crc32: false, ...cell.profile, ...flow.profile, congestion },
    extraRttMs: flow.extraRttMs ?? 0,
    startAt: flow.startAt ?? 0,
    ...(flow.bytes === undefined ? {} : { bytes: flow.bytes }),
  };
}

function evaluate(cell: Cell, dumbbell: Dumbbell, before: readonly number[]): CellResult {
  const { forward, backward } = dumbbell;
  const totalMs = cell.seconds * 1000;
  const settledMs = totalMs - (cell.settledAfterSeconds ?? 0) * 1000;
  const read = cell.flows.map((_flow, index) => dumbbell.receiver(index).readBytes);
  const settled = read.map((bytes, index) => bytes - before[index]!);
  const fairBytes = capacityBytes(cell.rateMbit, settledMs) / cell.flows.length;
  const infos = cell.flows.map((_flow, index) => dumbbell.senderInfo(index));
  const sentCount = sum(infos.map((each) => each?.segsOut ?? 0));
  const resentCount = sum(infos.map((each) => each?.totalRetransSegments ?? 0));
  return {
    share: sum(read) / capacityBytes(cell.rateMbit, totalMs - missingMs(cell)),
    queueDropShare: ratio(forward.droppedCount, forward.offeredCount),
    retransmittedShare: ratio(resentCount, sentCount),
    waitMeanMs: forward.waits.meanMs,
    wait95Ms: forward.waits.percentileMs(0.95),
    waitMaxMs: forward.waits.maxMs,
    rttInflation: (cell.rttMs + forward.waits.meanMs + backward.waits.meanMs) / cell.rttMs,
    jain: jainIndex(settled),
    flows: cell.flows.map((flow, index) => ({
      controller: flow.controller,
      goodputMbit: read[index]! / BYTES_PER_MS_PER_MBIT / (totalMs - (flow.startAt ?? 0)),
      fairShare: settled[index]! / fairBytes,
      retransmittedShare: ratio(infos[index]?.totalRetransSegments ?? 0, infos[index]?.segsOut ?? 0),
      completedMs:
        read[index] === flow.bytes ? dumbbell.receiver(index).lastReadAt - (flow.startAt ?? 0) : -1,
    })),
    segmentCount: dumbbell.segmentCount,
  };
}

/** As long a time at the full rate carries what the change of the rate took. */
function missingMs({ rateChange }: Cell): number {
  if (rateChange === undefined) return 0;
  const { fromSeconds, untilSeconds, factor } = rateChange;
  return (untilSeconds - fromSeconds) * 1000 * (1 - factor);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
