// How long everything may take once the faults are over, computed from what a world is made of.
import type { Episode, SessionPlan, WorldPlan } from './plan.ts';

/** The longest wait of a delayed ACK (RFC 9293 §3.8.6.3), and of an override (§3.8.6.2.1). */
const TURN_MS = 1500;
/** A SYN-RECEIVED that is alone, and what a network of several seconds may add. */
const HALF_OPEN_MS = 75_000;
/** At least so much arrives in each round trip, however small window and segment size are. */
const ROUND_BYTES = 24;
/** What is sent where larger segments disappear, at worst (RFC 8899 §5.1.2, MIN_PLPMTU). */
const LEAST_SEGMENT_BYTES = 500;
/** How often somebody tries whose connections break. */
export const ATTEMPTS = 3;

/** The bound, ms: one time-out that has backed off all the way, and then the work at its slowest. */
export function patienceMs(plan: Omit<WorldPlan, 'patienceMs'>): number {
  const { links, resolved, clocks } = plan;
  const roundTripMs = links[0].latencyMs + links[1].latencyMs + links[0].jitterMs + links[1].jitterMs;
  const rtoMs = Math.max(resolved[0].rtoMaxMs, resolved[1].rtoMaxMs);
  const timeWaitMs = Math.max(resolved[0].timeWaitMs, resolved[1].timeWaitMs);
  const lingerMs = Math.max(resolved[0].lingerMs, resolved[1].lingerMs, 60_000);
  const slowest = Math.min(clocks[0].rate, clocks[1].rate);
  const work = plan.sessions.reduce((sum, session) => sum + sessionMs(session, roundTripMs, plan), 0);
  const canBreak = plan.nats.some((nat) => nat !== undefined) || plan.episodes.some(isBreaking);
  const retries = Math.max(resolved[0].r2, resolved[1].r2);
  const breaks = canBreak ? ATTEMPTS * retries * rtoMs : 0;
  const silenceMs = 4 * rtoMs + HALF_OPEN_MS + lingerMs + timeWaitMs + breaks;
  return (silenceMs + (canBreak ? ATTEMPTS : 1) * work) / slowest;
}

/** Whether it may take R2 (RFC 9293 §3.8.3) to learn of it, and another attempt to go on. */
function isBreaking({ kind }: Episode): boolean {
  return kind === 'crash' || kind === 'rebind' || kind === 'jump';
}

function sessionMs(session: SessionPlan, roundTripMs: number, plan: Omit<WorldPlan, 'patienceMs'>): number {
  let ms = session.startAt;
  for (const [side, user] of session.users.entries()) {
    const { totalBytes, writeBytes, writeEveryMs, idleMs, turnBytes, gate } = user;
    const reader = session.users[1 - side]!;
    const turns = gate === 'ask' || gate === 'answer' ? totalBytes / turnBytes : 0;
    const windowBytes = Math.min(
      plan.resolved[side]!.sendBufferBytes,
      plan.resolved[1 - side]!.receiveBufferBytes,
    );
    const segmentBytes = Math.min(
      LEAST_SEGMENT_BYTES,
      ...plan.resolved.map((each) => Math.min(each.mssBytes, each.maxDatagramBytes)),
    );
    const roundBytes = Math.max(ROUND_BYTES, Math.min(windowBytes, segmentBytes) / 2 - ROUND_BYTES);
    ms += (totalBytes / roundBytes + turns + 10) * (roundTripMs + TURN_MS);
    if (writeEveryMs > 0) ms += (totalBytes / writeBytes) * writeEveryMs;
    ms += (totalBytes / reader.readBytes) * reader.readEveryMs + idleMs;
  }
  return ms;
}
