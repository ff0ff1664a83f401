import { expect } from 'chai';
import { Say, UnfitLine } from '../../../examples/chat/commands.ts';
import { harmless } from '../../../examples/chat/harmless.ts';
import { Room, type Seat } from '../../../examples/chat/room.ts';
import { LoginDenied } from '../../../lib/errors.ts';
import { type Amp, MAX_VALUE_BYTES } from '../../../protocols/amp/index.ts';
import { testCertificates } from '../../support/certificates.ts';
import { ChatWorld, type Guest } from '../../support/chat-world.ts';

/** What is kept for a client that reads nothing: what its connection holds, and some. */
const MOST_KEPT_BYTES = 256 * 1024;

describe('the room of the chat', () => {
  let world: ChatWorld;
  let bob: Guest;

  before(async function () {
    // Loads a library, and makes keys.
    this.timeout(10_000);
    await testCertificates();
  });

  beforeEach(async () => {
    world = new ChatWorld();
    await world.start();
    bob = await world.member('bob');
  });

  afterEach(async () => {
    await world.leave(bob);
    await world.over();
  });

  it('shows what would change a terminal, or pretend to be another line, as its code points', async () => {
    const alice = await world.member('alice', '10.0.0.3');

    await world.until(alice.chat.say('\x1b[2Jhi\r\nbob: I agree\x07 \u202eeht \u200d'), 'she has spoken');
    await world.happens(() => bob.shown.length === 2, 'bob has heard');
    await world.leave(alice, bob);

    const harmlessLine = 'alice: \\u{1b}[2Jhi\\u{d}\\u{a}bob: I agree\\u{7} \\u{202e}eht \u200d';
    expect(bob.shown[1]).to.equal(harmlessLine);
  });

  it('takes no line that is too long or empty, says why, and the connection stays', async () => {
    const alice = await world.member('alice', '10.0.0.3');

    const long = await world.failure(alice.chat.say('x'.repeat(1_001)));
    const empty = await world.failure(alice.chat.say(' \t'));
    await world.until(alice.chat.say('x'.repeat(1_000)), 'this is taken');
    await world.happens(() => bob.shown.length === 2, 'bob has heard');
    await world.leave(alice, bob);

    expect([long, empty].every((failure) => failure instanceof UnfitLine)).to.equal(true);
    expect(long.message).to.equal('a line has at most 1000 characters; this one has 1001');
    expect(bob.shown[1]).to.equal(`alice: ${'x'.repeat(1_000)}`);
  });

  it('has somebody who says very much wait, whether they wait for answers or not, and loses nothing', async () => {
    const alice = await world.member('alice', '10.0.0.3');

    for (let count = 0; count < 200; count += 1) alice.chat.callRemote(Say, { text: `${count}` });
    await world.pass(5_000);
    const early = bob.shown.length;
    await world.pass(20_000);
    await world.leave(alice, bob);

    // 20 at once, 10 in each second, and those whose answers are owed.
    expect(early).to.be.within(21, 85);
    const lines = Array.from({ length: 200 }, (_, count) => `alice: ${count}`);
    expect(bob.shown.slice(1, 201)).to.deep.equal(lines);
  });

  it('keeps next to nothing for somebody who does not read, tells them how much they missed, and delays nobody', async function () {
    // A third of a megabyte through TLS and PTCP: half a second, and more on a busy machine.
    this.timeout(10_000);
    const alice = await world.member('alice', '10.0.0.3');
    const carol = await world.member('carol', '10.0.0.4');
    const { transport } = world.connections.get('carol') as Amp;
    let mostBytes = 0;

    carol.chat.transport.pauseProducing();
    for (let count = 0; count < 120; count += 1) {
      alice.chat.callRemote(Say, { text: '€'.repeat(1_000) });
      await world.pass(100, 3);
      mostBytes = Math.max(mostBytes, transport.bufferedBytes);
    }
    const heard = bob.shown.length;
    const shown = carol.shown.length;
    carol.chat.transport.resumeProducing();
    await world.happens(
      () => carol.shown.at(-1)?.startsWith('*') === true,
      'carol knows that she missed some',
    );
    await world.leave(alice, carol, bob);

    const lineCount = carol.shown.filter((line) => line.startsWith('alice: ')).length;
    const [, missedCount] = /^\* (\d+) lines went by/.exec(carol.shown.at(-1) ?? '') ?? [];
    expect(heard, 'two came, and 120 lines').to.be.within(120, 122);
    expect(shown).to.equal(0);
    expect(mostBytes).to.be.within(1, MOST_KEPT_BYTES);
    expect(lineCount + Number(missedCount)).to.equal(120);
    expect(Number(missedCount)).to.be.above(0);
  });

  it('throws out somebody who goes on not to read', async () => {
    const carol = await world.member('carol', '10.0.0.4');

    carol.chat.transport.pauseProducing();
    await world.pass(90_000);
    const names = [...world.server.room.names];
    await world.leave(bob);

    expect(names).to.deep.equal(['bob']);
    expect(bob.shown).to.deep.equal(['* carol is here', '* carol has left']);
  });

  it('gives one user four seats, and says so to the fifth', async () => {
    const more = [];
    for (let count = 0; count < 3; count += 1) more.push(await world.member('bob', '10.0.0.3'));

    const fifth = await world.guest('10.0.0.3');
    const failure = await world.failure(fifth.logIn('bob', 'swordfish'));
    await world.leave(bob, ...more);

    expect(failure).to.be.instanceOf(LoginDenied);
    expect(failure.message).to.equal('you are here 4 times already');
  });

  it('has so many seats that the names of all fit into an answer, and no more', () => {
    const room = new Room();
    const seats = Array.from({ length: 64 }, (_, count) =>
      seat(String.fromCharCode(0x4e00 + count).repeat(256)),
    );
    for (const one of seats) room.enter(one);

    const bytes = room.names.reduce((sum, name) => sum + 2 + Buffer.byteLength(name), 0);

    expect(bytes).to.be.below(MAX_VALUE_BYTES);
    expect(() => room.enter(seat('one more'))).to.throw(LoginDenied, 'the room is full; try again later');
    expect(room.seatCount).to.equal(64);
  });
});

describe('harmless', () => {
  it('leaves letters, emoji with their joiners, and spaces as they are', () => {
    const text = 'naïve 漢字 نمی\u200cخواهم 👩\u200d💻 – ok';

    expect(harmless(text)).to.equal(text);
  });

  it('shows half characters, line separators and what has no width', () => {
    expect(harmless('\ud800 \u2028 \u200b \ufeff \x9b')).to.equal(
      '\\u{d800} \\u{2028} \\u{200b} \\u{feff} \\u{9b}',
    );
  });
});

function seat(name: string): Seat {
  return { name, tell: () => {} };
}
