import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import type { Connection } from '../../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';
import { NEVER } from '../../../lib/time/clock.ts';
import { ascii, LOCAL_PORT, PEER_PORT, pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import {
  closeWait,
  established,
  finWait2,
  listening,
  synSent,
  timeWait,
} from '../../support/scripted-states.ts';

describe('PtcpEndpoint', () => {
  it('reads into an array of the user, which opens the window as read does', () => {
    const peer = established({ profile: { receiveBufferBytes: 2000, receiveBufferMaxBytes: 2000 } });
    peer.inject({ seq: 1, ack: 1, payload: pattern(2000) });
    peer.expect({ ack: 2001, window: 0 });
    const out = new Uint8Array(1500);

    expect(peer.connection.readInto(out)).to.equal(1500);
    expect(out).to.deep.equal(pattern(2000).subarray(0, 1500));
    peer.expect({ flags: '.', window: 1500 });
    expect(peer.connection.readInto(out)).to.equal(500);
    expect(peer.connection.readInto(out)).to.equal(0);
  });

  describe('telling connections apart', () => {
    it('gives every segment to the connection of its path and pair of pseudo-ports', () => {
      const server = new PtcpEndpoint({ entropy: new Prng('server') });
      const client = new PtcpEndpoint({ entropy: new Prng('client') });
      const answers = new Map<Connection, string>();
      const network = new EndpointNetwork([client, server], {
        link: { latencyMs: 10 },
        onEvent: (event, side) => {
          if (event.type === 'pathCandidate') return;
          const { connection } = event;
          if (event.type === 'established' && side === 0)
            connection.write(ascii(`${connection.localPseudoPort}`));
          if (event.type !== 'readable') return;
          const text = new TextDecoder().decode(connection.read(100));
          if (side === 0) answers.set(connection, text);
          else
            connection.write(ascii(`${text} ${connection.localPseudoPort} ${connection.remotePseudoPort}`));
        },
      });
      const listeners = [49_153, 49_154, 49_155];
      for (const port of listeners) server.listen(port);

      const connections = Array.from({ length: 300 }, (_, i) => client.connect(1, listeners[i % 3]!));
      network.runUntil(1_000);

      for (const connection of connections) {
        const { localPseudoPort, remotePseudoPort } = connection;
        const expected = `${localPseudoPort} ${remotePseudoPort} ${localPseudoPort}`;
        expect(answers.get(connection)).to.equal(expected);
      }
      expect(server.connectionCount).to.equal(300);
    });

    it('lets one pair of pseudo-ports serve on several paths', () => {
      const peer = listening();

      for (const path of [1, 2, 3]) {
        peer.inject({ flags: 'S', seq: path * 100, path });
        peer.expect({ flags: 'S.', ack: path * 100 + 1, path });
        peer.inject({ seq: path * 100 + 1, ack: 1, path });
      }

      expect(peer.endpoint.connectionCount).to.equal(3);
      expect(peer.endpoint.isPathInUse(2)).to.equal(true);
      expect(peer.endpoint.isPathInUse(4)).to.equal(false);
    });

    it('keeps the path of a stray until its reset has left, or that would go to whoever has the id next', () => {
      const peer = listening();

      peer.endpoint.handleDatagram(0, peer.encode({ seq: 1, ack: 1, dstPort: 1 }), 5);

      expect(peer.endpoint.isPathInUse(5)).to.equal(true);
      peer.expect({ flags: 'R', path: 5 });
      expect(peer.endpoint.isPathInUse(5)).to.equal(false);
    });
  });

  describe('segments from another path', () => {
    it('are told of and not answered: the peer may have moved', () => {
      const peer = established();

      peer.inject({ seq: 1, ack: 1, payload: 'from elsewhere', path: 9 });

      peer.expectNothing();
      const [event] = peer.takeEvents();
      expect(event).to.deep.equal({
        type: 'pathCandidate',
        path: 9,
        localPseudoPort: LOCAL_PORT,
        remotePseudoPort: PEER_PORT,
      });
      expect(peer.connection.readableBytes, 'nor taken').to.equal(0);
    });

    it('are those of a new connection when they are SYNs', () => {
      const peer = established();

      peer.inject({ flags: 'S', seq: 0, path: 9 });

      peer.expect({ flags: 'S.', path: 9 });
    });

    it('are told of while the connection is in TIME-WAIT, and answered when it is gone', () => {
      const peer = timeWait();
      peer.inject({ seq: 1, ack: 1, path: 9 });
      peer.expectNothing();
      peer.expectEvents('pathCandidate');

      peer.at(60_000);
      peer.inject({ seq: 1, ack: 1, path: 9 });

      peer.expect({ flags: 'R', path: 9 });
      peer.expectEvents();
    });

    it('are no news when they are resets', () => {
      const peer = established();

      peer.inject({ flags: 'R', seq: 1, path: 9 });
      peer.inject({ flags: 'R.', seq: 1, ack: 1, path: 9 });

      peer.expectNothing();
      peer.expectEvents();
    });

    it('are counted, and told of so often a second, for anyone can send them', () => {
      const peer = established();

      for (let path = 10; path < 500; path += 1) peer.inject({ seq: 1, ack: 1, path });
      peer.expectNothing();
      expect(peer.takeEvents()).to.have.length(64);
      expect(peer.endpoint.stats.pathCandidates).to.equal(490);
      peer.pass(1_000);
      peer.inject({ seq: 1, ack: 1, path: 10 });

      peer.expectEvents('pathCandidate');
    });
  });

  describe('limits', () => {
    it('drops SYNs beyond maxConnections, for which the oldest TIME-WAIT makes way', () => {
      const peer = listening({ endpoint: { maxConnections: 2 } });
      const finish = (port: number): void => {
        peer.inject({ flags: 'S', seq: 0, srcPort: port });
        peer.inject({ seq: 1, ack: 1, srcPort: port });
      };
      finish(50_001);
      finish(50_002);
      peer.drain();

      peer.inject({ flags: 'S', seq: 0, srcPort: 50_003 });
      peer.expectNothing();
      peer.connection.close();
      peer.inject({ flags: 'F.', seq: 1, ack: 2, srcPort: 50_002 });
      peer.drain();
      expect(peer.endpoint.timeWaitCount).to.equal(1);
      peer.inject({ flags: 'S', seq: 0, srcPort: 50_003 });

      peer.expect({ flags: 'S.' });
      expect(peer.endpoint.timeWaitCount).to.equal(0);
      expect(peer.endpoint.stats.droppedSyns).to.equal(1);
    });
  });

  describe('time', () => {
    it('has nothing to wait for when there is nothing', () => {
      const { endpoint } = listening();

      expect(endpoint.nextTimeout()).to.equal(NEVER);
      endpoint.handleTimeout(1);
      expect(endpoint.pollEvent()).to.equal(undefined);
    });

    it('may be woken early, at any time', () => {
      const peer = synSent();

      for (const ms of [1, 500, 999, 999.5]) peer.endpoint.handleTimeout(ms);

      expect(peer.endpoint.nextTimeout()).to.equal(1_000);
      peer.expectNothing();
    });

    it('takes fractions of a millisecond', () => {
      const peer = synSent({ startAt: 0.25 });

      expect(peer.endpoint.nextTimeout()).to.equal(1_000.25);
    });

    it('leaves an idle connection without a timer, in every state that waits for the peer', () => {
      for (const build of [established, finWait2, closeWait]) {
        expect(build().endpoint.nextTimeout()).to.equal(NEVER);
      }
    });
  });

  it('takes SND.UNA for nothing but a place in the stream when it comes round to the ISS', () => {
    const peer = established({ profile: { nagle: false } });
    // As after 4 GiB.
    peer.connection.tcb.iss = peer.connection.tcb.sndUna;

    peer.inject({ seq: 1, ack: 1, payload: 'x' });
    peer.connection.write(pattern(10));
    peer.drain();
    peer.pass(300);

    peer.expectEvents('readable');
    peer.expect({ flags: 'P.', seq: 1, length: 10 });
  });

  it('keeps connections in TIME-WAIT as small records, and lets them all go in time', () => {
    const peer = listening();
    const count = 4_000;
    closeFirst(peer, 0, 2_000);
    const before = heapBytes();

    closeFirst(peer, 2_000, count);

    expect(peer.endpoint.timeWaitCount).to.equal(2_000 + count);
    expect(peer.endpoint.connectionCount).to.equal(0);
    expect((heapBytes() - before) / count, 'bytes for each').to.be.below(600);
    peer.at(60_000);
    expect(peer.endpoint.timeWaitCount).to.equal(0);
    expect(peer.endpoint.isPathInUse(1)).to.equal(false);
    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
  });
});

/** Opens `count` connections, each on a path of its own from `first` on, and closes them before the peer does. */
function closeFirst(peer: ScriptedPeer, first: number, count: number): void {
  for (let path = first; path < first + count; path += 1) {
    peer.inject({ flags: 'S', seq: 0, path });
    peer.inject({ seq: 1, ack: 1, path });
    peer.connection.close();
    peer.inject({ flags: 'F.', seq: 1, ack: 2, path });
    peer.drain();
    peer.takeEvents();
  }
}

/** The heap in use once there is no garbage in it. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}
