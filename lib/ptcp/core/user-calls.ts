// The calls of RFC 9293 §3.9.1 that a connection's user makes: SEND, RECEIVE, CLOSE, ABORT.
import { UsageError } from '../../errors.ts';
import type { Instant } from '../../time/clock.ts';
import { releaseSoon, sendBufferLimit } from './ack.ts';
import { oweAck, oweReset } from './debts.ts';
import { endConnection } from './ending.ts';
import type { MemoryBudget } from './memory.ts';
import { seqDiff } from './seq.ts';
import { canReceiveText, canSendText, isVertex, type Tcb } from './tcb.ts';
import { urgentRead } from './urgent.ts';
import { isStreamFull } from './vertex-peer.ts';
import { adaptReceiveBuffer, isWindowUpdateDue } from './window.ts';

/** SEND: takes what fits. Before the handshake is over it waits in the buffer (RFC 9293 §3.10.2). */
export function send(tcb: Tcb, bytes: Uint8Array): number {
  if (tcb.vertex?.isPeerGone === true && !tcb.isClosedByUser) {
    tcb.vertex.isTextLost = true;
    return 0;
  }
  // A string has a length, too: it would be sent as so many zeros.
  if (!ArrayBuffer.isView(bytes)) throw new UsageError('write takes a Uint8Array');
  if (tcb.isFinQueued) throw new UsageError('write after shutdown or close');
  if (!canSendText(tcb)) return 0;
  if (isVertex(tcb) && isStreamFull(tcb.bytesSent + unsentBytes(tcb) + bytes.length)) {
    oweReset(tcb, tcb.sndNxt);
    endConnection(tcb, 'stream-full');
    return 0;
  }
  const accepted = tcb.sendBuffer.append(bytes, sendBufferLimit(tcb));
  if (accepted < bytes.length) tcb.wantsToWrite = true;
  return accepted;
}

function unsentBytes(tcb: Tcb): number {
  return Math.max(0, seqDiff(tcb.sendBuffer.tail, tcb.sndNxt));
}

/** SEND with the URGENT flag: as `send`, and the peer is told at once that there is something urgent up to its end. */
export function sendUrgent(tcb: Tcb, bytes: Uint8Array): number {
  if (!tcb.profile.urgentData) throw new UsageError('urgent data needs the option urgentData');
  const accepted = send(tcb, bytes);
  if (accepted === 0) return 0;
  tcb.sndUp = tcb.sendBuffer.tail;
  // It may get past a closed window where the text does not (MUST-66).
  oweAck(tcb);
  return accepted;
}

/** RECEIVE: takes up to `max` bytes out of the buffer, which opens the window. */
export function receive(tcb: Tcb, max: number, memory: MemoryBudget, now: Instant): Uint8Array {
  // What came on a SYN is not the user's before the handshake is over (RFC 9293 §3.10.3).
  const bytes = tcb.recvBuffer.read(tcb.state === 'SYN-RECEIVED' ? 0 : max);
  received(tcb, bytes.length, memory, now);
  return bytes;
}

/** RECEIVE into an array of the user's. Returns how many bytes that were. */
export function receiveInto(tcb: Tcb, out: Uint8Array, memory: MemoryBudget, now: Instant): number {
  const count = tcb.state === 'SYN-RECEIVED' ? 0 : tcb.recvBuffer.readInto(out);
  received(tcb, count, memory, now);
  return count;
}

/** The user has taken `count` bytes. */
function received(tcb: Tcb, count: number, memory: MemoryBudget, now: Instant): void {
  if (count === 0) return;
  urgentRead(tcb);
  adaptReceiveBuffer(tcb, count, memory, now);
  if (canReceiveText(tcb) && isWindowUpdateDue(tcb)) tcb.owesAck = true;
  if (tcb.recvBuffer.readableBytes === 0) releaseSoon(tcb, tcb.recvBuffer, now);
}

/** CLOSE of the user's own direction: a FIN follows the last byte, and receiving goes on (RFC 9293 §3.6, MAY-1). */
export function shutdown(tcb: Tcb): void {
  if (tcb.state === 'SYN-SENT') {
    endConnection(tcb, 'aborted');
    return;
  }
  tcb.isFinQueued = true;
}

/**
 * CLOSE of both directions: as `shutdown`, and what still comes is acknowledged and thrown away until the peer has
 * closed or `lingerMs` is over. With a linger of 0 unread data means a reset (RFC 9293 §3.6.1, SHLD-3).
 */
export function close(tcb: Tcb): void {
  if (tcb.isClosedByUser) return;
  tcb.isClosedByUser = true;
  const unread = tcb.recvBuffer.discardAll();
  if (unread > 0 && tcb.profile.lingerMs === 0 && isOneSideOpen(tcb)) {
    abort(tcb);
    return;
  }
  if (unread > 0 && canReceiveText(tcb) && isWindowUpdateDue(tcb)) tcb.owesAck = true;
  shutdown(tcb);
}

/** ABORT, RFC 9293 §3.10.5: drops everything, and resets a peer that may still send or wait for something. */
export function abort(tcb: Tcb): void {
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') {
    // What came before a good end and was not read.
    tcb.recvBuffer.clear();
    return;
  }
  if (tcb.state === 'SYN-RECEIVED' || isOneSideOpen(tcb)) oweReset(tcb, tcb.sndNxt);
  endConnection(tcb, 'aborted');
}

/** Whether the handshake is over and one side at least has not closed. */
function isOneSideOpen(tcb: Tcb): boolean {
  return canReceiveText(tcb) || tcb.state === 'CLOSE-WAIT';
}
