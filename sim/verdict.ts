// What must have become of the users of a world, once nothing happens any more or their time is over.

import { hasUnsent } from './invariants.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';
import { Violation } from './violation.ts';
import type { WorldView } from './world-view.ts';

/** Time is over, and somebody is not done: that is right only for those whose peer is gone without a word. */
export function checkUnfinished(world: WorldView): void {
  for (const session of world.sessions) {
    for (const side of [0, 1] as const) {
      const user = session.users[side];
      const peer = session.users[1 - side]!;
      if (user.isOver || isForgotten(world, session, user, peer)) continue;
      const { connection, plan } = user;
      throw new Violation(
        'liveness',
        `user ${side} (${plan.ending}) is not done at ${Math.round(world.now)}: ${connection?.state}, ` +
          `wrote ${user.writtenBytes} of ${plan.totalBytes}, read ${user.receivedBytes} of ${peer.plan.totalBytes}; ` +
          `the other: ${peer.reason ?? peer.connection?.state}`,
      );
    }
  }
}

/** The peer is gone, his reset was lost or never sent, and nothing is to be sent to him: nobody tells this user. */
function isForgotten(world: WorldView, session: Session, user: User, peer: User): boolean {
  const isPeerGone = peer.reason !== undefined && peer.reason !== 'done';
  if (!isPeerGone && !session.isDoomed && world.plan.lies === undefined) return false;
  if (user.connection === undefined) return true;
  const { tcb } = user.connection;
  return world.plan.lies !== undefined || (tcb.sent.count === 0 && !hasUnsent(tcb));
}

/** What came, and how it ended. */
export function checkEnd(world: WorldView): void {
  for (const session of world.sessions) {
    const [a, b] = session.users;
    if (session.isDoomed || world.plan.lies !== undefined) continue;
    checkDone(a, b);
    checkDone(b, a);
    if (a.plan.ending !== 'shutdown' || b.plan.ending !== 'shutdown') continue;
    if ((a.reason !== 'done' || b.reason !== 'done') && !isTooLate(world, a, b))
      throw new Violation('ending', `${a.reason} and ${b.reason}`);
  }
}

/**
 * A jump of the clock may have made RTO as long as TIME-WAIT: if the last ACK was lost, it is asked for when nobody is
 * there any more (RFC 9293 §3.10.7.1). All has arrived, but one end cannot know it.
 */
function isTooLate({ plan }: WorldView, a: User, b: User): boolean {
  if (!plan.episodes.some(({ kind }) => kind === 'jump')) return false;
  const isAllThere = a.receivedBytes === b.plan.totalBytes && b.receivedBytes === a.plan.totalBytes;
  const other = a.reason === 'done' ? b : a;
  return isAllThere && (a.reason === 'done' || b.reason === 'done') && other.reason === 'reset';
}

/** 'done' promises that everything arrived. */
function checkDone(user: User, peer: User): void {
  if (user.reason !== 'done' || peer.plan.ending !== 'shutdown' || peer.reason === 'aborted') return;
  if (peer.receivedBytes !== user.writtenBytes)
    throw new Violation(
      'lost-data',
      `${user.writtenBytes} bytes written, done, and ${peer.receivedBytes} came`,
    );
}
