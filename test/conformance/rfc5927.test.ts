import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { LOCAL_PORT, PATH, PEER_PORT } from '../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  synReceived,
  synSent,
  timeWait,
} from '../support/scripted-states.ts';

const SOFT = ['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPERM', 'ENOBUFS', 'anything'];

describe('RFC 5927: what the network says of a path', () => {
  it('refuses an attempt when nobody listens there (RFC 9293 §3.9.2.2, SHLD-26)', () => {
    const peer = synSent();

    peer.endpoint.handlePathError(10, PATH, 'ECONNREFUSED');

    peer.expectNothing();
    peer.expectEvents('closed refused');
  });

  it('goes on with an attempt through NATs, where the other side may not be ready (RFC 5927 §4)', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('punch') });
    const connection = endpoint.connect(PATH, 50_000, { isHolePunching: true });

    endpoint.handlePathError(10, PATH, 'ECONNREFUSED');

    expect(connection.state).to.equal('SYN-SENT');
    expect(endpoint.pollEvent()?.type).to.equal('pathSuspect');
  });

  it('outlives resets by a side that is not ready yet, too (RFC 9293 §3.10.7.3, second step)', () => {
    const early = new PtcpEndpoint({ entropy: new Prng('early') });
    const connection = early.connect(1, PEER_PORT, { isHolePunching: true, localPseudoPort: LOCAL_PORT });
    const late = new PtcpEndpoint({ entropy: new Prng('late') });
    const network = new EndpointNetwork([early, late], { link: { latencyMs: 5 } });
    network.runUntil(100);
    expect(connection.state).to.equal('SYN-SENT');

    const other = late.connect(0, LOCAL_PORT, { isHolePunching: true, localPseudoPort: PEER_PORT });
    network.runUntil(200);

    expect([connection.state, other.state]).to.deep.equal(['ESTABLISHED', 'ESTABLISHED']);
  });

  it('never ends a connection in another state, and tells of the trouble (RFC 5927 §4, MUST-47, MUST-56, SHLD-25)', () => {
    for (const build of [established, finWait1, finWait2, closeWait, closing, lastAck]) {
      for (const code of ['ECONNREFUSED', ...SOFT]) {
        const peer = build();
        const before = peer.connection.state;

        peer.endpoint.handlePathError(10, PATH, code);

        peer.expectNothing();
        peer.expectEvents('pathSuspect');
        expect(peer.connection.state).to.equal(before);
      }
    }
  });

  it('does not end an attempt for a soft error (RFC 9293 §3.9.2.2, MUST-56)', () => {
    for (const code of SOFT) {
      const peer = synSent();

      peer.endpoint.handlePathError(10, PATH, code);
      peer.inject({ flags: 'S.', seq: 0, ack: 1 });

      peer.expectEvents('pathSuspect', 'established');
    }
  });

  it('says nothing of connections that nobody knows, or that are over', () => {
    for (const build of [synReceived, timeWait]) {
      const peer = build();

      peer.endpoint.handlePathError(10, PATH, 'ECONNREFUSED');

      peer.expectNothing();
      peer.expectEvents();
    }
  });

  it('concerns the connections of that path only (RFC 9293 §3.9.2.2, MUST-54)', () => {
    const peer = synSent();

    peer.endpoint.handlePathError(10, PATH + 1, 'ECONNREFUSED');

    peer.expectEvents();
    expect(peer.connection.state).to.equal('SYN-SENT');
  });

  it('makes datagrams smaller, but not smaller than any path carries (RFC 5927 §7, RFC 8899 §5.1.2)', () => {
    const peer = established({ profile: { maxDatagramBytes: 1_472 }, peerOptions: { mss: 1_460 } });
    peer.connection.write(new Uint8Array(1_452));
    peer.expect({ length: 1_452 });
    peer.inject({ seq: 1, ack: 1_453 });

    peer.endpoint.handlePathError(10, PATH, 'EMSGSIZE');
    peer.endpoint.handlePathError(10, PATH, 'EMSGSIZE');
    peer.connection.write(new Uint8Array(1_180));
    peer.expect({ length: 1_180 });

    expect(peer.connection.state).to.equal('ESTABLISHED');
  });
});
