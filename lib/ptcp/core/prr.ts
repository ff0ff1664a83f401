// Proportional Rate Reduction, RFC 9937: how much may leave for each ACK while losses are repaired.
import type { Prr } from './recovery-state.ts';
import { sendMss } from './segment-size.ts';
import { flightSize, type Tcb } from './tcb.ts';

/** A recovery begins, and the controller has set ssthresh: RFC 9937 §6.1. One segment may leave without an ACK (§6.2). */
export function startPrr(tcb: Tcb, inFlightBytes: number): void {
  if (!tcb.isSackOn || !tcb.path.congestion.usesPrr) return;
  tcb.prr = {
    recoverFs: flightSize(tcb) - tcb.sent.sackedBytes,
    prrDelivered: 0,
    prrOut: 0,
    cwndBytes: inFlightBytes + sendMss(tcb),
  };
}

/** What an ACK in a recovery says. One for all connections. */
export interface PrrAck {
  /** DeliveredData. */
  deliveredBytes: number;
  inFlightBytes: number;
  /** SND.UNA has moved and nothing more is thought lost. */
  isSafe: boolean;
}

/** RFC 9937 §6.2, for each ACK that begins a recovery or comes in it. */
export function prrAckArrived(tcb: Tcb, prr: Prr, ack: PrrAck): void {
  const { deliveredBytes, inFlightBytes } = ack;
  if (deliveredBytes === 0) return;
  const { ssthreshBytes } = tcb.path.congestion;
  prr.prrDelivered += deliveredBytes;
  let sndCnt: number;
  if (inFlightBytes > ssthreshBytes) {
    sndCnt = Math.ceil((prr.prrDelivered * ssthreshBytes) / prr.recoverFs) - prr.prrOut;
  } else {
    // PRR-CRB, and while the repair makes good progress PRR-SSRB.
    sndCnt = Math.max(prr.prrDelivered - prr.prrOut, deliveredBytes) + (ack.isSafe ? sendMss(tcb) : 0);
    sndCnt = Math.min(ssthreshBytes - inFlightBytes, sndCnt);
  }
  // The first retransmission is forced; a part of a segment counts as none.
  if (prr.prrOut === 0) sndCnt = Math.max(sndCnt, sendMss(tcb));
  prr.cwndBytes = inFlightBytes + Math.max(0, sndCnt);
}

/** Bytes that may be in flight now: the controller's window or, in a recovery, what PRR makes of it. */
export function sendingWindow(tcb: Tcb): number {
  return tcb.prr === undefined ? tcb.path.congestion.cwndBytes : tcb.prr.cwndBytes;
}
