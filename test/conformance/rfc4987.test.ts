import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import {
  ascii,
  type Injected,
  ISS,
  PEER_PORT,
  pattern,
  type ScriptedPeer,
  type SeenSegment,
} from '../support/scripted-peer.ts';
import { listening, synReceived } from '../support/scripted-states.ts';
import { playFlood } from '../support/syn-flood.ts';

/** Bytes of a datagram that carries `segment`. */
function sizeOf(peer: ScriptedPeer, segment: Injected): number {
  return peer.encode(segment).length;
}

function optionBytes(options: object): number {
  const sizes: Record<string, number> = {
    mss: 4,
    windowScale: 3,
    sackPermitted: 2,
    timestamps: 10,
    ptcp: 13,
  };
  const total = Object.keys(options).reduce((sum, name) => sum + (sizes[name] ?? 0), 0);
  return Math.ceil(total / 4) * 4;
}

const RICH = { timestamps: true, sack: true, windowScale: 7, ptcpOption: true, crc32: true } as const;

describe('RFC 4987: SYN flooding', () => {
  it('sends at most three times the bytes it got to an address not proven (RFC 9000 §8.1)', () => {
    const syns = [
      {},
      { mss: 1_460 },
      { mss: 1_460, sackPermitted: true, timestamps: [1, 0] as const, windowScale: 7 },
      { mss: 1_460, sackPermitted: true, timestamps: [1, 0] as const, windowScale: 7, ptcp: 1 },
      { ptcp: 1 },
    ];
    for (const options of syns) {
      const peer = listening({ profile: RICH });
      const syn = { flags: 'S', seq: 0, options };

      peer.inject(syn);
      peer.at(300_000);

      const out = peer.drain().reduce((sum, answer) => sum + 20 + optionBytes(answer.options), 0);
      expect(out, JSON.stringify(options)).to.be.within(1, 3 * sizeOf(peer, syn));
    }
  });

  it('keeps to that however often the SYN comes', () => {
    const peer = listening({ profile: RICH });
    const syn = { flags: 'S', seq: 0 };

    for (let n = 0; n < 20; n += 1) {
      peer.inject(syn);
      peer.pass(700);
    }
    peer.at(300_000);

    const out = peer.drain().reduce((sum, answer) => sum + 20 + optionBytes(answer.options), 0);
    expect(out).to.be.below(3 * 20 * sizeOf(peer, syn));
  });

  it('sends the SYN-ACK again twice and forgets in silence (RFC 9293 §3.8.3)', () => {
    const peer = synReceived({ peerOptions: { mss: 1_460 } });

    peer.at(300_000);

    expect(peer.drain().map(({ flags, sentAt }) => [flags, sentAt])).to.deep.equal([
      ['S.', 1_000],
      ['S.', 3_000],
    ]);
    peer.expectEvents();
    expect(peer.endpoint.connectionCount).to.equal(0);
  });

  it('drops SYNs in silence while the backlog is full, and takes them again after (RFC 4987 §2.1)', () => {
    const peer = listening({ profile: { backlog: 3, synCookies: 'off' } });
    const syn = (n: number): Injected => ({ flags: 'S', seq: 0, srcPort: 50_100 + n });

    for (let n = 0; n < 5; n += 1) peer.inject(syn(n));
    expect(peer.drain()).to.have.length(3);
    expect(peer.endpoint.stats.droppedSyns).to.equal(2);

    peer.inject({ seq: 1, ack: 1, srcPort: 50_100 });
    peer.inject(syn(3));
    peer.expect({ flags: 'S.', dstPort: 50_103 });
    peer.inject({ flags: 'R', seq: 1, srcPort: 50_101 });
    peer.inject(syn(4));
    peer.expect({ flags: 'S.', dstPort: 50_104 });

    peer.inject(syn(5));
    peer.expectNothing();
    peer.at(300_000);
    peer.drain();
    peer.inject(syn(5));
    peer.expect({ flags: 'S.', dstPort: 50_105 });
  });

  it('lets the oldest half-open connection make way once it has had 3 s (RFC 4987 §3.4)', () => {
    const peer = listening({ profile: { backlog: 3, synCookies: 'off' } });
    for (let n = 0; n < 3; n += 1) {
      peer.inject({ flags: 'S', seq: 0, srcPort: 50_100 + n });
      peer.pass(100);
    }
    peer.drain();

    peer.at(2_999);
    peer.inject({ flags: 'S', seq: 0, srcPort: 50_200 });
    expect(peer.endpoint.stats.droppedSyns, 'too early').to.equal(1);
    peer.at(3_001);
    peer.drain();
    peer.inject({ flags: 'S', seq: 0, srcPort: 50_200 });
    peer.expect({ flags: 'S.', dstPort: 50_200 });

    peer.inject({ seq: 1, ack: 1, srcPort: 50_100 });
    peer.expect({ flags: 'R', dstPort: 50_100 });
    expect(peer.endpoint.connectionCount).to.equal(3);
  });

  it('has a backlog for each listener', () => {
    const peer = listening({ profile: { backlog: 1, synCookies: 'off' } });
    peer.endpoint.listen(50_900);

    peer.inject({ flags: 'S', srcPort: 50_100 });
    peer.inject({ flags: 'S', srcPort: 50_101 });
    peer.inject({ flags: 'S', srcPort: 50_102, dstPort: 50_900 });

    peer.expectAll([{ dstPort: 50_100 }, { dstPort: 50_102 }]);
  });

  it('keeps what a flood of SYNs costs small, text and all (RFC 4987 §3.5)', () => {
    const peer = listening({ profile: { backlog: 100, synCookies: 'off' } });

    for (let path = 0; path < 5_000; path += 1) peer.inject({ flags: 'S', path, payload: 'x'.repeat(100) });

    expect(peer.endpoint.connectionCount).to.equal(100);
    expect(peer.endpoint.memory.freeBytes).to.be.above(1024 ** 3 - 100 * 1_024);
    expect(peer.drain()).to.have.length(100);
    peer.at(100_000);
    expect(peer.endpoint.memory.usedBytes, 'all is given back').to.equal(0);
  });

  it('serves honest clients in less than two round trips under 10^5 forged SYNs, memory flat (RFC 4987 §3.7)', function () {
    this.timeout(20_000);
    const report = playFlood({ synCount: 100_000, perMs: 100, clientCount: 20 });

    expect(report.openedInRounds).to.have.length(20);
    expect(Math.max(...report.openedInRounds)).to.be.below(2);
    expect(report.mostConnections).to.be.at.most(1024 + 20);
    expect(report.memoryUsedBytes).to.equal(0);
    expect(report.bytesOut).to.be.at.most(3 * report.bytesIn);
    expect(report.stats.synCookiesSent).to.be.above(90_000);
  });

  describe('SYN cookies', () => {
    const EVERYTHING = {
      mss: 1_400,
      sackPermitted: true,
      timestamps: [77, 0],
      windowScale: 5,
      ptcp: 1,
    } as const;

    /** Answers every SYN with a cookie. */
    function baking(profile = {}): ScriptedPeer {
      return listening({ profile: { ...RICH, synCookies: 'always', ...profile } });
    }

    /** The SYN-ACK to a SYN with `options`. */
    function cookieFor(peer: ScriptedPeer, options: object, srcPort = PEER_PORT): SeenSegment {
      peer.inject({ flags: 'S', seq: 0, options, srcPort });
      return peer.expect({ flags: 'S.', ack: 1 });
    }

    /** The ACK that brings the cookie of `synAck` back. */
    function bringBack(synAck: SeenSegment, more: Injected = {}): Injected {
      const stamps = synAck.options.timestamps;
      const options = stamps === undefined ? {} : { timestamps: [78, stamps[0]] as const };
      return { seq: 1, ack: synAck.seq + 1, options, srcPort: synAck.dstPort, ...more };
    }

    it('sends exactly one SYN-ACK, no longer than the SYN or 24 bytes, and remembers nothing (RFC 4987 §3.6)', () => {
      const kinds = Object.keys(EVERYTHING) as (keyof typeof EVERYTHING)[];
      for (let subset = 0; subset < 2 ** kinds.length; subset += 1) {
        const chosen = kinds.filter((_kind, index) => (subset & (1 << index)) !== 0);
        const options = Object.fromEntries(chosen.map((kind) => [kind, EVERYTHING[kind]]));
        for (const preset of ['default', 'freebsd', 'linux'] as const) {
          const peer = baking({ preset, ...RICH });
          const syn = peer.encode({ flags: 'S', options });

          const answer = cookieFor(peer, options);

          expect(20 + optionBytes(answer.options), `${preset} ${chosen.join(' ')}`).to.be.at.most(
            Math.max(24, syn.length),
          );
          expect(peer.endpoint.connectionCount).to.equal(0);
          expect(peer.endpoint.isPathInUse(answer.path)).to.equal(false);
          peer.at(300_000);
          peer.expectNothing();
        }
      }
    });

    it('opens the connection with the ACK that returns, options and all (RFC 4987 §3.6)', () => {
      const peer = baking();
      const synAck = cookieFor(peer, EVERYTHING);
      peer.isCrcOn = true;

      peer.inject(bringBack(synAck, { window: 1_000 }));

      peer.expectNothing();
      peer.expectEvents('accepted', 'established');
      const { options, sndWndBytes, sndMssBytes } = peer.connection.tcpInfo();
      expect(options).to.deep.equal({
        timestamps: true,
        sack: true,
        crc32: true,
        sndWscale: 5,
        rcvWscale: 7,
      });
      expect(sndWndBytes).to.equal(1_000 << 5);
      // 1400 rounded down to a step of the cookie, which has three bits for it; then 1200 bytes of datagram.
      expect(sndMssBytes).to.equal(1_168);
      expect(peer.endpoint.stats.synCookiesAccepted).to.equal(1);
    });

    it('carries every window scale and every step of the MSS (RFC 4987 §3.6)', () => {
      for (let windowScale = 0; windowScale <= 14; windowScale += 1) {
        for (const [mss, step] of [
          [0, 48],
          [50, 48],
          [536, 536],
          [1_220, 1_220],
          [1_452, 1_452],
          [9_000, 1_452],
        ] as const) {
          const peer = baking({ maxDatagramBytes: 1_472, ptcpOption: false });
          peer.pass(windowScale * 37);
          const synAck = cookieFor(peer, { mss: Math.max(mss, 1), timestamps: [1, 0], windowScale });

          peer.inject(bringBack(synAck));

          expect(peer.connection.tcpInfo().options.sndWscale).to.equal(windowScale);
          expect(peer.connection.tcpInfo().sndMssBytes).to.equal(step - 12);
        }
      }
    });

    it('leaves out window scaling where there is no timestamp to carry it, but not SACK or CRC (RFC 4987 §3.6)', () => {
      const peer = baking();
      const synAck = cookieFor(peer, { mss: 1_460, sackPermitted: true, windowScale: 7, ptcp: 1 });
      expect(synAck.options.windowScale).to.equal(undefined);
      expect(synAck.options.sackPermitted).to.equal(true);
      peer.isCrcOn = true;

      peer.inject(bringBack(synAck));

      expect(peer.connection.tcpInfo().options).to.deep.equal({
        timestamps: false,
        sack: true,
        crc32: true,
        sndWscale: 0,
        rcvWscale: 0,
      });
    });

    it('never stamps a cookie ahead of its clock (RFC 7323 §5.3)', () => {
      for (let ms = 0; ms < 40; ms += 1) {
        for (const windowScale of [0, 7, 14]) {
          const peer = baking({ timestampOffset: 5_000 });
          peer.at(ms);
          const { options } = cookieFor(peer, { timestamps: [1, 0], windowScale });

          expect(options.timestamps![0]).to.be.within(5_000 + ms - 15, 5_000 + ms);
        }
      }
    });

    it('takes text that comes with the ACK, and what came on the SYN when it comes again (RFC 4987 §3.6)', () => {
      const peer = baking();
      peer.inject({ flags: 'S', seq: 0, payload: 'hello' });
      const synAck = peer.expect({ flags: 'S.', ack: 1 });

      peer.inject(bringBack(synAck, { flags: 'P.', payload: 'hello again' }));

      peer.expect({ flags: '.', ack: 12 });
      expect(new TextDecoder().decode(peer.connection.read(100))).to.equal('hello again');
    });

    it('bears a segment that overtakes the ACK, and gets it again (RFC 4987 §3.6)', () => {
      const peer = baking();
      const synAck = cookieFor(peer, { mss: 1_460 });

      peer.inject(bringBack(synAck, { seq: 101, flags: 'P.', payload: pattern(100) }));
      peer.expectNothing();
      peer.inject(bringBack(synAck, { flags: 'P.', payload: pattern(100) }));
      peer.expect({ flags: '.', ack: 101 });
      peer.inject(bringBack(synAck, { seq: 101, flags: 'P.', payload: pattern(100) }));

      peer.expect({ flags: '.', ack: 201 });
    });

    it('believes none of 10^5 forged ACKs, and answers none of them (RFC 4987 §3.6)', function () {
      this.timeout(20_000);
      const peer = baking();
      const synAck = cookieFor(peer, EVERYTHING);
      const random = new Prng('forged acks');

      const forged = peer.encode(bringBack(synAck));
      const view = new DataView(forged.buffer);

      for (let path = 0; path < 100_000; path += 1) {
        view.setUint16(0, 1 + random.below(65_535));
        view.setUint32(8, random.nextU32());
        peer.endpoint.handleDatagram(0, forged, path);
      }

      expect(peer.drain()).to.have.length(0);
      expect(peer.endpoint.connectionCount).to.equal(0);
      expect(peer.endpoint.stats.synCookiesRefused).to.equal(100_000);
    });

    it('believes a cookie only for its addresses, ports, ISN and options (RFC 4987 §3.6)', () => {
      const peer = baking();
      const synAck = cookieFor(peer, EVERYTHING);
      const [stamp] = synAck.options.timestamps!;
      peer.isCrcOn = true;
      const wrong: [Injected, number?][] = [
        [{ srcPort: PEER_PORT + 1 }],
        [{}, 7],
        [{ seq: 2 }],
        [{ seq: 0 }],
        [{ ack: synAck.seq + 2 }],
        // Each bit of what rides in the sequence number, and the scale in the timestamp.
        ...[0, 1, 2, 3, 4, 5].map((bit): [Injected] => [
          { ack: ((ISS + synAck.seq) ^ (1 << bit)) - ISS + 1 },
        ]),
        [{ options: { timestamps: [78, stamp ^ 1] } }],
        [{ options: {} }],
      ];

      for (const [more, path] of wrong) peer.inject(peer.encode(bringBack(synAck, more)), path);
      peer.isCrcOn = false;
      peer.inject(bringBack(synAck));

      peer.expectNothing();
      expect(peer.endpoint.connectionCount).to.equal(0);
    });

    it('believes a cookie for 30 to 60 s (RFC 4987 §3.6)', () => {
      for (const [bakedAt, backAt, isGood] of [
        [0, 59_999, true],
        [0, 60_000, false],
        [29_999, 59_999, true],
        [29_999, 60_000, false],
        [30_000, 89_999, true],
        [30_000, 90_000, false],
        [1_000, 121_000, false],
      ] as const) {
        const peer = baking();
        peer.at(bakedAt);
        const synAck = cookieFor(peer, {});
        peer.at(backAt);
        // Cookies go on being sent.
        cookieFor(peer, {}, PEER_PORT + 1);

        peer.inject(bringBack(synAck));

        expect(peer.endpoint.connectionCount, `${bakedAt} to ${backAt}`).to.equal(isGood ? 1 : 0);
      }
    });

    it('makes nothing more of a cookie that is replayed (RFC 4987 §3.6)', () => {
      const peer = baking();
      const synAck = cookieFor(peer, {});
      peer.inject(bringBack(synAck));
      peer.expectEvents('accepted', 'established');

      peer.inject(bringBack(synAck));
      peer.inject(bringBack(synAck));

      peer.expectEvents();
      expect(peer.endpoint.connectionCount).to.equal(1);
      peer.connection.abort();
      peer.drain();
      peer.at(100_000);
      cookieFor(peer, {}, PEER_PORT + 1);
      peer.inject(bringBack(synAck));
      expect(peer.endpoint.connectionCount, 'long after').to.equal(0);
    });

    it('asks no cookie of anybody until one was sent: an ACK for a listener is reset (RFC 9293 §3.10.7.2)', () => {
      const peer = listening({ profile: RICH });

      peer.inject({ seq: 1, ack: 1 });

      peer.expect({ flags: 'R', seq: 1 });
      expect(peer.endpoint.stats.synCookiesRefused).to.equal(0);
    });

    it('knows a peer by its tag though its path has been given another number (RFC 4987 §3.6)', () => {
      const tags = new Map([
        [3, 2 ** 52 + 9],
        [4, 11],
        [5, 2 ** 52 + 9],
      ]);
      const peer = listening({
        profile: { ...RICH, synCookies: 'always' },
        endpoint: { pathTag: (path) => tags.get(path) ?? 0 },
      });
      const synAck = cookieFor(peer, {});

      peer.inject(bringBack(synAck, { path: 4 }));
      expect(peer.endpoint.connectionCount).to.equal(0);
      peer.inject(bringBack(synAck, { path: 5 }));

      expect(peer.endpoint.connectionCount).to.equal(1);
      peer.connection.write(ascii('x'));
      expect(peer.expect({ length: 1 }).path).to.equal(5);
    });

    it('begins when the backlog is full, and ends when it is not (RFC 4987 §3.7)', () => {
      const peer = listening({ profile: { backlog: 2 } });
      for (let n = 0; n < 4; n += 1) peer.inject({ flags: 'S', srcPort: 50_100 + n });
      expect(peer.drain()).to.have.length(4);
      expect(peer.endpoint.stats.synCookiesSent).to.equal(2);

      peer.inject({ flags: 'R', seq: 1, srcPort: 50_100 });
      peer.inject({ flags: 'S', srcPort: 50_105 });

      peer.expect({ flags: 'S.', seq: 0 });
      expect(peer.endpoint.stats.synCookiesSent).to.equal(2);
    });

    it('counts though the SYN that came again was remembered (RFC 4987 §3.6)', () => {
      const peer = listening({ profile: { synCookies: 'auto', backlog: 1 } });
      peer.inject({ flags: 'S', seq: 0, srcPort: PEER_PORT + 1 });
      peer.drain();
      peer.inject({ flags: 'S', seq: 0 });
      const [cookie] = peer.drain();
      // The forged one has had its time; the peer, which has not heard of the cookie yet, sends its SYN again.
      peer.pass(3500);
      peer.drain();
      peer.inject({ flags: 'S', seq: 0 });
      const [again] = peer.drain();
      expect(again!.seq, 'another ISN').not.to.equal(cookie!.seq);

      peer.inject({ seq: 1, ack: cookie!.seq + 1 });

      peer.expectNothing();
      peer.expectEvents('accepted', 'established');
      peer.inject({ seq: 1, ack: cookie!.seq + 1, payload: 'hello' });
      expect(peer.connection.read(10)).to.deep.equal(ascii('hello'));
      expect(peer.endpoint.connectionCount).to.equal(1);
    });

    it('sends no more cookies at once than one batch may ask for, and the rest is dropped (RFC 4987 §3.6)', () => {
      const peer = baking();

      for (let path = 0; path < 1_500; path += 1)
        peer.endpoint.handleDatagram(0, peer.encode({ flags: 'S' }), path);

      expect(peer.endpoint.isPathInUse(5), 'while its cookie waits').to.equal(true);
      expect(peer.drain()).to.have.length(1_024);
      expect(peer.endpoint.isPathInUse(5)).to.equal(false);
      expect(peer.endpoint.stats.droppedSyns).to.equal(1_500 - 1_024);
    });

    it('takes no cookie beyond maxConnections', () => {
      const peer = listening({ profile: { ...RICH, synCookies: 'always' }, endpoint: { maxConnections: 1 } });
      const first = cookieFor(peer, {});
      const second = cookieFor(peer, {}, PEER_PORT + 1);

      peer.inject(bringBack(first));
      peer.inject(bringBack(second));

      expect(peer.endpoint.connectionCount).to.equal(1);
    });
  });
});
