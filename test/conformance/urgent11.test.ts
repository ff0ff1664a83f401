import { expect } from 'chai';
import { type Injected, pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import { synSent } from '../support/scripted-states.ts';

const PIECE = 100;
const PIECES = 6;
const WHOLE = pattern(PIECE * PIECES);

/** Adds something to one of the segments of a run. */
type Twist = (segment: Injected) => Injected;

/** A whole connection from the SYN on, one segment of it twisted; what came of it. */
function play(twisted: number, twist: Twist): { text: number[]; states: string[]; events: string[] } {
  const peer = synSent();
  const script: Injected[] = [
    { flags: 'S.', seq: 0, ack: 1 },
    ...[0, 2, 1, 3, 5, 4].map((piece) => ({
      seq: 1 + piece * PIECE,
      ack: 1,
      payload: WHOLE.subarray(piece * PIECE, (piece + 1) * PIECE),
    })),
    { flags: 'F.', seq: 1 + WHOLE.length, ack: 1 },
    // After the FIN: once more what came before, and what can be none.
    { seq: 1, ack: 1, payload: WHOLE.subarray(0, PIECE) },
    { seq: 2 + WHOLE.length, ack: 1, payload: 'after the end' },
  ];
  const text: number[] = [];
  const states: string[] = [];
  for (const [index, segment] of script.entries()) {
    peer.inject(index === twisted ? twist(segment) : segment);
    states.push(peer.connection.state);
    text.push(...peer.connection.read(1000));
  }
  return { text, states, events: eventsOf(peer) };
}

function eventsOf(peer: ScriptedPeer): string[] {
  return peer
    .takeEvents()
    .map(({ type }) => type)
    .filter((type) => type !== 'urgent');
}

const SCRIPT_LENGTH = 10;
const POINTERS = [0, 1, 2, PIECE - 1, PIECE, PIECE + 1, WHOLE.length, 0x7fff, 0xffff];

describe('URGENT/11', () => {
  const plain = play(-1, (segment) => segment);

  it('is measured against a run without URG that is whole', () => {
    expect(plain.text).to.deep.equal([...WHOLE]);
    expect(plain.states.at(-1)).to.equal('CLOSE-WAIT');
  });

  it('a pointer of 0, 1, into, behind or far beyond the text, on whichever segment from the SYN-ACK on, changes nothing (RFC 9293 §3.8.5, CVE-2019-12255, CVE-2019-12261, CVE-2019-12263)', () => {
    for (let twisted = 0; twisted < SCRIPT_LENGTH; twisted += 1)
      for (const urgentPointer of POINTERS) {
        const run = play(twisted, (segment) => ({
          ...segment,
          flags: `${segment.flags ?? '.'}U`,
          urgentPointer,
        }));

        expect(run, `segment ${twisted}, pointer ${urgentPointer}`).to.deep.equal(plain);
      }
  });

  it('nor does a pointer without URG (RFC 9293 §3.1)', () => {
    for (let twisted = 0; twisted < SCRIPT_LENGTH; twisted += 1)
      for (const urgentPointer of POINTERS)
        expect(play(twisted, (segment) => ({ ...segment, urgentPointer }))).to.deep.equal(plain);
  });

  it('an authentication option (kind 29) of any length is passed over or condemns its segment, and nothing else (RFC 9293 §3.1, MUST-7, CVE-2019-12260)', () => {
    for (let twisted = 1; twisted < SCRIPT_LENGTH; twisted += 1) {
      for (const length of [0, 1, 2, 3, 4, 5, 16, 40, 41, 255]) {
        const body = Array.from({ length: Math.max(0, Math.min(length, 40) - 2) }, () => 0xee);
        const raw = [29, length, ...body];
        while (raw.length % 4 !== 0) raw.push(0);
        const run = play(twisted, (segment) => ({ ...segment, options: { raw } }));

        const isWhole = run.text.length === WHOLE.length;
        const isPrefix = run.text.every((byte, index) => byte === WHOLE[index]);
        expect(isPrefix, `segment ${twisted}, length ${length}`).to.equal(true);
        if (length >= 2 && length <= 40)
          expect(isWhole, `segment ${twisted}, length ${length}`).to.equal(true);
      }
    }
  });

  it('a SYN-ACK with any such option opens as without, or not at all (RFC 9293 §3.10.7.3, CVE-2019-12260)', () => {
    for (const length of [0, 1, 3, 4, 255]) {
      const peer = synSent();
      peer.inject({
        flags: 'S.U',
        seq: 0,
        ack: 1,
        urgentPointer: 0xffff,
        options: { raw: [29, length, 1, 2] },
      });

      expect(peer.connection.state).to.be.oneOf(['SYN-SENT', 'ESTABLISHED']);
      peer.inject({ flags: 'S.', seq: 0, ack: 1 });
      expect(peer.connection.state).to.equal('ESTABLISHED');
    }
  });
});
