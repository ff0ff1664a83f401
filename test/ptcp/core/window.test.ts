import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';
import { pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, listening, type StateOptions } from '../../support/scripted-states.ts';

const MSS = 1000;
const RTT_MS = 100;
const KIB = 1024;
const CHUNK = pattern(MSS);

/** ESTABLISHED over a path of 100 ms, windows scaled. */
function overPath(
  profile: StateOptions['profile'] = {},
  endpoint: StateOptions['endpoint'] = {},
): ScriptedPeer {
  const peer = listening({ profile: { windowScale: 7, ...profile }, endpoint });
  peer.inject({ flags: 'S', options: { windowScale: 7 } });
  peer.pass(RTT_MS);
  peer.inject({ seq: 1, ack: 1 });
  peer.drain();
  return peer;
}

/** The peer sends `bytes` in one round trip, and the user reads everything at once. Returns the next `seq`. */
function round(peer: ScriptedPeer, seq: number, bytes: number): number {
  for (let sent = 0; sent < bytes; sent += MSS) {
    peer.inject({ seq: seq + sent, ack: 1, payload: CHUNK.subarray(0, bytes - sent) });
    peer.connection.read(MSS);
  }
  peer.pass(RTT_MS);
  return seq + bytes;
}

function limit(peer: ScriptedPeer): number {
  return peer.connection.tcpInfo().rcvbufLimitBytes;
}

describe('the size of the receive buffer', () => {
  it('begins with 64 KiB and stays there for little traffic', () => {
    const peer = overPath();
    expect(limit(peer)).to.equal(64 * KIB);

    for (let seq = 1, i = 0; i < 50; i += 1) seq = round(peer, seq, 10_000);

    expect(limit(peer)).to.equal(64 * KIB);
  });

  it('grows with the measured rate, ahead of a sender that doubles, up to 8 MiB', () => {
    const peer = overPath();
    let seq = 1;
    let limitBefore = limit(peer);
    for (let i = 0; i < 9; i += 1) {
      const window = limit(peer);
      seq = round(peer, seq, Math.min(window / 2, 2_000_000));
      expect(limit(peer)).to.be.at.least(limitBefore);
      limitBefore = limit(peer);
    }
    seq = round(peer, seq, 4_000_000);
    round(peer, seq, MSS);

    expect(limit(peer)).to.equal(8192 * KIB);
    expect(peer.connection.tcpInfo().rcvWndBytes).to.be.above(7000 * KIB);
  });

  it('grows in the middle of a round, as soon as what was read shows that it will be too small', () => {
    const peer = overPath();
    let seq = 1;
    for (; seq < 20 * KIB; seq += MSS) {
      peer.inject({ seq, ack: 1, payload: CHUNK });
      peer.connection.read(MSS);
    }

    expect(limit(peer)).to.equal(4 * (seq - 1));
  });

  it('does not grow for a user who does not read', () => {
    const peer = overPath();
    let seq = 1;
    for (let i = 0; i < 60; i += 1) {
      peer.inject({ seq, ack: 1, payload: CHUNK });
      seq += MSS;
      peer.pass(RTT_MS);
    }

    expect(limit(peer)).to.equal(64 * KIB);
    expect(peer.connection.tcpInfo().rcvWndBytes).to.be.below(16 * KIB);
  });

  it('does not grow beyond what memory the endpoint has left', () => {
    const peer = overPath({}, { memoryLimitBytes: 100 * KIB });

    for (let seq = 1, i = 0; i < 10; i += 1) seq = round(peer, seq, 60_000);

    expect(limit(peer)).to.be.at.most(164 * KIB);
    expect(peer.endpoint.memory.usedBytes).to.be.at.most(100 * KIB);
  });

  it('promises nothing more that memory could not keep, and what was promised stays (RFC 9293 §3.8.6, SHLD-14)', () => {
    const peer = established({
      profile: { receiveBufferBytes: 8 * KIB, receiveBufferMaxBytes: 8 * KIB },
      endpoint: { memoryLimitBytes: 8 * KIB },
    });
    const hoarder = peer.connection;
    peer.inject({ seq: 1, ack: 1, payload: new Uint8Array(4 * KIB) });
    peer.inject({ flags: 'S', seq: 0, srcPort: 51_000 });
    peer.inject({ seq: 1, ack: 1, srcPort: 51_000 });
    for (let chunk = 0; chunk < 4; chunk += 1)
      peer.inject({ seq: 1 + chunk * KIB, ack: 1, srcPort: 51_000, payload: new Uint8Array(KIB) });
    peer.drain();
    const { connection } = peer;

    connection.read(2 * KIB);
    peer.pass(100);
    expect(connection.tcpInfo().rcvWndBytes, 'of 8 KiB, half used').to.equal(4 * KIB);
    connection.read(2 * KIB);
    hoarder.read(4 * KIB);
    peer.pass(2_000);
    peer.drain();
    peer.inject({ seq: 1 + 4 * KIB, ack: 1, srcPort: 51_000, payload: 'x' });
    peer.pass(100);

    expect(peer.expect({ dstPort: 51_000 }).window).to.equal(8 * KIB - 1);
  });

  it('costs no memory once everything is read', () => {
    const peer = overPath();
    for (let seq = 1, i = 0; i < 6; i += 1) seq = round(peer, seq, 60_000);
    expect(limit(peer)).to.be.above(64 * KIB);

    peer.pass(1000);

    expect(peer.endpoint.memory.usedBytes).to.equal(0);
  });

  it('lets one connection fill a fast long path', () => {
    const sender = new PtcpEndpoint({
      entropy: new Prng(1),
      profile: { congestion: 'none', rtoMinMs: 1000 },
    });
    const receiver = new PtcpEndpoint({ entropy: new Prng(2) });
    receiver.listen(50_000);
    const connection = sender.connect(1, 50_000);
    let left = 8_000_000;
    let received = 0;
    const write = (): void => {
      while (left > 0) {
        const count = connection.write(new Uint8Array(Math.min(left, 65_536)));
        left -= count;
        if (count === 0) return;
      }
    };
    const network = new EndpointNetwork([sender, receiver], {
      link: { latencyMs: 50 },
      logLimit: 1,
      onEvent: (event) => {
        if (event.type === 'established' || event.type === 'writable') write();
        if (event.type === 'readable') {
          for (let bytes = event.connection.read(65_536); bytes.length > 0; ) {
            received += bytes.length;
            bytes = event.connection.read(65_536);
          }
        }
      },
    });

    network.runUntil(1000);

    expect(received).to.equal(8_000_000);
  });
});

