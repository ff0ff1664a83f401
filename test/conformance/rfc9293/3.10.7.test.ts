import { expect } from 'chai';
import { ascii, type Injected, ISS, LOCAL_PORT, type ScriptedPeer } from '../../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  listening,
  synReceived,
  synSent,
  timeWait,
} from '../../support/scripted-states.ts';

const SYNCHRONIZED = [established, finWait1, finWait2, closeWait, closing, lastAck] as const;
/** States in which the peer has not sent its FIN. */
const RECEIVING = [established, finWait1, finWait2] as const;

/** SND.NXT and RCV.NXT, relative, of the states as their builders leave them. */
function sndNxt(build: (typeof SYNCHRONIZED)[number]): number {
  return build === established || build === closeWait ? 1 : 2;
}
function rcvNxt(build: (typeof SYNCHRONIZED)[number]): number {
  return build === closeWait || build === closing || build === lastAck ? 2 : 1;
}

function inState(peer: ScriptedPeer, state: string): void {
  expect(peer.connection.state).to.equal(state);
}

describe('RFC 9293 §3.10.7.1: segments for nobody', () => {
  it('never answers a reset', () => {
    const peer = listening();

    for (const flags of ['R', 'R.', 'SR', 'SR.', 'FR.'])
      for (const dstPort of [LOCAL_PORT, 60_000]) peer.inject({ flags, seq: 1, ack: 1, dstPort });

    peer.expectNothing();
  });

  it('answers with nothing but the header, whatever came', () => {
    const peer = listening();

    peer.inject({ flags: 'S', dstPort: 60_000, options: { mss: 1460, timestamps: [1, 0] }, payload: 'x' });

    peer.expect({ flags: 'R.', seq: -ISS >>> 0, ack: 2, options: {}, length: 0, window: 0, checkField: 0 });
  });

  it('answers on the path the segment came on', () => {
    const peer = listening();

    peer.inject({ path: 77, dstPort: 60_000 });

    expect(peer.drain()[0]?.path).to.equal(77);
  });

  it('answers so many a second to one path, and so many in all', () => {
    const peer = listening();

    for (let path = 100; path < 120; path += 1)
      for (let n = 0; n < 30; n += 1) peer.inject({ path, ack: 1, dstPort: 60_000 });
    const first = peer.drain();
    peer.pass(1_000);
    peer.inject({ path: 100, ack: 1, dstPort: 60_000 });

    expect(first.filter(({ path }) => path === 100)).to.have.length(20);
    expect(first).to.have.length.within(100, 300);
    peer.expect({ flags: 'R', seq: 1 });
    expect(peer.endpoint.stats.strayResets).to.equal(first.length + 1);
  });

  it('answers another number each second, which nobody can know beforehand (RFC 5961 §7, CVE-2016-5696)', () => {
    const peer = listening();

    const counts = new Set<number>();
    for (let second = 0; second < 10; second += 1) {
      for (let path = 100; path < 120; path += 1)
        for (let n = 0; n < 20; n += 1) peer.inject({ path, ack: 1, dstPort: 60_000 });
      counts.add(peer.drain().length);
      peer.pass(1000);
    }

    expect(counts.size).to.be.above(5);
    for (const count of counts) expect(count).to.be.within(100, 300);
  });

  it('is silent with `resets: false`, on any port', () => {
    const peer = listening({ profile: { resets: false } });

    peer.inject({ ack: 1, dstPort: 60_000 });
    peer.inject({ ack: 1 });
    peer.inject({ flags: 'S', dstPort: 60_000 });

    peer.expectNothing();
  });

  it('is silent on the port of a listener whose profile says so', () => {
    const peer = listening();
    peer.endpoint.listen(50_500, { resets: false });

    peer.inject({ ack: 1, dstPort: 50_500 });

    peer.expectNothing();
  });
});

