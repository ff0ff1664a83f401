// A ScriptedPeer in each state of RFC 9293 §3.3.2, brought there by a real exchange. Nothing waits to be expected.
import { expect } from 'chai';
import type { State } from '../../lib/ptcp/core/state.ts';
import { LOCAL_PORT, ScriptedPeer, type ScriptOptions } from './scripted-peer.ts';

export interface StateOptions extends ScriptOptions {
  /** Which side the endpoint opens from: a listener when left out. */
  readonly role?: 'active' | 'passive';
  /** How the endpoint's user closes: `shutdown`, which leaves it reading, when left out. */
  readonly closeBy?: 'shutdown' | 'close';
}

/** Listens, and nothing has come. */
export function listening(options: StateOptions = {}): ScriptedPeer {
  const peer = new ScriptedPeer(options);
  peer.endpoint.listen(LOCAL_PORT);
  return peer;
}

/** The SYN (SEQ 0) is out. */
export function synSent(options: StateOptions = {}): ScriptedPeer {
  const peer = new ScriptedPeer(options);
  peer.connect();
  peer.expect({ flags: 'S', seq: 0 });
  return inState(peer, 'SYN-SENT');
}

/** The peer's SYN (SEQ 0) came and the SYN-ACK is out: to a listener, or in a simultaneous open. */
export function synReceived(options: StateOptions = {}): ScriptedPeer {
  const peer = options.role === 'active' ? synSent(options) : listening(options);
  peer.inject({ flags: 'S', seq: 0, options: options.peerOptions ?? {} });
  peer.expect({ flags: 'S.', seq: 0, ack: 1 });
  keepToAgreement(peer, options);
  return peer;
}

/** Both streams are at 1. */
export function established(options: StateOptions = {}): ScriptedPeer {
  const peer = options.role === 'active' ? synSent(options) : synReceived(options);
  if (options.role === 'active') {
    peer.inject({ flags: 'S.', seq: 0, ack: 1, options: options.peerOptions ?? {} });
    peer.expect({ flags: '.', seq: 1, ack: 1 });
    peer.expectEvents('established');
    keepToAgreement(peer, options);
  } else {
    peer.inject({ seq: 1, ack: 1 });
    peer.expectNothing();
    peer.expectEvents('accepted', 'established');
  }
  return inState(peer, 'ESTABLISHED');
}

/** From here on the peer sends the timestamps and the CRC-32 that its SYN offered, if our profile has them too. */
function keepToAgreement(peer: ScriptedPeer, options: StateOptions): void {
  const { timestamps, ptcp = 0 } = options.peerOptions ?? {};
  if (timestamps !== undefined && options.profile?.timestamps === true) peer.usualOptions = { timestamps };
  peer.isCrcOn = (ptcp & 1) !== 0 && options.profile?.crc32 === true;
}

/** Our FIN (SEQ 1) is out. */
export function finWait1(options: StateOptions = {}): ScriptedPeer {
  const peer = established(options);
  closeByUser(peer, options);
  return inState(peer, 'FIN-WAIT-1');
}

/** Our FIN (SEQ 1) is acknowledged. */
export function finWait2(options: StateOptions = {}): ScriptedPeer {
  const peer = finWait1(options);
  peer.inject({ seq: 1, ack: 2 });
  peer.expectNothing();
  return inState(peer, 'FIN-WAIT-2');
}

/** The peer's FIN (SEQ 1) came and is acknowledged. */
export function closeWait(options: StateOptions = {}): ScriptedPeer {
  const peer = established(options);
  peer.inject({ flags: 'F.', seq: 1, ack: 1 });
  peer.expect({ flags: '.', seq: 1, ack: 2 });
  peer.expectEvents('peerClosed');
  return inState(peer, 'CLOSE-WAIT');
}

/** Both FINs (SEQ 1) crossed; ours is not acknowledged. */
export function closing(options: StateOptions = {}): ScriptedPeer {
  const peer = finWait1(options);
  peer.inject({ flags: 'F.', seq: 1, ack: 1 });
  peer.expect({ flags: '.', seq: 2, ack: 2 });
  peer.expectEvents('peerClosed');
  return inState(peer, 'CLOSING');
}

/** The peer's FIN (SEQ 1) came, then ours (SEQ 1) left. */
export function lastAck(options: StateOptions = {}): ScriptedPeer {
  const peer = closeWait(options);
  closeByUser(peer, options);
  return inState(peer, 'LAST-ACK');
}

/** Our FIN came first, and both are acknowledged. */
export function timeWait(options: StateOptions = {}): ScriptedPeer {
  const peer = finWait2(options);
  peer.inject({ flags: 'F.', seq: 1, ack: 2 });
  peer.expect({ flags: '.', seq: 2, ack: 2 });
  peer.expectEvents('peerClosed', 'closed done');
  return inState(peer, 'TIME-WAIT');
}

function closeByUser(peer: ScriptedPeer, options: StateOptions): void {
  if (options.closeBy === 'close') peer.connection.close();
  else peer.connection.shutdown();
  peer.expect({ flags: 'F.', seq: 1 });
}

function inState(peer: ScriptedPeer, state: State): ScriptedPeer {
  expect(peer.connection.state).to.equal(state);
  return peer;
}
