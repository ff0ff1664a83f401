import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { type Injected, pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import { established } from '../support/scripted-states.ts';

/** With a window of 2^20 bytes, 2^12 of so many evenly spread guesses would do: these are 2^8 times as many. */
const SEGMENTS = 2 ** 20;
const STEP = 2 ** 32 / SEGMENTS;
const WINDOW_BYTES = 2 ** 20;
/** RFC 5961 §7: ten in a second, and up to three that nobody can foresee. */
const MOST_CHALLENGES = 13;
const PER_MS = 1000;

/** A connection that would take a megabyte, without the timestamps that would make guessing harder still. */
function victim(): ScriptedPeer {
  const peer = established({
    profile: { receiveBufferBytes: WINDOW_BYTES, windowScale: 7 },
    peerOptions: { windowScale: 7, mss: 1400 },
    // Its own window is as large: RFC 5961 §5.2 lets an ACK be as old as that.
    window: WINDOW_BYTES >> 7,
  });
  // What it acknowledges tells the peer, and nobody else, that the window is as large as that.
  peer.inject({ seq: 1, ack: 1, payload: pattern(100) });
  peer.drain();
  peer.connection.read(100);
  peer.pass(1000);
  peer.drain();
  peer.takeEvents();
  return peer;
}

/** Shoots, and returns how many answers there were and in how many seconds. */
function spray(
  peer: ScriptedPeer,
  shot: (guess: number, random: Prng) => Injected,
): { answers: number; seconds: number } {
  const random = new Prng('spray');
  const offset = random.nextU32();
  const startedAt = peer.now;
  let answers = 0;
  for (let index = 0; index < SEGMENTS; index += 1) {
    peer.inject(shot((offset + index * STEP) >>> 0, random));
    if (index % PER_MS === 0) {
      answers += peer.drain().length;
      peer.pass(1);
    }
  }
  answers += peer.drain().length;
  return { answers, seconds: Math.ceil((peer.now - startedAt) / 1000) + 1 };
}

function expectUntouched(
  peer: ScriptedPeer,
  { answers, seconds }: { answers: number; seconds: number },
  mostAnswers = MOST_CHALLENGES * seconds,
): void {
  const { connection } = peer;
  expect(connection.state).to.equal('ESTABLISHED');
  expect(connection.readableBytes, 'bytes let in').to.equal(0);
  expect(connection.tcb.recvBuffer.hasIsles, 'bytes kept for later').to.equal(false);
  expect(answers, 'answers').to.be.at.most(mostAnswers);
  peer.inject({ seq: 101, ack: 1, payload: 'still here' });
  expect(new TextDecoder().decode(connection.read(100))).to.equal('still here');
  console.log(`      ${SEGMENTS} segments: ${answers} answers in ${seconds} s, no effect`);
}

describe('2^20 blind segments', () => {
  it('that reset kill nothing, by SEQ everywhere in the space (RFC 5961 §3.2, CVE-2004-0230)', () => {
    const peer = victim();
    // An exact hit is what RFC 5961 leaves an attacker: 1 in 2^32 for each segment. This spray has none.
    expectUntouched(
      peer,
      spray(peer, (seq) => ({ flags: 'R', seq: seq % STEP === 101 % STEP ? seq + 1 : seq })),
    );
  });

  it('that open kill nothing either (RFC 5961 §4.2, CVE-2004-0230)', () => {
    const peer = victim();

    expectUntouched(
      peer,
      spray(peer, (seq) => ({ flags: 'S', seq })),
    );
  });

  it('with text put nothing into the stream (RFC 5961 §5.2, MAY-12)', () => {
    const peer = victim();

    // Text out of the window is acknowledged, as from a peer that missed an ACK: one for one, and no longer than it.
    expectUntouched(
      peer,
      spray(peer, (seq, random) => ({ flags: '.', seq, ack: random.nextU32(), payload: 'evil' })),
      SEGMENTS,
    );
  });

  it('that acknowledge move no window (RFC 5961 §5.2)', () => {
    const peer = victim();
    peer.connection.write(pattern(1000));
    peer.drain();
    const { sndUna } = peer.connection.tcb;

    const random = new Prng('acks');
    for (let index = 0; index < SEGMENTS; index += 1) {
      // What was sent and not acknowledged is a thousand bytes: one guess in four million.
      peer.inject({ seq: random.nextU32(), ack: (index * STEP + 2000) >>> 0, window: 0 });
    }
    peer.drain();

    expect(peer.connection.tcb.sndUna).to.equal(sndUna);
    expect(peer.connection.tcb.sndWnd).to.be.above(0);
  });
});