describe('RFC 9293 §3.10.7.2: segments in LISTEN', () => {
  it('ignores a reset, first of all', () => {
    const peer = listening();

    peer.inject({ flags: 'R' });
    peer.inject({ flags: 'SR' });

    peer.expectNothing();
    expect(peer.endpoint.connectionCount).to.equal(0);
  });

  it('resets whoever acknowledges something, SYN or not', () => {
    const peer = listening();

    peer.inject({ flags: '.', seq: 5, ack: 99 });
    peer.inject({ flags: 'S.', seq: 5, ack: 98 });

    peer.expectAll([
      { flags: 'R', seq: 99 },
      { flags: 'R', seq: 98 },
    ]);
    expect(peer.endpoint.connectionCount).to.equal(0);
  });

  it('drops what is neither SYN nor ACK nor reset', () => {
    const peer = listening();

    for (const flags of ['', 'F', 'P', 'U', 'FPU']) peer.inject({ flags, payload: 'noise' });

    peer.expectNothing();
    expect(peer.endpoint.connectionCount).to.equal(0);
  });

  it('takes a SYN with other controls for a SYN', () => {
    const peer = listening();

    peer.inject({ flags: 'SPE', seq: 0 });

    peer.expect({ flags: 'S.', seq: 0, ack: 1 });
  });

  it('has the FIN of a SYN sent again once it is established', () => {
    const peer = listening();
    peer.inject({ flags: 'SF', seq: 0 });
    peer.expect({ flags: 'S.', seq: 0, ack: 1 });

    peer.inject({ flags: 'F.', seq: 1, ack: 1 });

    peer.expect({ flags: '.', seq: 1, ack: 2 });
    inState(peer, 'CLOSE-WAIT');
  });
});

describe('RFC 9293 §3.10.7.3: segments in SYN-SENT', () => {
  it('resets an ACK that is not of its SYN, first of all', () => {
    for (const ack of [-1, 0, 2, 0x7fff_ffff]) {
      const peer = synSent();

      peer.inject({ flags: 'S.', seq: 0, ack });

      peer.expect({ flags: 'R', seq: ack >>> 0, ack: 0, length: 0 });
      inState(peer, 'SYN-SENT');
    }
  });

  it('drops what has no SYN, even with an ACK that is right', () => {
    const peer = synSent();

    peer.inject({ flags: '.', seq: 1, ack: 1 });
    peer.inject({ flags: 'F', seq: 1 });
    peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'x' });

    peer.expectNothing();
    inState(peer, 'SYN-SENT');
  });

  it('goes on sending its SYN meanwhile', () => {
    const peer = synSent();
    peer.inject({ flags: 'S.', seq: 0, ack: 700 });
    peer.expect({ flags: 'R' });

    peer.at(1_000);

    peer.expect({ flags: 'S', seq: 0 });
  });

  it('sends what was written meanwhile with the ACK of the SYN-ACK (RFC 9293 §3.10.2)', () => {
    const peer = synSent();
    peer.connection.write(ascii('early'));
    peer.expectNothing();

    peer.inject({ flags: 'S.', seq: 0, ack: 1 });

    peer.expect({ flags: 'P.', seq: 1, ack: 1, text: 'early' });
  });
});

