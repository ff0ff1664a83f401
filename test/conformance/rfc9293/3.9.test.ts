import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import { ascii, LOCAL_PORT, PATH, PEER_PORT, ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, listening, synReceived, synSent } from '../../support/scripted-states.ts';

describe('RFC 9293 §3.9.1: OPEN', () => {
  it('passive disturbs no connection on the same pseudo-port (RFC 9293 §3.9.1.1, MUST-41)', () => {
    const peer = established({ role: 'active' });

    peer.endpoint.listen(LOCAL_PORT);
    peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'hello' });

    peer.expect({ flags: '.', seq: 1, ack: 6 });
    peer.expectEvents('readable');
    expect(peer.connection.state).to.equal('ESTABLISHED');
  });

  it('passive is possible while connections are being opened on the same pseudo-port (RFC 9293 §3.9.1.1, MUST-42)', () => {
    for (const peer of [synSent(), synReceived({ role: 'active' })]) {
      peer.endpoint.listen(LOCAL_PORT);
      const opened = peer.connection;

      peer.inject({ flags: 'S', seq: 0, srcPort: 50_500 });
      peer.expect({ flags: 'S.', dstPort: 50_500, ack: 1 });
      peer.inject({ seq: 1, ack: 1, srcPort: 50_500 });
      peer.expectEvents('accepted', 'established');
      peer.inject({ flags: 'S.', seq: 0, ack: 1 });

      peer.expectEvents('established');
      expect(opened.state).to.equal('ESTABLISHED');
    }
  });

  it('active is possible from the pseudo-port of a listener (RFC 9293 §3.9.1.1, MUST-42)', () => {
    const peer = listening();

    peer.connect();

    peer.expect({ flags: 'S', srcPort: LOCAL_PORT, dstPort: PEER_PORT });
  });

  it('by a crossing SYN goes to the connection under way, not to the listener (RFC 9293 §3.5, MUST-10)', () => {
    const peer = listening();
    peer.connect();
    peer.expect({ flags: 'S' });

    peer.inject({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'S.', seq: 0, ack: 1 });
    peer.inject({ flags: 'S.', seq: 0, ack: 1 });

    peer.expectEvents('established');
    expect(peer.endpoint.connectionCount).to.equal(1);
  });

  it('passive twice on one pseudo-port is an error (RFC 9293 §3.9.1.1)', () => {
    const peer = listening();

    expect(() => peer.endpoint.listen(LOCAL_PORT)).to.throw(UsageError, 'listens already');
    peer.endpoint.unlisten(LOCAL_PORT);
    peer.endpoint.listen(LOCAL_PORT);
  });

  it('active twice with one pair of pseudo-ports on one path is an error (RFC 9293 §3.9.1.1)', () => {
    const peer = synSent();

    expect(() => peer.connect()).to.throw(UsageError, 'in use');
    peer.endpoint.connect(PATH + 1, PEER_PORT, { localPseudoPort: LOCAL_PORT });
    peer.endpoint.connect(PATH, PEER_PORT + 1, { localPseudoPort: LOCAL_PORT });
    peer.endpoint.connect(PATH, PEER_PORT, { localPseudoPort: LOCAL_PORT + 1 });

    expect(peer.endpoint.connectionCount).to.equal(4);
  });

  it('refuses what is no pseudo-port and no path (RFC 9293 §3.9.1.1, MUST-46)', () => {
    const { endpoint } = new ScriptedPeer();

    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      expect(() => endpoint.listen(port), `listen ${port}`).to.throw(UsageError);
      expect(() => endpoint.connect(PATH, port), `to ${port}`).to.throw(UsageError);
      expect(() => endpoint.connect(PATH, 50_000, { localPseudoPort: port }), `from ${port}`).to.throw(
        UsageError,
      );
    }
    for (const path of [-1, 2 ** 20, 0.5, Number.NaN]) {
      expect(() => endpoint.connect(path, 50_000), `path ${path}`).to.throw(UsageError);
    }
    expect(endpoint.connectionCount).to.equal(0);
  });

  it('ignores a SYN from where nobody can be (RFC 9293 §3.9.2.3, MUST-63)', () => {
    const peer = listening();

    peer.inject({ flags: 'S', srcPort: 0 });
    peer.inject({ flags: 'S', path: -1 });
    peer.inject({ flags: 'S', path: 2 ** 20 });

    peer.expectNothing();
    expect(peer.endpoint.stats.droppedSyns).to.equal(3);
  });

  it('sends on the path the connection was opened on, or accepted from (RFC 9293 §3.9.1.1, MUST-45)', () => {
    const peer = listening();
    peer.inject({ flags: 'S', seq: 0, path: 9 });
    expect(peer.expect({ flags: 'S.' }).path).to.equal(9);
    peer.inject({ seq: 1, ack: 1, path: 9 });

    peer.connection.write(ascii('here'));

    peer.expect({ text: 'here', path: 9 });
  });

  it('no longer takes connections after unlisten, while those that are there live on', () => {
    const peer = established();

    peer.endpoint.unlisten(LOCAL_PORT);
    peer.inject({ flags: 'S', srcPort: 50_500 });
    peer.expect({ flags: 'R.' });
    peer.inject({ seq: 1, ack: 1, payload: 'hello' });

    peer.expect({ flags: '.', ack: 6 });
  });
});

