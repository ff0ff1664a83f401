import { expect } from 'chai';
import type { State } from '../../lib/ptcp/core/state.ts';
import { pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  type StateOptions,
} from '../support/scripted-states.ts';

const WINDOW = 65_536;
/** Each synchronized state, and how far the peer's stream has come in it: its FIN counts. */
const STATES: readonly (readonly [State, (options?: StateOptions) => ScriptedPeer, number])[] = [
  ['ESTABLISHED', established, 1],
  ['FIN-WAIT-1', finWait1, 1],
  ['FIN-WAIT-2', finWait2, 1],
  ['CLOSE-WAIT', closeWait, 2],
  ['CLOSING', closing, 2],
  ['LAST-ACK', lastAck, 2],
];
/** Where a forged segment may lie, from RCV.NXT on; what lies in the window is asked about. */
const POSITIONS = [
  { offset: -WINDOW, isInWindow: false },
  { offset: -1, isInWindow: false },
  { offset: 1, isInWindow: true },
  { offset: WINDOW / 2, isInWindow: true },
  { offset: WINDOW + 10, isInWindow: false },
  { offset: 2 ** 31, isInWindow: false },
];

function reasonOf(peer: ScriptedPeer): string | undefined {
  return peer.connection.closeReason;
}

describe('a reset, wherever it lies', () => {
  for (const [state, build, rcvNxt] of STATES) {
    it(`ends ${state} at RCV.NXT (RFC 9293 §3.5.3, RFC 5961 §3.2)`, () => {
      const peer = build();

      peer.inject({ flags: 'R', seq: rcvNxt });

      expect(peer.connection.state).to.equal('CLOSED');
      expect(reasonOf(peer)).to.equal(state === 'CLOSING' || state === 'LAST-ACK' ? 'done' : 'reset');
      peer.expectNothing();
    });

    it(`does not end ${state} elsewhere: it is asked about in the window and dropped outside (RFC 5961 §3.2)`, () => {
      for (const { offset, isInWindow } of POSITIONS) {
        const peer = build();

        peer.inject({ flags: 'R', seq: rcvNxt + offset });

        expect(peer.connection.state, `at ${offset}`).to.equal(state);
        expect(peer.drain().length, `answers at ${offset}`).to.equal(isInWindow ? 1 : 0);
      }
    });
  }
});

describe('a SYN, wherever it lies', () => {
  for (const [state, build, rcvNxt] of STATES) {
    it(`is asked about in ${state} and changes nothing (RFC 5961 §4.2)`, () => {
      for (const { offset } of [...POSITIONS, { offset: 0 }]) {
        for (const flags of ['S', 'S.']) {
          const peer = build();
          const ack = peer.connection.isFinAcknowledged ? 2 : 1;

          peer.inject({ flags, seq: rcvNxt + offset, ...(flags === 'S.' ? { ack } : {}) });

          expect(peer.connection.state, `${flags} at ${offset}`).to.equal(state);
          const answers = peer.drain();
          expect(answers.length, `${flags} at ${offset}`).to.equal(1);
          expect(answers[0], `${flags} at ${offset}`).to.include({ flags: '.', ack: rcvNxt });
        }
      }
    });
  }
});

