import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import type { State } from '../../../lib/ptcp/core/state.ts';
import { ascii, type ScriptedPeer } from '../../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  type StateOptions,
  synReceived,
  synSent,
  timeWait,
} from '../../support/scripted-states.ts';

function halfOpened(options: StateOptions = {}): ScriptedPeer {
  return synReceived({ ...options, role: 'active' });
}

function wasReset(options: StateOptions = {}): ScriptedPeer {
  const peer = established(options);
  peer.inject({ flags: 'R', seq: 1 });
  peer.expectEvents('closed reset');
  return peer;
}

describe('RFC 9293 §3.10.2: SEND', () => {
  it('waits in the buffer until the handshake is over, whatever side opened', () => {
    for (const build of [synSent, halfOpened]) {
      const peer = build();

      expect(peer.connection.write(ascii('queued'))).to.equal(6);
      peer.expectNothing();
      if (build === synSent) peer.inject({ flags: 'S.', seq: 0, ack: 1 });
      else peer.inject({ seq: 1, ack: 1 });

      peer.expect({ flags: 'P.', seq: 1, ack: 1, text: 'queued' });
    }
  });

  it('sends at once in ESTABLISHED and CLOSE-WAIT', () => {
    for (const build of [established, closeWait]) {
      const peer = build();

      peer.connection.write(ascii('now'));

      peer.expect({ flags: 'P.', seq: 1, text: 'now' });
    }
  });

  it('is an error once the user has closed, also while the FIN still waits for room', () => {
    for (const build of [finWait1, finWait2, closing, lastAck, timeWait]) {
      expect(() => build().connection.write(ascii('late'))).to.throw(UsageError);
    }
    const peer = established({ window: 2 });
    peer.connection.write(ascii('more than fits'));
    peer.connection.shutdown();
    expect(peer.connection.state).to.equal('ESTABLISHED');
    expect(() => peer.connection.write(ascii('late'))).to.throw(UsageError);
  });

  it('accepts nothing when the connection is over without the user’s doing', () => {
    const peer = wasReset();

    expect(peer.connection.write(ascii('late'))).to.equal(0);

    peer.expectNothing();
    peer.expectEvents();
  });

  it('tells how much fits, and when there is room again', () => {
    const peer = established({ profile: { sendBufferBytes: 1_000, sendBufferMaxBytes: 1_000 } });

    expect(peer.connection.write(new Uint8Array(1_500))).to.equal(1_000);
    peer.expect({ length: 536 });
    peer.expectEvents();
    peer.inject({ seq: 1, ack: 537 });

    peer.expectEvents('writable');
    expect(peer.connection.write(new Uint8Array(500))).to.equal(500);
  });
});

describe('RFC 9293 §3.10.3: RECEIVE', () => {
  it('takes what is there in every state that can have something, in pieces as small as wanted', () => {
    for (const build of [established, finWait1, finWait2]) {
      const peer = build();
      peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'abcdef' });

      const pieces = [1, 2, 100].map((max) => new TextDecoder().decode(peer.connection.read(max)));

      expect(pieces).to.deep.equal(['a', 'bc', 'def']);
      expect(peer.connection.read(1)).to.have.length(0);
    }
  });

  it('takes what is left after the peer has closed, and after a good end', () => {
    const peer = established();
    peer.inject({ flags: 'FP.', seq: 1, ack: 1, payload: 'rest' });
    peer.connection.shutdown();
    peer.inject({ seq: 6, ack: 2 });
    expect(peer.connection.state).to.equal('CLOSED');

    expect(peer.connection.read(2)).to.deep.equal(ascii('re'));
    expect(peer.connection.read(2)).to.deep.equal(ascii('st'));
    expect(peer.connection.read(2)).to.have.length(0);
  });

  it('has nothing after a reset: all queues are flushed (RFC 9293 §3.10.7.4, second step)', () => {
    const peer = established();
    peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'lost' });

    peer.inject({ flags: 'R', seq: 5 });

    expect(peer.connection.read(10)).to.have.length(0);
    expect(peer.endpoint.memory.freeBytes).to.equal(1024 ** 3);
  });

  it('gives the memory of unread text back when the user closes after the end', () => {
    const peer = established();
    peer.inject({ flags: 'FP.', seq: 1, ack: 1, payload: 'rest' });
    peer.connection.shutdown();
    peer.inject({ seq: 6, ack: 2 });
    peer.drain();

    peer.connection.close();

    expect(peer.endpoint.memory.freeBytes).to.equal(1024 ** 3);
    peer.expectNothing();
  });
});

describe('RFC 9293 §3.10.4 and §3.10.5: CLOSE and ABORT once more', () => {
  it('are no error and no news on a connection that is over', () => {
    const peer = wasReset();

    peer.connection.shutdown();
    peer.connection.close();
    peer.connection.abort();

    peer.expectNothing();
    peer.expectEvents();
  });
});

describe('RFC 9293 §3.10.6: STATUS', () => {
  it('names the state, and after the end the reason', () => {
    const states: readonly (readonly [State, (options?: StateOptions) => ScriptedPeer])[] = [
      ['SYN-SENT', synSent],
      ['SYN-RECEIVED', halfOpened],
      ['ESTABLISHED', established],
      ['FIN-WAIT-1', finWait1],
      ['FIN-WAIT-2', finWait2],
      ['CLOSE-WAIT', closeWait],
      ['CLOSING', closing],
      ['LAST-ACK', lastAck],
      ['TIME-WAIT', timeWait],
      ['CLOSED', wasReset],
    ];
    for (const [state, build] of states) {
      const { connection } = build();

      expect(connection.state).to.equal(state);
      const reason = state === 'TIME-WAIT' ? 'done' : state === 'CLOSED' ? 'reset' : undefined;
      expect(connection.closeReason).to.equal(reason);
    }
  });

  it('tells whether our FIN has left and has been acknowledged', () => {
    const facts = [established, finWait1, finWait2, closing, lastAck].map((build) => {
      const { connection } = build();
      return [connection.isFinSent, connection.isFinAcknowledged];
    });

    expect(facts).to.deep.equal([
      [false, false],
      [true, false],
      [true, true],
      [true, false],
      [true, false],
    ]);
  });

  it('tells a good end from a bad one (RFC 9293 §3.6, MUST-12)', () => {
    const good = closeWait();
    good.connection.close();
    good.drain();
    good.inject({ seq: 2, ack: 2 });
    good.expectEvents('closed done');

    const bad = closeWait();
    bad.inject({ flags: 'R', seq: 2 });
    bad.expectEvents('closed reset');
  });
});