describe('an update of the window', () => {
  it('goes out when a window that was shut opens by a segment', () => {
    const peer = overPath({ receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000, windowScale: 0 });
    for (let seq = 1; seq < 4000; seq += MSS) peer.inject({ seq, ack: 1, payload: CHUNK });
    expect(peer.drain().at(-1)).to.include({ ack: 4001, window: 0 });

    peer.connection.read(999);
    peer.expectNothing();
    peer.connection.read(1);

    peer.expect({ flags: '.', ack: 4001, window: 1000 });
  });

  it('goes out for a quarter of the buffer while the window is open', () => {
    const peer = overPath({ receiveBufferBytes: 40_000, receiveBufferMaxBytes: 40_000, windowScale: 0 });
    for (let seq = 1; seq < 20_000; seq += MSS) peer.inject({ seq, ack: 1, payload: CHUNK });
    peer.pass(100);
    peer.drain();

    peer.connection.read(9999);
    peer.expectNothing();
    peer.connection.read(1);

    peer.expect({ flags: '.', ack: 20_001, window: 30_000 });
  });

  it('goes out for one segment when the window is all but shut', () => {
    const peer = overPath({ receiveBufferBytes: 20_000, receiveBufferMaxBytes: 20_000, windowScale: 0 });
    for (let seq = 1; seq < 19_000; seq += MSS) peer.inject({ seq, ack: 1, payload: CHUNK });
    peer.pass(100);
    expect(peer.drain().at(-1)).to.include({ window: 1000 });

    peer.connection.read(999);
    peer.expectNothing();
    peer.connection.read(1);

    peer.expect({ flags: '.', ack: 19_001, window: 2000 });
  });

  it('does not go out after the peer has closed', () => {
    const peer = overPath({ receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000, windowScale: 0 });
    peer.inject({ seq: 1, ack: 1, payload: pattern(3000) });
    peer.inject({ flags: 'F.', seq: 3001, ack: 1, payload: pattern(900) });
    peer.drain();

    peer.connection.read(4000);

    peer.expectNothing();
  });
});