describe('RFC 9293 §3.10.7.4: segments from SYN-RECEIVED on', () => {
  describe('first, the sequence number', () => {
    /** Window of 100 at 1: [1, 101). */
    const WINDOW = { profile: { receiveBufferBytes: 100, receiveBufferMaxBytes: 100 } } as const;
    const CASES: readonly (readonly [string, Injected, boolean])[] = [
      ['an empty one at RCV.NXT', { seq: 1 }, true],
      ['an empty one at the end of the window', { seq: 100 }, true],
      ['an empty one just beyond the window', { seq: 101 }, false],
      ['an empty one just before RCV.NXT', { seq: 0 }, false],
      ['text at RCV.NXT', { seq: 1, payload: 'abc' }, true],
      ['text whose last octet is at RCV.NXT', { seq: -1, payload: 'abc' }, true],
      ['text that ends just before RCV.NXT', { seq: -2, payload: 'abc' }, false],
      ['text whose first octet is the last of the window', { seq: 100, payload: 'abc' }, true],
      ['text just beyond the window', { seq: 101, payload: 'abc' }, false],
      ['a FIN alone at the end of the window', { flags: 'F.', seq: 100 }, true],
      ['a FIN alone beyond the window', { flags: 'F.', seq: 101 }, false],
      ['something half the sequence space away', { seq: 0x8000_0000, payload: 'abc' }, false],
    ];
    for (const [title, segment, isAcceptable] of CASES) {
      it(`${isAcceptable ? 'accepts' : 'only acknowledges'} ${title} (RFC 9293 §3.4)`, () => {
        const peer = established(WINDOW);
        peer.connection.write(ascii('x'));
        peer.expect({ text: 'x' });

        peer.inject({ ack: 2, ...segment });

        // Whether its ACK counted shows whether it was accepted.
        expect(peer.connection.unacknowledgedBytes).to.equal(isAcceptable ? 0 : 1);
        const answers = peer.drain();
        if (!isAcceptable) expect(answers).to.have.length(1);
        for (const answer of answers) expect(answer).to.include({ flags: '.', seq: 2 });
      });
    }

    it('counts ACKs, resets and urgent news at RCV.NXT while its window is closed (RFC 9293 §3.4, MUST-66)', () => {
      const fill = (): ScriptedPeer => {
        const peer = established(WINDOW);
        peer.inject({ seq: 1, ack: 1, payload: new Uint8Array(100) });
        peer.expect({ flags: '.', ack: 101, window: 0 });
        peer.takeEvents();
        return peer;
      };

      const acked = fill();
      acked.connection.write(ascii('x'));
      acked.drain();
      acked.inject({ seq: 101, ack: 2, payload: 'probe' });
      acked.expect({ flags: '.', ack: 101, window: 0 });
      expect(acked.connection.unacknowledgedBytes).to.equal(0);
      expect(acked.connection.readableBytes).to.equal(100);

      const killed = fill();
      killed.inject({ flags: 'R', seq: 101, payload: 'bye' });
      killed.expectEvents('closed reset');

      const urged = fill();
      urged.inject({ flags: 'U.', seq: 101, ack: 1, urgentPointer: 5, payload: 'probe' });
      urged.expectEvents('urgent');
      expect(urged.connection.readableBytes).to.equal(100);
    });

    it('cuts text to the window, FIN included (RFC 9293 §3.10.7.4)', () => {
      const peer = established(WINDOW);

      peer.inject({ flags: 'F.', seq: 1, ack: 1, payload: new Uint8Array(200).fill(7) });

      peer.expect({ flags: '.', ack: 101, window: 0 });
      expect(peer.connection.read(1_000)).to.have.length(100);
      inState(peer, 'ESTABLISHED');
    });

    it('drops a reset outside the window in silence, in every state', () => {
      for (const build of [...SYNCHRONIZED, () => synReceived({ role: 'active' })]) {
        const peer = build();
        const before = peer.connection.state;

        for (const seq of [-1, 0, 70_000, 0x8000_0000]) peer.inject({ flags: 'R', seq });

        peer.expectNothing();
        inState(peer, before);
      }
    });
  });

  describe('fourth, the SYN bit', () => {
    it('asks back when a SYN comes in a synchronized state, in the window or not (RFC 5961 §4)', () => {
      for (const build of SYNCHRONIZED) {
        for (const seq of [-7, 1, 2, 50, 1_000_000]) {
          for (const flags of ['S', 'S.']) {
            const peer = build();
            const before = peer.connection.state;

            peer.inject({ flags, seq, ack: 1 });

            peer.expect({ flags: '.', seq: sndNxt(build), ack: rcvNxt(build), length: 0 });
            peer.expectEvents();
            inState(peer, before);
          }
        }
      }
    });

    it('repeats the SYN-ACK to a SYN that comes again', () => {
      const peer = synReceived();

      peer.inject({ flags: 'S', seq: 0 });

      peer.expect({ flags: 'S.', seq: 0, ack: 1 });
    });

    it('acknowledges another SYN outside the window', () => {
      const peer = synReceived();

      peer.inject({ flags: 'S', seq: 1_000_000 });

      peer.expect({ flags: '.', seq: 1, ack: 1 });
    });
  });

  describe('fifth, the ACK field', () => {
    it('drops a segment without ACK, text and FIN and all', () => {
      for (const build of RECEIVING) {
        const peer = build();
        const before = peer.connection.state;

        peer.inject({ flags: 'FP', seq: 1, payload: 'no ack' });

        peer.expectNothing();
        peer.expectEvents();
        inState(peer, before);
      }
    });

    it('acknowledges and drops an ACK of what was never sent, text and all', () => {
      for (const build of SYNCHRONIZED) {
        const peer = build();
        const before = peer.connection.state;

        peer.inject({ flags: 'P.', seq: rcvNxt(build), ack: sndNxt(build) + 1, payload: 'x' });

        peer.expect({ flags: '.', seq: sndNxt(build), ack: rcvNxt(build) });
        peer.expectEvents();
        inState(peer, before);
      }
    });

    it('resets an unacceptable ACK in SYN-RECEIVED and stays there', () => {
      for (const role of ['active', 'passive'] as const) {
        for (const ack of [0, 2, 0x7000_0000]) {
          const peer = synReceived({ role });

          peer.inject({ seq: 1, ack });
          peer.expect({ flags: 'R', seq: ack, ack: 0 });
          peer.inject({ seq: 1, ack: 1 });

          peer.expectNothing();
          inState(peer, 'ESTABLISHED');
        }
      }
    });

    it('takes the window of the ACK that completes the handshake', () => {
      const peer = synReceived();
      peer.inject({ seq: 1, ack: 1, window: 1_100 });

      peer.connection.write(new Uint8Array(5_000));

      // Two segments of the 536 that a peer without MSS option takes.
      peer.expectAll([{ length: 536 }, { length: 536 }]);
    });

    it('ignores an ACK that came before, but takes its text (RFC 5961 §5)', () => {
      const peer = established();
      peer.connection.write(ascii('abcdef'));
      peer.expect({ seq: 1, length: 6 });
      peer.inject({ seq: 1, ack: 7 });

      peer.inject({ flags: 'P.', seq: 1, ack: 3, payload: 'reply' });

      peer.expect({ flags: '.', seq: 7, ack: 6 });
      expect(peer.connection.read(10)).to.deep.equal(ascii('reply'));
    });

    it('is moved by the ACK of its FIN: FIN-WAIT-1, CLOSING, LAST-ACK', () => {
      const moves = [
        [finWait1, 'FIN-WAIT-2'],
        [closing, 'TIME-WAIT'],
        [lastAck, 'CLOSED'],
      ] as const;
      for (const [build, after] of moves) {
        const peer = build();

        peer.inject({ seq: rcvNxt(build), ack: 1 });
        expect(peer.connection.state, 'an ACK of what came before').not.to.equal(after);
        peer.inject({ seq: rcvNxt(build), ack: 2 });

        peer.expectNothing();
        inState(peer, after);
      }
    });

    it('does not take the ACK of text for that of the FIN after it', () => {
      const peer = established();
      peer.connection.write(ascii('text'));
      peer.connection.shutdown();
      peer.expect({ flags: 'FP.', length: 4 });

      peer.inject({ seq: 1, ack: 5 });
      inState(peer, 'FIN-WAIT-1');
      peer.inject({ seq: 1, ack: 6 });

      inState(peer, 'FIN-WAIT-2');
    });
  });

  describe('seventh, the text', () => {
    it('is taken in ESTABLISHED, FIN-WAIT-1 and FIN-WAIT-2', () => {
      for (const build of RECEIVING) {
        const peer = build();

        peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'text' });

        peer.expect({ flags: '.', seq: sndNxt(build), ack: 5 });
        peer.expectEvents('readable');
        expect(peer.connection.read(10)).to.deep.equal(ascii('text'));
      }
    });

    it('is ignored once the peer has closed: CLOSE-WAIT, CLOSING, LAST-ACK', () => {
      for (const build of [closeWait, closing, lastAck]) {
        const peer = build();
        const before = peer.connection.state;

        peer.inject({ flags: 'P.', seq: 2, ack: 1, payload: 'after the FIN' });

        for (const { ack } of peer.drain()) expect(ack).to.equal(2);
        peer.expectEvents();
        inState(peer, before);
        expect(peer.connection.readableBytes).to.equal(0);
      }
    });

    it('is acknowledged once more when it comes again', () => {
      for (const build of RECEIVING) {
        const peer = build();
        peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'text' });
        peer.drain();
        peer.takeEvents();

        peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'text' });

        peer.expect({ flags: '.', ack: 5 });
        peer.expectEvents();
        expect(peer.connection.read(10)).to.deep.equal(ascii('text'));
      }
    });

    it('is taken where it is new when it overlaps', () => {
      const peer = established();
      peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'abcd' });

      peer.inject({ flags: 'P.', seq: 3, ack: 1, payload: 'cdef' });

      expect(peer.connection.read(10)).to.deep.equal(ascii('abcdef'));
    });
  });

  describe('eighth, the FIN bit', () => {
    it('moves every state that has not seen it', () => {
      const moves = [
        [established, 1, 'CLOSE-WAIT'],
        [finWait1, 1, 'CLOSING'],
        [finWait1, 2, 'TIME-WAIT'],
        [finWait2, 2, 'TIME-WAIT'],
      ] as const;
      for (const [build, ack, after] of moves) {
        const peer = build();

        peer.inject({ flags: 'F.', seq: 1, ack });

        peer.expect({ flags: '.', seq: sndNxt(build), ack: 2 });
        inState(peer, after);
      }
    });

    it('moves no state when it comes again, but is acknowledged', () => {
      for (const build of [closeWait, closing, lastAck]) {
        const peer = build();
        const before = peer.connection.state;

        peer.inject({ flags: 'F.', seq: 1, ack: 1 });

        peer.expect({ flags: '.', seq: sndNxt(build), ack: 2 });
        peer.expectEvents();
        inState(peer, before);
      }
    });

    it('waits for the text before it (RFC 9293 §3.10.7.4, SHLD-31)', () => {
      for (const build of RECEIVING) {
        const peer = build();
        const before = peer.connection.state;
        const ack = sndNxt(build);

        peer.inject({ flags: 'F.', seq: 4, ack, payload: 'def' });
        peer.expect({ flags: '.', ack: 1 });
        expect(peer.connection.state).to.equal(before === 'FIN-WAIT-1' ? 'FIN-WAIT-2' : before);
        peer.inject({ seq: 1, ack, payload: 'abc' });

        peer.expect({ flags: '.', ack: 8 });
        expect(peer.connection.read(10)).to.deep.equal(ascii('abcdef'));
        expect(peer.connection.state).to.equal(build === established ? 'CLOSE-WAIT' : 'TIME-WAIT');
      }
    });

    it('waits for text before it when it comes alone', () => {
      const peer = established();

      peer.inject({ flags: 'F.', seq: 4, ack: 1 });
      peer.expect({ flags: '.', ack: 1 });
      peer.inject({ seq: 1, ack: 1, payload: 'abc' });

      peer.expect({ flags: '.', ack: 5 });
      peer.expectEvents('readable', 'peerClosed');
      inState(peer, 'CLOSE-WAIT');
    });

    it('ends the stream: text beyond it is not taken', () => {
      const peer = established();
      peer.inject({ flags: 'F.', seq: 4, ack: 1 });
      peer.drain();

      peer.inject({ seq: 1, ack: 1, payload: 'abcdef' });

      peer.expect({ flags: '.', ack: 5 });
      expect(peer.connection.read(10)).to.deep.equal(ascii('abc'));
      inState(peer, 'CLOSE-WAIT');
    });

    it('is where it was first said to be', () => {
      const peer = established();
      peer.inject({ flags: 'F.', seq: 4, ack: 1 });
      peer.inject({ flags: 'F.', seq: 2, ack: 1 });
      peer.drain();

      peer.inject({ seq: 1, ack: 1, payload: 'abc' });

      peer.expect({ flags: '.', ack: 5 });
      inState(peer, 'CLOSE-WAIT');
    });
  });

  describe('TIME-WAIT', () => {
    const CASES: readonly (readonly [string, Injected, boolean])[] = [
      ['a FIN again', { flags: 'F.', seq: 1, ack: 2 }, true],
      ['text', { flags: 'P.', seq: 2, ack: 2, payload: 'x' }, true],
      ['an old segment', { seq: 1, ack: 2 }, true],
      ['an old SYN', { flags: 'S', seq: 1 }, true],
      ['an ACK in order', { seq: 2, ack: 2 }, false],
      ['a reset that hits', { flags: 'R', seq: 2 }, false],
      ['a reset that misses', { flags: 'R', seq: 1_000 }, false],
    ];
    for (const [title, segment, isAnswered] of CASES) {
      it(`${isAnswered ? 'acknowledges' : 'does not answer'} ${title}`, () => {
        const peer = timeWait();

        peer.inject(segment);

        if (isAnswered) peer.expect({ flags: '.', seq: 2, ack: 2, length: 0 });
        else peer.expectNothing();
        peer.expectEvents();
        expect(peer.endpoint.timeWaitCount).to.equal(1);
      });
    }

    it('answers a batch once (RFC 9293 §3.10.7.4, MUST-58)', () => {
      const peer = timeWait();

      peer.injectBatch([
        { flags: 'F.', seq: 1, ack: 2 },
        { flags: 'F.', seq: 1, ack: 2 },
        { flags: 'F.', seq: 1, ack: 2 },
      ]);

      peer.expect({ flags: '.', seq: 2, ack: 2 });
    });
  });
});