describe('a FIN that comes before the text in front of it', () => {
  it('waits for it, is acknowledged with it, and is told after it (RFC 9293 §3.10.7.4, eighth step)', () => {
    const peer = established();
    peer.inject({ flags: 'F.', seq: 11, ack: 1 });
    peer.expect({ flags: '.', ack: 1 });
    peer.expectEvents();

    peer.inject({ seq: 1, ack: 1, payload: pattern(10) });

    peer.expect({ flags: '.', ack: 12 });
    peer.expectEvents('readable', 'peerClosed');
    expect(peer.connection.read(100)).to.deep.equal(pattern(10));
    expect(peer.connection.state).to.equal('CLOSE-WAIT');
  });

  it('bounds the stream: what claims to lie behind it is not taken (RFC 9293 §3.10.7.4, seventh step)', () => {
    const peer = established();
    peer.inject({ flags: 'F.', seq: 11, ack: 1 });
    peer.inject({ seq: 1, ack: 1, payload: pattern(50) });
    peer.drain();

    expect(peer.connection.read(100)).to.deep.equal(pattern(10));
    expect(peer.connection.state).to.equal('CLOSE-WAIT');
  });

  it('may come with the last of the text, in pieces, from the end to the beginning (RFC 9293 §3.10.7.4)', () => {
    const peer = finWait2();
    peer.inject({ flags: 'F.', seq: 21, ack: 2, payload: pattern(10, 20) });
    peer.inject({ seq: 11, ack: 2, payload: pattern(10, 10) });
    expect(peer.connection.state).to.equal('FIN-WAIT-2');

    peer.inject({ seq: 1, ack: 2, payload: pattern(10) });

    peer.expectAll([{ ack: 1 }, { ack: 1 }, { ack: 32 }]);
    expect(peer.connection.read(100)).to.deep.equal(pattern(30));
    expect(peer.connection.state).to.equal('TIME-WAIT');
  });
});

describe('the ACK of a FIN', () => {
  it('that is lost is made good by the next one, of the FIN sent again (RFC 9293 §3.6, §3.8.1)', () => {
    const peer = finWait1();

    peer.pass(200);
    peer.expect({ flags: 'F.', seq: 1 });
    peer.inject({ seq: 1, ack: 2 });

    expect(peer.connection.state).to.equal('FIN-WAIT-2');
  });

  it('may come with the peer’s own FIN (RFC 9293 §3.10.7.4, eighth step)', () => {
    const peer = finWait1();

    peer.inject({ flags: 'F.', seq: 1, ack: 2 });

    peer.expect({ flags: '.', ack: 2 });
    expect(peer.connection.state).to.equal('TIME-WAIT');
  });

  it('of the text before it alone leaves FIN-WAIT-1 as it is (RFC 9293 §3.10.7.4, fifth step)', () => {
    const peer = established();
    peer.connection.write(pattern(10));
    peer.connection.shutdown();
    peer.drain();

    peer.inject({ seq: 1, ack: 11 });

    expect(peer.connection.state).to.equal('FIN-WAIT-1');
  });
});

describe('a peer whose process died', () => {
  it('and whose host answers with resets is gone at the next segment (RFC 9293 §3.5.1, Figure 10, MUST-12)', () => {
    const peer = established();
    peer.connection.write(pattern(10));
    peer.expect({ seq: 1, length: 10 });

    peer.inject({ flags: 'R', seq: 1 });

    peer.expectEvents('closed reset');
    expect(peer.endpoint.connectionCount).to.equal(0);
  });

  it('and that is silent is given up at R2, told as a time-out and not as an end (RFC 9293 §3.8.3, MUST-12, MUST-20)', () => {
    const peer = established();
    peer.connection.write(pattern(10));
    peer.drain();

    peer.pass(99_000);
    peer.expectEvents('pathSuspect');
    peer.pass(1_000_000);

    peer.expectEvents('closed timeout');
    expect(peer.endpoint.nextTimeout()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('and that began anew disowns the old connection when asked (RFC 9293 §3.5.1, Figure 9)', () => {
    const peer = established();
    peer.inject({ flags: 'S', seq: 1_000_000 });
    peer.expect({ flags: '.', seq: 1, ack: 1 });

    peer.inject({ flags: 'R', seq: 1 });

    peer.expectEvents('closed reset');
  });

  it('while nothing was outstanding is found out by keep-alive (RFC 9293 §3.8.4, MUST-29)', () => {
    const profile = { keepAlive: true, keepAliveIdleMs: 1000, keepAliveIntervalMs: 100, keepAliveProbes: 3 };
    const peer = established({ profile });

    peer.pass(5000);

    expect(peer.drain().map(({ seq, length }) => [seq, length])).to.deep.equal([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    peer.expectEvents('closed timeout');
  });
});
