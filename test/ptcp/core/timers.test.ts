import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { NewReno } from '../../../lib/ptcp/core/congestion/newreno.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';
import { NEVER } from '../../../lib/time/clock.ts';
import { LOCAL_PORT, PATH, PEER_PORT, pattern } from '../../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  listening,
  type StateOptions,
  synReceived,
  synSent,
  timeWait,
} from '../../support/scripted-states.ts';

const MSS = 1000;

describe('nextTimeout', () => {
  it('is NEVER for an endpoint without connections, and for idle ones', () => {
    expect(new PtcpEndpoint({ entropy: new Prng(1) }).nextTimeout()).to.equal(NEVER);
    for (const build of [listening, established, closeWait, finWait2]) {
      const peer = build();
      peer.pass(25);
      expect(peer.endpoint.nextTimeout(), build.name).to.equal(NEVER);
    }
  });

  it('is when the one timer of each state is due', () => {
    const expected: readonly (readonly [
      (options: StateOptions) => ReturnType<typeof established>,
      number,
    ])[] = [
      [synSent, 5000 + 1000],
      [synReceived, 5000 + 1000],
      [finWait1, 5000 + 200],
      [closing, 5000 + 200],
      [lastAck, 5000 + 200],
      [timeWait, 5000 + 60_000],
    ];
    for (const [build, dueAt] of expected) {
      expect(build({ startAt: 5000 }).endpoint.nextTimeout(), build.name).to.equal(dueAt);
    }
  });

  it('is the earliest of several, each of which is served when its time has come', () => {
    const peer = established({
      profile: {
        quickAckCount: 0,
        ackEverySegments: 9,
        ackDelayMs: 40,
        keepAlive: true,
        keepAliveIdleMs: 1000,
      },
    });
    const { endpoint } = peer;
    expect(endpoint.nextTimeout()).to.equal(1000);

    peer.connection.write(pattern(10));
    peer.drain();
    expect(endpoint.nextTimeout(), 'the RTO').to.equal(200);
    peer.at(5);
    peer.inject({ seq: 1, ack: 1, payload: 'x' });
    expect(endpoint.nextTimeout(), 'the delayed ACK').to.equal(45);
    peer.at(45);
    peer.expect({ flags: '.', ack: 2 });
    expect(endpoint.nextTimeout(), 'the RTO again').to.equal(200);
    peer.inject({ seq: 2, ack: 11 });

    expect(endpoint.nextTimeout(), 'keep-alive').to.equal(1045);
  });

  it('is the earliest of all connections', () => {
    const peer = listening();
    for (const [i, srcPort] of [51_000, 51_001, 51_002].entries()) {
      peer.at(i * 300);
      peer.inject({ flags: 'S', srcPort });
    }

    expect(peer.endpoint.nextTimeout()).to.equal(1000);
    peer.at(1000);
    expect(peer.endpoint.nextTimeout()).to.equal(1300);
  });

  it('forgets a connection that was aborted', () => {
    const peer = finWait1();

    peer.connection.abort();
    peer.drain();

    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
  });

  it('has no pacing time left once what was paced needs not be sent again', () => {
    const peer = established({
      profile: {
        pacing: true,
        sack: true,
        rack: false,
        rtoMinMs: 60_000,
        congestion: ({ mssBytes }) =>
          Object.assign(new NewReno(mssBytes, 100), { pacingRate: 10, onAck() {}, onCongestion() {} }),
      },
      peerOptions: { mss: MSS, sackPermitted: true },
    });
    peer.connection.write(pattern(20 * MSS));
    expect(peer.endpoint.nextTimeout(), 'no poll yet').to.equal(NEVER);
    expect(peer.drain()).to.have.lengthOf(10);
    expect(peer.endpoint.nextTimeout(), 'ten bytes a millisecond').to.equal(100);
    peer.pass(1000);
    expect(peer.drain()).to.have.lengthOf(10);
    peer.inject({ seq: 1, ack: 1, options: { sack: [[1 + 15 * MSS, 1 + 20 * MSS]] } });
    peer.drain();
    expect(peer.endpoint.nextTimeout(), 'the rest is paced').to.be.below(peer.now + 1000);

    peer.inject({ seq: 1, ack: 1 + 20 * MSS });

    expect(peer.endpoint.nextTimeout(), 'the buffer is given back').to.equal(peer.now + 1000);
    peer.pass(1000);
    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
  });

  it('may be asked for early: then nothing happens', () => {
    const peer = finWait1();

    for (let at = 1; at < 200; at += 1) peer.endpoint.handleTimeout(at);
    peer.at(199);

    peer.expectNothing();
    expect(peer.endpoint.nextTimeout()).to.equal(200);
  });

  it('may be served late: what was due goes out once', () => {
    const peer = established();
    peer.connection.write(pattern(10));
    peer.drain();

    peer.endpoint.handleTimeout(10_000);
    const out = new Uint8Array(2000);

    expect(peer.endpoint.pollTransmit(10_000, { out })?.count).to.equal(1);
    expect(peer.endpoint.pollTransmit(10_000, { out })).to.equal(undefined);
    expect(peer.endpoint.nextTimeout()).to.equal(10_400);
  });

  it('is never in the past after a poll, whatever is lost on the way', () => {
    for (const seed of [1, 2]) {
      const endpoints = [1, 2].map((n) => new PtcpEndpoint({ entropy: new Prng(n) }));
      const [client, server] = endpoints as [PtcpEndpoint, PtcpEndpoint];
      server.listen(LOCAL_PORT);
      const connection = client.connect(1, LOCAL_PORT);
      const network = new EndpointNetwork(endpoints, {
        link: {
          latencyMs: 20,
          loss: 0.2,
          jitterMs: 10,
          reorder: { probability: 0.1, extraMs: 30 },
          duplicate: 0.1,
        },
        seed,
        onEvent: (event) => {
          if (event.type === 'readable') event.connection.read(1e6);
          if (event.type === 'peerClosed') event.connection.close();
        },
      });
      connection.write(pattern(60_000));
      connection.close();
      for (let at = 0; at < 20_000; at += 23) {
        network.runUntil(at);
        for (const endpoint of endpoints) expect(endpoint.nextTimeout()).to.be.above(network.now);
      }
      expect(network.runUntilIdle()).to.equal(true);
      for (const endpoint of endpoints) expect(endpoint.nextTimeout()).to.equal(NEVER);
    }
  });

  it('says nothing about a SYN that has not been polled yet', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng(1) });
    endpoint.connect(PATH, PEER_PORT);
    expect(endpoint.nextTimeout()).to.equal(NEVER);

    endpoint.pollTransmit(777, { out: new Uint8Array(2000) });

    expect(endpoint.nextTimeout()).to.equal(1777);
  });
});
