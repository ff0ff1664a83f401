// Each trap of docs/ptcp.md, "Vertex on the wire", by itself: against the model of Vertex, or against packets by hand.
import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { UsageError } from '../../lib/errors.ts';
import type { ControllerFactory, LossSample } from '../../lib/ptcp/core/congestion/controller.ts';
import { NewReno } from '../../lib/ptcp/core/congestion/newreno.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { pattern, ScriptedPeer } from '../support/scripted-peer.ts';
import {
  decodeVertexPacket,
  encodeVertexPacket,
  VertexPacketFlag as Flag,
  VertexPeer,
} from '../support/vertex-peer.ts';
import { playVertexTransfer } from '../support/vertex-transfer.ts';
import { type SentPacket, VertexWorld, type VertexWorldOptions } from '../support/vertex-world.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

/** Connected, with nothing under way. */
function connected(role: 'client' | 'server', options: VertexWorldOptions = {}): VertexWorld {
  const world = new VertexWorld(role, options);
  world.runUntil(200);
  expect(world.ours.state).to.equal('ESTABLISHED');
  world.sent.length = 0;
  world.told.length = 0;
  return world;
}

/** As `connected`, and from now on nothing arrives but what is injected. */
function alone(role: 'client' | 'server', options: VertexWorldOptions = {}): VertexWorld {
  const world = connected(role, options);
  world.silence();
  return world;
}

/** A packet of Vertex's, as the peer of `world`'s connection. */
function theirs(
  world: VertexWorld,
  fields: { seq?: number; ack?: number; flags: number; text?: Uint8Array },
): Uint8Array {
  const { localPseudoPort: dstPort, remotePseudoPort: srcPort } = world.ours;
  return encodeVertexPacket({ srcPort, dstPort, seq: 0, ack: 1, text: NOTHING, ...fields });
}

function flagsOf(sent: readonly SentPacket[]): number[] {
  return sent.map(({ flags }) => flags);
}

