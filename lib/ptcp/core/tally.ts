// What is counted for tcpInfo alone. Times are whole milliseconds: a number with a fraction takes three times the memory.
import type { Instant } from '../../time/clock.ts';

/** What keeps a connection with data to send from sending it faster; 'path' is the network, 'idle' has no such data. */
export type SendLimit = 'idle' | 'path' | 'receive-window' | 'send-buffer';

/** The counters of a connection that has carried data. */
export class Tally {
  dataSegmentsSent = 0;
  dataSegmentsReceived = 0;
  /** -1: never. */
  lastDataSentAt = -1;
  lastDataReceivedAt = -1;
  /** Bytes a second, of the newest sample that says something about the path; 0 while there is none. */
  deliveryRate = 0;
  isRateAppLimited = false;
  limit: SendLimit = 'idle';
  limitSince = 0;
  /** Not idle, up to `limitSince`. */
  busyMs = 0;
  trouble: Trouble | undefined = undefined;
}

/** The counters of one for which not all went well. */
export class Trouble {
  retransmittedBytes = 0;
  outOfOrderSegments = 0;
  dsackCount = 0;
  receiveWindowLimitedMs = 0;
  sendBufferLimitedMs = 0;
  timeoutCount = 0;
  timeoutRecoveryCount = 0;
  /** From the first time-out of a row to the ACK that ended it. */
  timedOutMs = 0;
  /** -1: in no such row. */
  timedOutAt = -1;
}

/** A control block, as far as it is counted. */
export interface Tallied {
  tally: Tally | undefined;
}

/** One that never carried any data has none: a process may hold very many of those. */
export function tallyOf(tcb: Tallied): Tally {
  tcb.tally ??= new Tally();
  return tcb.tally;
}

export function troubleOf(tcb: Tallied): Trouble {
  const tally = tallyOf(tcb);
  tally.trouble ??= new Trouble();
  return tally.trouble;
}

export function tallyTextSent(tcb: Tallied, now: Instant): void {
  const tally = tallyOf(tcb);
  tally.dataSegmentsSent += 1;
  tally.lastDataSentAt = Math.round(now);
}

export function tallyTextReceived(tcb: Tallied, now: Instant): void {
  const tally = tallyOf(tcb);
  tally.dataSegmentsReceived += 1;
  tally.lastDataReceivedAt = Math.round(now);
}

/** From now on `limit` is what holds the sender back. */
export function noteLimit(tcb: Tallied, limit: SendLimit, now: Instant): void {
  const { tally } = tcb;
  if (tally === undefined || tally.limit === limit) return;
  closeLimit(tcb, now);
  tally.limit = limit;
  tally.limitSince = Math.round(now);
}

/** Counts the time until now for the limit that holds. */
export function closeLimit(tcb: Tallied, now: Instant): void {
  const { tally } = tcb;
  if (tally === undefined) return;
  const elapsedMs = Math.round(now) - tally.limitSince;
  if (elapsedMs <= 0) return;
  tally.limitSince += elapsedMs;
  if (tally.limit === 'idle') return;
  tally.busyMs += elapsedMs;
  if (tally.limit === 'receive-window') troubleOf(tcb).receiveWindowLimitedMs += elapsedMs;
  else if (tally.limit === 'send-buffer') troubleOf(tcb).sendBufferLimitedMs += elapsedMs;
}

/** The retransmission timer ran out. */
export function tallyTimeout(tcb: Tallied, now: Instant): void {
  const trouble = troubleOf(tcb);
  trouble.timeoutCount += 1;
  if (trouble.timedOutAt < 0) trouble.timedOutAt = Math.round(now);
}

/** New data was acknowledged: time-outs before it are over. */
export function tallyProgress(tcb: Tallied, now: Instant): void {
  const trouble = tcb.tally?.trouble;
  if (trouble === undefined || trouble.timedOutAt < 0) return;
  trouble.timeoutRecoveryCount += 1;
  trouble.timedOutMs += Math.round(now) - trouble.timedOutAt;
  trouble.timedOutAt = -1;
}

/** A rate in bytes a millisecond was measured. One that the user's silence kept low says nothing, unless it is higher. */
export function tallyRate(tcb: Tallied, rate: number, isAppLimited: boolean): void {
  const tally = tallyOf(tcb);
  const deliveryRate = Math.round(rate * 1000);
  if (isAppLimited && deliveryRate < tally.deliveryRate) return;
  tally.deliveryRate = deliveryRate;
  tally.isRateAppLimited = isAppLimited;
}