describe('RFC 9293 §3.10.4: CLOSE of a listener', () => {
  it('forgets connections that are half open, so that none is accepted any more', () => {
    const peer = synReceived();
    peer.inject({ flags: 'S', seq: 0, srcPort: 50_500 });
    peer.expect({ flags: 'S.' });

    peer.endpoint.unlisten(LOCAL_PORT);
    peer.expectNothing();
    expect(peer.endpoint.connectionCount).to.equal(0);
    peer.inject({ seq: 1, ack: 1 });

    peer.expect({ flags: 'R', seq: 1 });
    peer.expectEvents();
    peer.at(300_000);
    peer.expectNothing();
  });

  it('leaves alone a simultaneous open from the same pseudo-port, and other listeners', () => {
    const peer = synReceived({ role: 'active' });
    peer.endpoint.listen(LOCAL_PORT);
    peer.endpoint.listen(LOCAL_PORT + 1);
    peer.inject({ flags: 'S', seq: 0, dstPort: LOCAL_PORT + 1 });
    peer.expect({ flags: 'S.' });

    peer.endpoint.unlisten(LOCAL_PORT);

    expect(peer.endpoint.connectionCount).to.equal(2);
    peer.inject({ seq: 1, ack: 1 });
    peer.expectEvents('established');
  });
});

describe('RFC 9293 §3.8.3: how long an attempt lasts', () => {
  it('is at least three minutes for a SYN, sent at intervals that double (RFC 9293 §3.8.3, MUST-23)', () => {
    const peer = synSent();

    peer.at(182_999);
    const sentAt = peer.drain().map((syn) => syn.sentAt);
    peer.expectEvents('pathSuspect');
    peer.at(183_000);

    expect(sentAt).to.deep.equal([1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000]);
    peer.expectNothing();
    peer.expectEvents('closed timeout');
    expect(peer.endpoint.connectionCount).to.equal(0);
  });

  it('repeats the very same SYN', () => {
    const peer = new ScriptedPeer({ profile: { sack: true, windowScale: 5 } });
    peer.connect();
    const first = peer.expect({ flags: 'S' });

    peer.at(1_000);

    peer.expect({ ...first, sentAt: 1_000 });
  });

  it('is what synRetries says', () => {
    const peer = synSent({ profile: { synRetries: 0 } });

    peer.at(1_000);

    peer.expectNothing();
    peer.expectEvents('closed timeout');
  });

  it('counts from when the SYN leaves, whatever the time was at `connect`', () => {
    const peer = new ScriptedPeer({ startAt: 500_000 });

    peer.connect();

    peer.expect({ flags: 'S', sentAt: 500_000 });
    peer.at(500_999);
    peer.expectNothing();
    peer.at(501_000);
    peer.expect({ flags: 'S' });
  });

  it('is the user’s timeout when that is shorter (RFC 9293 §3.8.3, MUST-21)', () => {
    const peer = synSent({ profile: { userTimeoutMs: 5_000 } });

    peer.at(5_000);

    expect(peer.drain().map((syn) => syn.sentAt)).to.deep.equal([1_000, 3_000]);
    peer.expectEvents('closed timeout');
  });
});