describe('the traps of Vertex', () => {
  describe('the model', () => {
    it('counts a segment that is old in part as all new', () => {
      const peer = new VertexPeer(true);
      const from = { srcPort: 9, dstPort: 1 };
      const send = (seq: number, flags: number, text = NOTHING): void =>
        peer.datagramArrives(0, encodeVertexPacket({ ...from, seq, ack: 1, flags, text }));
      send(0, Flag.SYN);
      send(1, Flag.ACK, pattern(10));
      send(6, Flag.ACK, pattern(15));

      expect(peer.all[0]?.recvNxt).to.equal(26);
      expect(peer.all[0]?.receivedBytes).to.equal(20);
    });

    it('takes what begins where it should whole, and refuses what an ISN of 1000 makes of the numbers', () => {
      const peer = new VertexPeer(true);
      const send = (srcPort: number, seq: number, flags: number, text = NOTHING): void =>
        peer.datagramArrives(0, encodeVertexPacket({ srcPort, dstPort: 1, seq, ack: 1, flags, text }));
      send(9, 0, Flag.SYN);
      send(9, 1, Flag.ACK, pattern(1000));
      send(10, 1000, Flag.SYN);
      send(10, 1001, Flag.ACK, pattern(10));

      expect(peer.all.map(({ receivedBytes }) => receivedBytes)).to.deep.equal([1000, 0]);
    });
  });

  describe('the handshake', () => {
    it('begins at 0, with a SYN and nothing else', () => {
      const world = new VertexWorld('client');
      world.runUntil(100);

      expect(world.sent[0]).to.include({ dstPort: 1, seq: 0, ack: 0, flags: Flag.SYN });
      expect(world.sent[1]).to.include({ seq: 1, ack: 1, flags: Flag.ACK });
      expect(world.theirs.state).to.equal('established');
    });

    it('answers a SYN that comes again with the SYN-ACK only, for an ACK would end it', () => {
      const lost = new Set([0, 1]);
      const world = new VertexWorld('server', { link: { latencyMs: 5, loss: (index) => lost.has(index) } });
      world.runUntil(4000);

      expect(world.vertex.errors).to.deep.equal([]);
      expect(world.theirs.state).to.equal('established');
      expect(new Set(flagsOf(world.sent))).to.deep.equal(new Set([Flag.SYN | Flag.ACK]));
    });

    it('does not answer a SYN for a connection that is open, and knows no simultaneous open', () => {
      const world = connected('server');
      world.inject(theirs(world, { flags: Flag.SYN, ack: 0 }));
      expect(world.sent).to.deep.equal([]);

      const opening = new VertexWorld('client', { link: { loss: 1 } });
      opening.runUntil(1);
      opening.inject(theirs(opening, { flags: Flag.SYN, ack: 0 }));
      expect(opening.ours.state).to.equal('SYN-SENT');
    });

    it('acknowledges a SYN-ACK that comes again, for Vertex has not seen the ACK', () => {
      const world = connected('client');
      world.inject(theirs(world, { flags: Flag.SYN | Flag.ACK, ack: 1 }));

      expect(flagsOf(world.sent)).to.deep.equal([Flag.ACK]);
    });

    it('meets an ACK that fits nothing with silence: no reset, which would end Vertex unheard', () => {
      const opening = new VertexWorld('client', { link: { loss: 1 } });
      opening.runUntil(1);
      opening.inject(theirs(opening, { flags: Flag.ACK, ack: 77 }));
      expect(flagsOf(opening.sent)).to.deep.equal([Flag.SYN]);

      const world = new VertexWorld('server', { link: { latencyMs: 50 } });
      world.runUntil(60);
      const packet = { srcPort: 8, dstPort: 1, seq: 1, ack: 5, flags: Flag.ACK, text: NOTHING };
      world.inject(encodeVertexPacket(packet));
      world.runUntil(70);
      expect(flagsOf(world.sent)).to.deep.equal([Flag.SYN | Flag.ACK]);
    });
  });

  describe('what is in flight', () => {
    it('is 978 bytes at most, in segments of 489 at most, whatever the window says', () => {
      const world = connected('client');
      world.theirs.isPaused = true;
      world.ours.write(pattern(5000));
      world.runUntil(20_000);

      const ends = world.sent.map(({ seq, text }) => seq + text.length);
      expect(Math.max(...ends)).to.equal(1 + 978);
      expect(Math.max(...world.sent.map(({ text }) => text.length))).to.equal(489);
    });

    it('is sent again with the cuts that it had', () => {
      const world = connected('client');
      world.ours.setNagle(false);
      world.theirs.isPaused = true;
      let written = 0;
      for (const count of [10, 15, 1, 200, 489, 100]) {
        world.ours.write(pattern(count, written));
        written += count;
        world.runUntil(world.now + 1);
      }
      world.runUntil(world.now + 10_000);
      const cuts = new Set(
        world.sent.filter(({ seq }) => seq > 0).map(({ seq, text }) => `${seq}+${text.length}`),
      );

      expect([...cuts].sort()).to.deep.equal(
        ['1+10', '11+15', '227+489', '26+1', '27+200', '716+100'].sort(),
      );
      world.theirs.isPaused = false;
      world.runUntil(world.now + 3000);
      expect(world.theirs.content).to.deep.equal(pattern(written));
    });

    it('goes again within a second when a user of Vertex reads again after a minute (RFC 6298 §2.5)', () => {
      const world = connected('client');
      world.theirs.isPaused = true;
      world.ours.write(pattern(400));
      world.runUntil(60_000);
      world.theirs.isPaused = false;
      world.runUntil(61_300);

      expect(world.theirs.receivedBytes).to.equal(400);
    });

    it('is asked for with an octet that Vertex has, so that its delayed ACKs do not set the pace', () => {
      const world = connected('client', { link: { latencyMs: 5 } });
      const content = pattern(100_000);
      let written = world.ours.write(content);
      while (world.theirs.receivedBytes < content.length && world.now < 20_000) {
        world.runUntil(world.now + 10);
        written += world.ours.write(content.subarray(written));
      }

      expect(world.theirs.content).to.deep.equal(content);
      expect(world.now, '103 round trips of 10 ms instead of as many delays of 100').to.be.below(2500);
      const octets = world.sent.filter(({ text }) => text.length === 1).length;
      expect(octets).to.be.within(90, 110);
    });
  });

  describe('acknowledging', () => {
    it('waits for what is in front of a FIN that came early, text of ours included', () => {
      const world = alone('server');
      world.inject(theirs(world, { seq: 1, flags: Flag.ACK, text: pattern(100) }));
      world.inject(theirs(world, { seq: 201, flags: Flag.FIN }));
      world.ours.write(pattern(10));
      world.runUntil(world.now + 150);

      expect(
        flagsOf(world.sent).every((flags) => (flags & Flag.ACK) === 0),
        'no ACK of 101',
      ).to.equal(true);
      expect(world.sent.length, 'the text has left').to.be.above(0);

      world.sent.length = 0;
      world.inject(theirs(world, { seq: 101, flags: Flag.ACK, text: pattern(100, 100) }));
      world.runUntil(world.now + 1);
      expect(world.sent.map(({ ack }) => ack)).to.include(202);
      expect(Math.min(...world.sent.map(({ ack }) => ack))).to.equal(202);
    });

    it('sends no duplicate ACK for text out of order, and one for text or a FIN that comes again', () => {
      const world = alone('server');
      world.inject(theirs(world, { seq: 101, flags: Flag.ACK, text: pattern(100) }));
      world.runUntil(world.now + 300);
      expect(world.sent).to.deep.equal([]);

      world.inject(theirs(world, { seq: 1, flags: Flag.ACK, text: pattern(100) }));
      world.inject(theirs(world, { seq: 1, flags: Flag.ACK, text: pattern(100) }));
      expect(world.sent.map(({ ack }) => ack)).to.deep.equal([201, 201]);
    });

    it('is done at once for a full flight as a whole, whatever of it our text acknowledged, and later for less', () => {
      const world = alone('server');
      const arrives = (seq: number, count: number): void =>
        world.inject(theirs(world, { seq, flags: Flag.ACK, text: pattern(count, seq - 1) }));
      arrives(1, 489);
      arrives(490, 489);
      expect(world.sent, 'a byte may follow').to.deep.equal([]);
      arrives(979, 1);
      expect(world.sent.map(({ ack }) => ack)).to.deep.equal([980]);

      arrives(980, 489);
      world.ours.write(pattern(10));
      world.runUntil(world.now + 1);
      arrives(1469, 489);
      arrives(1958, 1);
      expect(world.sent.map(({ ack }) => ack)).to.deep.equal([980, 1469, 1959]);

      arrives(1959, 300);
      world.runUntil(world.now + 24);
      expect(world.sent.at(-1)?.ack).to.equal(1959);
      world.runUntil(world.now + 1);
      expect(world.sent.at(-1)?.ack).to.equal(2259);
    });

    it('answers no ACK that is old, and no reset that does not hit', () => {
      const world = alone('server');
      world.inject(theirs(world, { seq: 0, flags: Flag.ACK }));
      world.inject(theirs(world, { seq: 5, flags: Flag.RST }));

      expect(world.sent).to.deep.equal([]);
      expect(world.ours.state).to.equal('ESTABLISHED');
    });

    it('does not tell of a window that opens', () => {
      const profile = { receiveBufferBytes: 2000, receiveBufferMaxBytes: 2000 };
      const world = alone('server', { profile, onEvent: () => {} });
      for (let seq = 1; seq < 1900; seq += 489)
        world.inject(theirs(world, { seq, flags: Flag.ACK, text: pattern(489) }));
      world.runUntil(world.now + 100);
      world.sent.length = 0;
      world.read();
      world.runUntil(world.now + 100);

      expect(world.sent).to.deep.equal([]);
    });
  });

  describe('its FIN', () => {
    it('counts although it has no ACK flag, and is acknowledged at once', () => {
      const world = alone('server');
      world.inject(theirs(world, { seq: 1, flags: Flag.FIN }));

      expect(world.sent.map(({ flags, ack }) => [flags & Flag.ACK, ack])).to.deep.include([Flag.ACK, 2]);
      expect(world.told).to.deep.equal(['peerClosed']);
    });

    it('ends our direction too: what was not sent is dropped, and the user hears of it', () => {
      const world = connected('server');
      world.theirs.isPaused = true;
      world.ours.write(pattern(20_000));
      world.runUntil(world.now + 10);
      world.theirs.isPaused = false;
      world.theirs.loseConnection();
      world.runUntil(world.now + 50);

      expect(world.ours.write(pattern(10)), 'no more is taken, and nothing thrown').to.equal(0);
      expect(world.runUntilIdle(60_000)).to.equal(true);
      expect(world.told).to.deep.equal(['peerClosed', 'closed reset']);
      expect(world.vertex.connectionCount).to.equal(0);
    });

    it('ends well where all that we wrote has left', () => {
      for (const role of ['client', 'server'] as const) {
        const world = connected(role);
        world.ours.write(pattern(300));
        world.runUntil(world.now + 300);
        world.theirs.loseConnection();

        expect(world.runUntilIdle(60_000)).to.equal(true);
        expect(world.told).to.deep.equal(['peerClosed', 'closed done']);
        expect(world.vertex.connectionCount).to.equal(0);
        expect(() => world.ours.shutdown()).not.to.throw();
      }
    });

    it('leaves what came before it to be read', () => {
      const world = connected('server', { onEvent: () => {} });
      world.theirs.write(pattern(500));
      world.theirs.loseConnection();
      world.runUntilIdle(60_000);

      expect(world.ours.state).to.equal('CLOSED');
      expect(world.ours.read(1000)).to.deep.equal(pattern(500));
    });
  });

  describe('our own end', () => {
    it('has a half close that brings what Vertex had under way, and its FIN', () => {
      const world = connected('client');
      world.theirs.write(pattern(5000));
      world.ours.shutdown();

      expect(() => world.ours.write(pattern(1))).to.throw(UsageError);
      expect(world.runUntilIdle(60_000)).to.equal(true);
      expect(world.content).to.deep.equal(pattern(5000));
      expect(world.told.slice(-2)).to.deep.equal(['peerClosed', 'closed done']);
      expect(world.theirs.lostCount).to.equal(1);
    });

    it('is over 5 s after a last ACK that was lost: Vertex has forgotten us by then', () => {
      const world = alone('client');
      const began = world.now;
      world.inject(theirs(world, { seq: 1, flags: Flag.FIN }));
      world.runUntilIdle(60_000);

      expect(world.told.at(-1)).to.equal('closed done');
      expect(Math.round((world.now - began) / 1000)).to.equal(5);
    });

    it('waits for the FIN of Vertex, but not for ever, when ours is acknowledged or is not', () => {
      const gone = (isAcknowledged: boolean, isHalf: boolean): [string | undefined, number] => {
        const world = alone('client');
        const began = world.now;
        if (isHalf) world.ours.shutdown();
        else world.ours.close();
        world.runUntil(began + 10);
        if (isAcknowledged) world.inject(theirs(world, { seq: 1, ack: 2, flags: Flag.ACK }));
        world.runUntilIdle(200_000);
        return [world.told.at(-1), Math.round((world.now - began) / 1000)];
      };

      expect(gone(true, false)).to.deep.equal(['closed linger-expired', 5]);
      expect(gone(true, true)).to.deep.equal(['closed timeout', 60]);
      expect(gone(false, false)).to.deep.equal(['closed linger-expired', 30]);
      expect(gone(false, true)).to.deep.equal(['closed timeout', 30]);
    });

    it('acknowledges a FIN that comes again after it, and lets the same ports begin anew once that is over', () => {
      const world = connected('server');
      world.ours.close();
      world.runUntil(world.now + 100);
      world.sent.length = 0;
      expect(world.endpoint.timeWaitCount).to.equal(1);

      const { localPseudoPort: dstPort, remotePseudoPort: srcPort } = world.ours;
      const packet = { srcPort, dstPort, text: NOTHING };
      world.inject(encodeVertexPacket({ ...packet, seq: 1, ack: 2, flags: Flag.FIN }));
      world.inject(encodeVertexPacket({ ...packet, seq: 0, ack: 0, flags: Flag.SYN }));
      world.inject(encodeVertexPacket({ ...packet, seq: 1, ack: 0, flags: Flag.RST }));
      expect(world.sent.map(({ flags, ack }) => [flags, ack])).to.deep.equal([[Flag.ACK, 2]]);

      world.runUntil(world.now + 5001);
      expect(world.endpoint.timeWaitCount).to.equal(0);
      world.inject(encodeVertexPacket({ ...packet, seq: 0, ack: 0, flags: Flag.SYN }));
      expect(world.sent.at(-1)?.flags).to.equal(Flag.SYN | Flag.ACK);
    });
  });

  describe('abort', () => {
    it('sends FINs, never a reset, so that the user of Vertex hears of it', () => {
      for (const role of ['client', 'server'] as const) {
        const world = connected(role, { link: { latencyMs: 5 } });
        world.ours.write(pattern(5000));
        world.runUntil(world.now + 1);
        world.ours.abort();
        expect(world.runUntilIdle(60_000)).to.equal(true);

        expect(world.told).to.deep.equal(['closed aborted']);
        expect(world.theirs.lostCount).to.equal(1);
        expect(world.vertex.connectionCount, 'and Vertex forgets it').to.equal(0);
        expect(world.vertex.errors).to.deep.equal([]);
        expect(flagsOf(world.sent).some((flags) => (flags & Flag.RST) !== 0)).to.equal(false);
      }
    });

    it('reaches Vertex where all that was in flight is lost', () => {
      const world = connected('client', { link: { latencyMs: 5 } });
      world.theirs.isPaused = true;
      world.ours.write(pattern(900));
      world.runUntil(world.now + 50);
      world.theirs.isPaused = false;
      world.ours.abort();
      world.runUntilIdle(60_000);

      expect(world.theirs.lostCount).to.equal(1);
      expect(world.theirs.receivedBytes).to.equal(0);
    });

    it('is silent before the handshake is over', () => {
      const world = new VertexWorld('client', { link: { latencyMs: 50 } });
      world.runUntil(10);
      world.ours.abort();
      world.runUntilIdle(60_000);

      expect(flagsOf(world.sent)).to.deep.equal([Flag.SYN]);
    });
  });

  describe('an STB', () => {
    it('makes segments smaller, and what is in flight goes again at once in pieces of its cuts', () => {
      const world = alone('client');
      world.ours.write(pattern(900));
      world.runUntil(world.now + 1);
      world.sent.length = 0;
      world.inject(theirs(world, { flags: Flag.STB, ack: 0, text: Uint8Array.of(0, 200) }));
      world.runUntil(world.now + 3000);

      const cuts = [...new Set(world.sent.filter(({ seq }) => seq > 0).map(({ seq }) => seq))];
      expect(cuts).to.include.members([1, 201, 401]);
      expect(Math.max(...world.sent.map(({ text }) => text.length))).to.equal(200);
    });

    it('is no congestion: the controller hears of no loss', () => {
      const lost: number[] = [];
      const congestion: ControllerFactory = ({ mssBytes, initialWindowSegments }) =>
        Object.assign(new NewReno(mssBytes, initialWindowSegments), {
          onLost: ({ lengthBytes }: LossSample) => lost.push(lengthBytes),
        });
      const world = alone('client', { profile: { congestion } });
      world.ours.write(pattern(900));
      world.runUntil(world.now + 1);

      world.inject(theirs(world, { flags: Flag.STB, ack: 0, text: Uint8Array.of(0, 200) }));
      world.runUntil(world.now + 1);
      world.inject(theirs(world, { seq: 1, flags: Flag.ACK, ack: 201 }));

      expect(lost).to.deep.equal([]);
    });

    it('never makes them smaller than 100 bytes, nor larger', () => {
      const mostText = (told: number): number => {
        const world = alone('client');
        world.inject(theirs(world, { flags: Flag.STB, text: Uint8Array.of(told >> 8, told & 0xff) }));
        world.ours.write(pattern(978));
        world.runUntil(world.now + 1);
        return Math.max(...world.sent.map(({ text }) => text.length));
      };

      expect([0, 1, 99, 100, 250, 489, 1000].map(mostText)).to.deep.equal([
        100, 100, 100, 100, 250, 489, 489,
      ]);
    });

    it('of a wrong length counts as one of 0, and one for nobody does nothing', () => {
      const world = connected('client');
      world.inject(theirs(world, { flags: Flag.STB, text: Uint8Array.of(1) }));
      world.inject(
        encodeVertexPacket({ srcPort: 5, dstPort: 6, seq: 0, ack: 0, flags: Flag.STB, text: pattern(2) }),
      );

      expect(world.sent).to.deep.equal([]);
      expect(world.ours.state).to.equal('ESTABLISHED');
    });

    it('tells the peer of a connection how much of a datagram came, and nobody else', () => {
      const world = alone('server');
      const text = theirs(world, { seq: 1, flags: Flag.ACK, text: pattern(400) });
      world.inject(text.subarray(0, 23 + 300));
      expect(world.sent).to.have.lengthOf(1);
      const { localPseudoPort: srcPort, remotePseudoPort: dstPort } = world.ours;
      expect(world.sent[0]).to.include({ srcPort, dstPort, seq: 0, ack: 0, flags: Flag.STB });
      expect([...world.sent[0]!.text]).to.deep.equal([300 >> 8, 300 & 0xff]);

      world.inject(text.subarray(0, 23 + 99));
      world.inject(theirs(world, { flags: Flag.STB, text: pattern(400) }).subarray(0, 323));
      world.inject(theirs(world, { flags: Flag.RST, text: pattern(400) }).subarray(0, 323));
      const stranger = { srcPort: 5, dstPort: 1, seq: 1, ack: 1, flags: Flag.ACK, text: pattern(400) };
      world.inject(encodeVertexPacket(stranger).subarray(0, 323));
      expect(world.sent, 'too little, answers to answers, a stranger').to.have.lengthOf(1);
    });

    it('leaves to a peer whose ACK of our SYN-ACK is missing, or its text could never come', () => {
      const world = new VertexWorld('server', { link: { latencyMs: 5 } });
      world.runUntil(7);
      world.silence();
      const packet = { srcPort: 8, dstPort: 1, seq: 1, ack: 1, flags: Flag.ACK, text: pattern(489) };
      world.inject(encodeVertexPacket(packet).subarray(0, 511));

      expect(world.sent.at(-1)).to.include({ flags: Flag.STB, srcPort: 1, dstPort: 8 });
      expect([...world.sent.at(-1)!.text]).to.deep.equal([488 >> 8, 488 & 0xff]);
    });

    for (const role of ['client', 'server'] as const) {
      it(`carries a transfer over a path that cuts at 128 bytes, as ${role}`, () => {
        const link = { latencyMs: 5, loss: 0.02 };
        const world = playVertexTransfer({
          role,
          closer: 'theirs',
          ours: 20_000,
          theirs: 20_000,
          link,
          cutBytes: 128,
        });

        expect(world.told.at(-1)).to.equal('closed done');
        expect(world.theirs.mtuBytes).to.equal(105);
        expect(world.vertex.errors).to.deep.equal([]);
      });
    }
  });

  describe('other manners', () => {
    it('ask with an octet whether an idle Vertex is alive (RFC 9293 §3.8.4)', () => {
      const profile = {
        keepAlive: true,
        keepAliveIdleMs: 1000,
        keepAliveIntervalMs: 500,
        keepAliveProbes: 2,
      };
      const world = connected('client', { profile, link: { latencyMs: 5 } });
      world.runUntil(20_000);
      expect(world.ours.state).to.equal('ESTABLISHED');
      expect(new Set(world.sent.map(({ seq, text }) => `${seq}+${text.length}`))).to.deep.equal(
        new Set(['0+1']),
      );

      world.theirs.isPaused = true;
      world.runUntil(30_000);
      expect(world.told).to.deep.equal(['closed timeout']);
    });

    it('answer no stray, whatever it is', () => {
      const world = alone('server');
      for (const flags of [Flag.ACK, Flag.FIN, Flag.RST, Flag.SYN | Flag.ACK, 0]) {
        const stray = { srcPort: 77, dstPort: 1, seq: 5, ack: 5, flags, text: NOTHING };
        world.inject(encodeVertexPacket(stray));
        world.inject(encodeVertexPacket({ ...stray, dstPort: 2 }));
      }

      expect(world.sent).to.deep.equal([]);
    });

    it('give up after 4 GiB in one direction, which is as far as Vertex counts', () => {
      const full = 2 ** 32 - 2 ** 16;
      const sender = alone('client');
      sender.ours.tcb.bytesSent = full - 10;
      expect(sender.ours.write(pattern(5))).to.equal(5);
      sender.runUntil(sender.now);
      expect(sender.ours.unacknowledgedBytes, 'in flight, which is not counted twice').to.equal(5);
      expect(sender.ours.write(pattern(5))).to.equal(5);
      expect(sender.ours.write(pattern(1))).to.equal(0);
      sender.runUntilIdle(60_000);
      expect(sender.told).to.deep.equal(['closed stream-full']);

      const receiver = alone('server');
      Object.defineProperty(receiver.ours.tcb.recvBuffer, 'nextOffset', { value: full + 1 });
      receiver.inject(theirs(receiver, { seq: 1, flags: Flag.ACK, text: pattern(1) }));
      expect(receiver.told).to.include('closed stream-full');
    });

    it('end a user of Vertex whose peer does not read for 25 s, as Vertex does', () => {
      const profile = { receiveBufferBytes: 1000, receiveBufferMaxBytes: 1000 };
      const world = connected('server', { profile, onEvent: () => {} });
      world.theirs.write(pattern(3000));
      world.runUntil(world.now + 30_000);

      expect(world.theirs.lostCount).to.equal(1);
    });
  });

  describe('beside TCP', () => {
    it('on one endpoint each has its own pseudo-ports', () => {
      const endpoint = new PtcpEndpoint({ entropy: new Prng(1), profile: { wire: ['tcp', 'vertex'] } });
      endpoint.listen(1);
      const vertexSyn = encodeVertexPacket({
        srcPort: 8,
        dstPort: 1,
        seq: 0,
        ack: 0,
        flags: Flag.SYN,
        text: NOTHING,
      });
      const peer = new ScriptedPeer();
      const tcpSyn = peer.encode({ flags: 'S', srcPort: 8, dstPort: 1 });
      expect(endpoint.handleDatagram(0, vertexSyn, 1)).to.equal('vertex');
      expect(endpoint.handleDatagram(0, tcpSyn, 1)).to.equal('segment');

      const out = new Uint8Array(2000);
      const answers: Uint8Array[] = [];
      for (
        let burst = endpoint.pollTransmit(0, { out });
        burst !== undefined;
        burst = endpoint.pollTransmit(0, { out })
      )
        answers.push(out.slice(0, burst.lastBytes));
      expect(answers.map((bytes) => bytes.length)).to.deep.equal([23, answers[1]!.length]);
      expect(decodeVertexPacket(answers[0]!)).to.include({ flags: Flag.SYN | Flag.ACK, seq: 0, ack: 1 });
      expect(answers[1]![12]! >> 4, 'a data offset').to.be.above(4);
      expect(() => endpoint.listen(1, { wire: 'vertex' })).to.throw(UsageError, 'listens already');
      endpoint.unlisten(1);
      expect(() => endpoint.listen(1, { wire: 'tcp' })).not.to.throw();
    });

    it("is not heard where only TCP is spoken, nor TCP where only Vertex's header is", () => {
      const vertexSyn = encodeVertexPacket({
        srcPort: 8,
        dstPort: 1,
        seq: 0,
        ack: 0,
        flags: Flag.SYN,
        text: NOTHING,
      });
      const tcp = new PtcpEndpoint({ entropy: new Prng(1) });
      tcp.listen(1);
      expect(tcp.handleDatagram(0, vertexSyn, 1)).to.equal('foreign');

      const vertex = new PtcpEndpoint({ entropy: new Prng(1), profile: { wire: 'vertex' } });
      vertex.listen(1);
      expect(vertex.handleDatagram(0, new ScriptedPeer().encode({ flags: 'S', dstPort: 1 }), 1)).to.equal(
        'foreign',
      );
      expect(vertex.handleDatagram(0, vertexSyn, 1)).to.equal('vertex');
      expect(vertex.stats.notSegments.foreign).to.equal(1);
    });

    it('is the first wire of several that a connection is made on', () => {
      const world = new VertexWorld('client', { profile: { wire: ['vertex', 'tcp'] } });
      world.runUntil(10);

      expect(world.sent[0]?.flags).to.equal(Flag.SYN);
    });
  });
});
