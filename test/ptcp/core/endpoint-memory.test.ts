import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { type Connection, PtcpEndpoint, type PtcpEvent } from '../../../lib/ptcp/core/index.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';
import { pattern } from '../../support/scripted-peer.ts';
import { established, finWait2, listening } from '../../support/scripted-states.ts';

const KIB = 1024;

describe('an endpoint that has used up its memory', () => {
  const few = { endpoint: { memoryLimitBytes: 16 * KIB }, profile: { sendBufferBytes: 64 * KIB } };

  it('accepts no more from its users, and goes on when the peer acknowledges', () => {
    const peer = established({ ...few, peerOptions: { mss: 1000 } });

    const first = peer.connection.write(pattern(60 * KIB));
    expect(first).to.equal(16 * KIB);
    expect(peer.endpoint.memory.usedBytes).to.be.at.most(16 * KIB);
    let acked = 1;
    let written = first;
    while (written < 60 * KIB) {
      for (const { seq, length } of peer.drain()) acked = Math.max(acked, seq + length);
      peer.inject({ seq: 1, ack: acked });
      if (peer.takeEvents().some(({ type }) => type === 'writable')) {
        written += peer.connection.write(pattern(60 * KIB - written, written));
      }
      expect(peer.endpoint.memory.usedBytes).to.be.at.most(16 * KIB);
    }

    expect(peer.connection.closeReason).to.equal(undefined);
  });

  it('drops what comes, and takes it when it comes again after the user has read', () => {
    const peer = established({ ...few, profile: { receiveBufferBytes: 64 * KIB } });
    let seq = 1;
    for (; seq < 1 + 20_000; seq += 1000) peer.inject({ seq, ack: 1, payload: pattern(1000, seq - 1) });
    expect(peer.endpoint.memory.usedBytes).to.be.at.most(16 * KIB);
    const taken = peer.connection.readableBytes;
    expect(taken).to.equal(16_000);
    expect(peer.drain().at(-1)!.ack).to.equal(1 + taken);

    const bytes = peer.connection.read(16_000);
    for (seq = 16_001; seq < 20_001; seq += 1000)
      peer.inject({ seq, ack: 1, payload: pattern(1000, seq - 1) });

    expect(bytes).to.deep.equal(pattern(16_000));
    expect(peer.connection.read(9999)).to.deep.equal(pattern(4000, 16_000));
  });

  it('tells a writer that it had no room for when others have given some back', () => {
    const server = new PtcpEndpoint({ entropy: new Prng(1), memoryLimitBytes: 16 * KIB });
    const client = new PtcpEndpoint({ entropy: new Prng(2) });
    const accepted: Connection[] = [];
    const writable: Connection[] = [];
    const onEvent = (event: PtcpEvent): void => {
      if (event.type === 'accepted') accepted.push(event.connection);
      if (event.type === 'writable') writable.push(event.connection);
      if (event.type === 'readable') event.connection.read(100_000);
    };
    const network = new EndpointNetwork([server, client], { onEvent, link: { latencyMs: 5 } });
    server.listen(1);
    client.connect(0, 1);
    client.connect(0, 1);
    network.runUntil(100);
    const [first, second] = accepted;

    expect(first!.write(pattern(16 * KIB))).to.equal(16 * KIB);
    expect(second!.write(pattern(100)), 'nothing is left').to.equal(0);
    network.runUntil(5000);

    expect(writable).to.deep.equal([second]);
    expect(second!.write(pattern(100))).to.equal(100);
  });

  it('takes no new connections until there is some again', () => {
    const peer = established(few);
    peer.endpoint.unlisten(49_153);
    peer.endpoint.listen(49_153);
    peer.connection.write(pattern(60 * KIB));
    peer.drain();

    peer.inject({ flags: 'S', srcPort: 51_000 });
    peer.expectNothing();
    expect(peer.endpoint.stats.droppedSyns).to.equal(1);
    peer.connection.abort();
    peer.drain();
    peer.inject({ flags: 'S', srcPort: 51_000 });

    peer.expect({ flags: 'S.', dstPort: 51_000 });
    expect(peer.endpoint.memory.usedBytes).to.equal(0);
  });
});

describe('buffers', () => {
  it('hold nothing while nothing is in them', () => {
    const peer = listening();
    for (let srcPort = 50_000; srcPort < 50_100; srcPort += 1) peer.inject({ flags: 'S', srcPort });

    expect(peer.endpoint.connectionCount).to.equal(100);
    expect(peer.endpoint.memory.usedBytes).to.equal(0);
  });

  it('hold nothing after a good end, once everything is read', () => {
    for (const isReadLast of [false, true]) {
      const peer = finWait2();
      peer.inject({ seq: 1, ack: 2, payload: pattern(10_000) });
      if (!isReadLast) peer.connection.read(10_000);
      // Beyond a FIN that comes after it; nobody honest sends that.
      peer.inject({ seq: 20_000, ack: 2, payload: pattern(100) });
      peer.inject({ flags: 'F.', seq: 10_001, ack: 2 });
      if (isReadLast) expect(peer.connection.read(20_000)).to.deep.equal(pattern(10_000));
      peer.pass(1000);

      expect(peer.connection.closeReason).to.equal('done');
      expect(peer.endpoint.memory.usedBytes).to.equal(0);
    }
  });

  it('hold nothing after an abort, though the connection had ended well and was not read', () => {
    const peer = finWait2();
    peer.inject({ flags: 'F.', seq: 1, ack: 2, payload: 'unread' });
    expect(peer.connection.closeReason).to.equal('done');
    expect(peer.connection.readableBytes).to.equal(6);

    peer.connection.abort();

    expect(peer.connection.readableBytes).to.equal(0);
    expect(peer.endpoint.memory.usedBytes).to.equal(0);
  });

  it('give small memory back at once and large memory soon after they are empty', () => {
    const peer = established({ peerOptions: { mss: 1000 }, profile: { quickAckCount: 1000 } });
    peer.inject({ seq: 1, ack: 1, payload: pattern(1000) });
    expect(peer.endpoint.memory.usedBytes).to.equal(KIB);
    peer.connection.read(1000);
    expect(peer.endpoint.memory.usedBytes).to.equal(0);

    for (let seq = 1001; seq < 10_001; seq += 1000) peer.inject({ seq, ack: 1, payload: pattern(1000) });
    peer.connection.write(pattern(9000));
    peer.inject({ seq: 10_001, ack: 9001 });
    peer.connection.read(9000);
    expect(peer.endpoint.memory.usedBytes).to.be.above(0);
    peer.pass(1000);

    expect(peer.endpoint.memory.usedBytes).to.equal(0);
    expect(peer.endpoint.nextTimeout()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('take no more from a writer than the limit, and tell when a quarter of it is free', () => {
    const peer = established({
      profile: { sendBufferBytes: 10_000, sendBufferMaxBytes: 10_000 },
      peerOptions: { mss: 1000 },
    });
    expect(peer.connection.write(pattern(15_000))).to.equal(10_000);
    expect(peer.connection.write(pattern(1))).to.equal(0);
    peer.drain();

    peer.inject({ seq: 1, ack: 2001 });
    peer.expectEvents();
    peer.inject({ seq: 1, ack: 3001 });

    peer.expectEvents('writable');
    expect(peer.connection.write(pattern(15_000))).to.equal(3000);
  });

  it('tell a writer nothing who got everything accepted', () => {
    const peer = established({ peerOptions: { mss: 1000 } });
    peer.connection.write(pattern(1000));

    peer.inject({ seq: 1, ack: 1001 });

    peer.expectEvents();
  });
});
