import { expect } from 'chai';
import fc from 'fast-check';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import { Amp, bytes, defineCommand, safeInteger } from '../../../protocols/amp/index.ts';

class Odd extends Error {}

const Step = defineCommand({
  name: 'step',
  arguments: { number: safeInteger, ballast: bytes },
  response: { number: safeInteger },
  errors: { ODD: Odd },
});
const Note = defineCommand({ name: 'note', arguments: { number: safeInteger }, requiresAnswer: false });

/** What one end does next: calls, notes, answers one of the calls that wait, or takes so many bytes of what came. */
const MOVE = fc.record({
  end: fc.constantFrom(0 as const, 1 as const),
  what: fc.constantFrom('call', 'call later', 'note', 'answer', 'take', 'take', 'take', 'take all'),
  count: fc.nat(300),
});
type Move = typeof MOVE extends fc.Arbitrary<infer T> ? T : never;

/** One end: its Amp, what it waits for, and what was heard. */
class End {
  readonly amp = new Amp();
  readonly transport = new StringTransport();
  readonly owed: (() => void)[] = [];
  readonly notes: number[] = [];
  readonly outcomes: number[] = [];
  readonly expected: number[] = [];
  sentNotes: number[] = [];
  #unread = Buffer.alloc(0);

  constructor() {
    this.amp.makeConnection(this.transport);
    this.amp.respond(Step, ({ number, ballast }) => {
      // Odd ones fail, and those with ballast are answered later.
      const finish = (): { number: number } => {
        if (number % 2 === 1) throw new Odd(`${number}`);
        return { number: number * 10 };
      };
      if (ballast.length === 0) return finish();
      const later = new Deferred<void>();
      this.owed.push(() => later.callback());
      return later.addCallback(finish);
    });
    this.amp.respond(Note, ({ number }) => void this.notes.push(number));
  }

  call(number: number, isLater: boolean): void {
    this.expected.push(number % 2 === 1 ? -number : number * 10);
    this.amp.callRemote(Step, { number, ballast: new Uint8Array(isLater ? 1 + number : 0) }).addCallbacks(
      (answer) => void this.outcomes.push(answer.number),
      (error) => void this.outcomes.push(-Number(Step.trap(error).message)),
    );
  }

  note(number: number): void {
    this.sentNotes.push(number);
    void this.amp.callRemote(Note, { number });
  }

  receive(other: End, count: number): void {
    this.#unread = Buffer.concat([this.#unread, ...other.transport.written]);
    other.transport.clear();
    const bytes = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(bytes.length);
    if (bytes.length > 0) this.amp.dataReceived(new Uint8Array(bytes));
  }
}

async function play(moves: readonly Move[]): Promise<[End, End]> {
  const ends: [End, End] = [new End(), new End()];
  for (const { end, what, count } of moves) {
    const [self, other] = [ends[end], ends[1 - end] as End];
    if (what === 'call' || what === 'call later') self.call(count, what === 'call later');
    else if (what === 'note') self.note(count);
    else if (what === 'answer') self.owed.splice(count % (self.owed.length + 1), 1)[0]?.();
    else self.receive(other, what === 'take' ? count : Number.POSITIVE_INFINITY);
    // What was gathered in this turn is written, sometimes.
    if (count % 3 === 0) await Promise.resolve();
  }
  for (let round = 0; round < 4; round += 1) {
    for (const [self, other] of [ends, [...ends].reverse()] as [End, End][]) {
      for (const answer of self.owed.splice(0)) answer();
      await Promise.resolve();
      self.receive(other, Number.POSITIVE_INFINITY);
    }
  }
  return ends;
}

const ordered = (numbers: readonly number[]) => [...numbers].sort((one, other) => one - other);

describe('two Amps, whatever they do and however the bytes are cut', () => {
  it('answer every call once, and bring every note in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(MOVE, { maxLength: 60 }), async (moves) => {
        const [one, other] = await play(moves);

        for (const end of [one, other]) expect(ordered(end.outcomes)).to.deep.equal(ordered(end.expected));
        expect(one.notes).to.deep.equal(other.sentNotes);
        expect(other.notes).to.deep.equal(one.sentNotes);
        expect(one.transport.disconnecting || other.transport.disconnecting).to.equal(false);
      }),
      { numRuns: 80 },
    );
  });

  it('survive any bytes: an Amp answers, closes, or waits, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 }), (chunks) => {
        const { amp, transport } = new End();
        for (const chunk of chunks) amp.dataReceived(chunk);
        expect(transport.aborting).to.equal(false);
      }),
      { numRuns: 150 },
    );
  });

  it('survive boxes with any fields, special ones among them', () => {
    const key = fc.constantFrom(
      '_ask',
      '_answer',
      '_command',
      '_error',
      '_error_code',
      '_route',
      'number',
      'ballast',
      'x',
    );
    const value = fc.oneof(
      fc.constantFrom('1', 'step', 'note', '', 'ODD', '\xff'),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 6 }), { maxLength: 5 }),
        (boxes) => {
          const amp = new Amp({ reportError: () => {} });
          const transport = new StringTransport();
          amp.makeConnection(transport);
          amp.respond(Step, ({ number }) => ({ number }));
          amp.respondBox('note', (box) => box);
          amp.callRemote(Step, { number: 1, ballast: new Uint8Array(0) }).addErrback(() => {});
          for (const fields of boxes) {
            const parts = fields.flatMap(([name, text]) => {
              const encoded = Buffer.from(text);
              return [0, name.length, ...Buffer.from(name), 0, encoded.length, ...encoded];
            });
            amp.dataReceived(Uint8Array.from([...parts, 0, 0]));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
