import { expect } from 'chai';
import { ConnectionReset, UsageError } from '../../../lib/errors.ts';
import type { PushProducer } from '../../../lib/interfaces/producer.ts';
import {
  Amp,
  type AmpOptions,
  BoxDispatcher,
  BoxRouter,
  bytes,
  defineCommand,
  encodeBox,
  listOf,
  parseBoxes,
  RemoteAmpError,
  safeInteger,
  TooLong,
  UnhandledCommand,
} from '../../../protocols/amp/index.ts';
import { AmpPair, failureOf, turn } from '../../support/amp-pair.ts';

const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });
const Two = defineCommand({
  name: 'two',
  arguments: { one: bytes, other: bytes, small: bytes },
  response: { lengths: listOf(safeInteger) },
});
const Big = defineCommand({ name: 'big', arguments: { size: safeInteger }, response: { value: bytes } });
const Note = defineCommand({ name: 'note', arguments: { value: bytes }, requiresAnswer: false });

const ascii = (text: string) => new TextEncoder().encode(text);

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 7);
}

describe('values of more than 65 535 bytes', () => {
  let pair: AmpPair;
  let reported: Error[];

  function start(here: AmpOptions = { chunking: {} }, there: AmpOptions = { chunking: {} }): void {
    reported = [];
    pair = new AmpPair(new Amp(here), new Amp({ reportError: (error) => reported.push(error), ...there }));
    pair.server.respond(Echo, (values) => values);
    pair.server.respond(Big, ({ size }) => ({ value: pattern(size) }));
    pair.server.respond(Two, ({ one, other, small }) => ({
      lengths: [one.length, other.length, small.length],
    }));
  }

  beforeEach(() => start());

  for (const size of [65_536, 131_070, 131_071, 500_000]) {
    it(`go both ways: ${size} bytes`, async () => {
      const value = pattern(size);

      const answer = pair.client.callRemote(Echo, { value });
      await pair.flow();

      expect(Buffer.compare((await answer).value, value)).to.equal(0);
      expect(reported).to.deep.equal([]);
    });
  }

  it('may be several in one box, beside small ones', async () => {
    const answer = pair.client.callRemote(Two, {
      one: pattern(70_000),
      other: pattern(200_000),
      small: pattern(10),
    });
    await pair.flow();

    expect((await answer).lengths).to.deep.equal([70_000, 200_000, 10]);
  });

  it('go in answers although the caller never sent any', async () => {
    const answer = pair.client.callRemote(Big, { size: 100_000 });
    await pair.flow();

    expect((await answer).value).to.deep.equal(pattern(100_000));
  });

  it('go in calls that nobody answers, and in raw boxes', async () => {
    const lengths: number[] = [];
    pair.server.respond(Note, ({ value }) => void lengths.push(value.length));
    pair.server.respondBox('raw', (box) => box);

    const note = pair.client.callRemote(Note, { value: pattern(300_000) });
    const raw = pair.client.callRemoteBox('raw', new Map([['a', pattern(70_000)]]));
    await pair.flow();
    await note;

    expect(lengths).to.deep.equal([300_000]);
    expect((await raw).get('a')).to.deep.equal(pattern(70_000));
  });

  it('go over routes', async () => {
    const [here, there] = [new BoxRouter(), new BoxRouter()];
    start({ chunking: {}, router: here }, { chunking: {}, router: there });
    const [calling, answering] = [new BoxDispatcher(), new BoxDispatcher()];
    answering.respond(Echo, (values) => values);
    there.bind(answering, 'b').connectTo('a');
    here.bind(calling, 'a').connectTo('b');

    const answer = calling.callRemote(Echo, { value: pattern(70_000) });
    await pair.flow();

    expect((await answer).value).to.have.length(70_000);
  });

  it('are on the wire as the page says', async () => {
    void pair.client.callRemote(Echo, { value: pattern(65_537) }).addErrback(() => {});
    await turn();
    const [asked] = parseBoxes(Buffer.concat(pair.clientSide.written));
    pair.clientSide.clear();
    pair.client.dataReceived(
      encodeBox(
        new Map([
          ['_answer', ascii('2')],
          ['max', ascii('100000')],
        ]),
      ),
    );
    await turn();
    const boxes = parseBoxes(Buffer.concat(pair.clientSide.written));

    expect(
      [...(asked as Map<string, Uint8Array>)].map(([key, value]) => [key, `${Buffer.from(value)}`]),
    ).to.deep.equal([
      ['_ask', '2'],
      ['_command', 'hawser.chunks'],
      ['max', '16777216'],
    ]);
    expect(boxes.map((box) => [...box.keys()])).to.deep.equal([
      ['_chunk', 'bytes'],
      ['_chunk', 'bytes'],
      ['_ask', '_chunks', '_command'],
    ]);
    expect(boxes.map((box) => box.get('bytes')?.length)).to.deep.equal([65_535, 2, undefined]);
    expect(boxes[0]?.get('_chunk')).to.deep.equal(ascii('1'));
    expect(boxes[2]?.get('_chunks')).to.deep.equal(ascii('\0\x05value\0\x011'));
  });

  it('are TooLong without the option, and nothing is sent', async () => {
    start({}, { chunking: {} });

    const failure = failureOf(pair.client.callRemote(Echo, { value: pattern(65_536) }));
    await turn();

    expect(await failure).to.be.instanceOf(TooLong);
    expect(pair.clientSide.written).to.deep.equal([]);
  });

  it('are TooLong where the peer does not know of them, as Twisted does not; all else goes on', async () => {
    start({ chunking: {} }, {});

    const failure = failureOf(pair.client.callRemote(Echo, { value: pattern(65_536) }));
    const note = failureOf(pair.client.callRemote(Note, { value: pattern(65_536) }));
    await pair.flow();
    const answer = pair.client.callRemote(Echo, { value: pattern(10) });
    await pair.flow();

    expect(await failure)
      .to.be.instanceOf(TooLong)
      .and.include({ keyName: 'value', length: 65_536 });
    expect((await failure).cause).to.be.instanceOf(UnhandledCommand);
    expect(await note).to.be.instanceOf(TooLong);
    expect((await answer).value).to.have.length(10);
  });

  it('are TooLong beyond what the peer takes, in calls and in answers', async () => {
    start({ chunking: { maxBytes: 100_000 } }, { chunking: { maxBytes: 200_000 } });

    const fits = pair.client.callRemote(Two, {
      one: pattern(100_000),
      other: pattern(100_000),
      small: pattern(1),
    });
    const exceeds = failureOf(
      pair.client.callRemote(Two, { one: pattern(100_000), other: pattern(100_001), small: pattern(1) }),
    );
    const answer = failureOf(pair.client.callRemote(Big, { size: 100_001 }));
    await pair.flow();

    expect((await fits).lengths).to.deep.equal([100_000, 100_000, 1]);
    expect(await exceeds).to.be.instanceOf(TooLong);
    expect(await answer)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'TOO_LONG' });
    expect(reported.map(({ name }) => name)).to.deep.equal(['TooLong']);
    expect(pair.client.connected).to.equal(true);
  });

  it('keep to maxBoxBytes of the side that takes them, where it is given', async () => {
    start({ chunking: {} }, { chunking: {}, maxBoxBytes: 80_000 });

    const fits = pair.client.callRemote(Two, { one: pattern(80_000), other: pattern(1), small: pattern(1) });
    const exceeds = failureOf(pair.client.callRemote(Echo, { value: pattern(80_001) }));
    await pair.flow();

    expect((await fits).lengths).to.deep.equal([80_000, 1, 1]);
    expect(await exceeds).to.be.instanceOf(TooLong);
  });

  it('let small calls go in between, and wait for a transport that is full', async () => {
    const first = pair.client.callRemote(Echo, { value: pattern(65_536) });
    await pair.flow();
    await first;
    pair.clientSide.acceptsMore = false;

    const order: string[] = [];
    pair.client.callRemote(Echo, { value: pattern(400_000) }).addCallback(() => order.push('large'));
    await turn();
    expect(pair.clientSide.bufferedBytes).to.be.lessThan(200_000);
    pair.client.callRemote(Echo, { value: pattern(1) }).addCallback(() => order.push('small'));
    while (order.length < 2) {
      await pair.flow();
      (pair.clientSide.producer as PushProducer | undefined)?.resumeProducing();
    }

    expect(order).to.deep.equal(['small', 'large']);
  });

  it('fail with the connection, wherever they are', async () => {
    const asking = failureOf(pair.client.callRemote(Echo, { value: pattern(100_000) }));
    const note = failureOf(pair.client.callRemote(Note, { value: pattern(100_000) }));
    const reason = new ConnectionReset();

    pair.lose(reason);

    expect(await asking).to.equal(reason);
    expect(await note).to.equal(reason);
  });

  it('are dropped when they are cancelled before they were begun', async () => {
    const call = pair.client.callRemote(Note, { value: pattern(100_000) });
    const failure = failureOf(call);
    call.cancel();
    await pair.flow();

    expect((await failure).name).to.equal('CancelledError');
    expect(reported).to.deep.equal([]);
    expect(pair.client.connected).to.equal(true);
  });

  it('are owed while their pieces wait: the peer is not read beyond its limit', async () => {
    start({ chunking: {} }, { chunking: {}, maxAnswersOwed: 2 });
    const warm = pair.client.callRemote(Big, { size: 70_000 });
    await pair.flow();
    await warm;
    pair.serverSide.acceptsMore = false;

    for (let call = 0; call < 5; call += 1)
      void pair.client.callRemote(Big, { size: 300_000 }).addErrback(() => {});
    await pair.flow();

    expect(pair.serverSide.paused).to.equal(true);
    pair.lose(new ConnectionReset());
  });

  it('that were kept back for TLS are not sent in clear', async () => {
    const warm = pair.client.callRemote(Echo, { value: pattern(70_000) });
    await pair.flow();
    await warm;
    const refused = failureOf(pair.client.startTLS({ insecure: true }));

    const failure = failureOf(pair.client.callRemote(Echo, { value: pattern(70_000) }));
    const note = failureOf(pair.client.callRemote(Note, { value: pattern(70_000) }));
    await pair.flow();

    expect(await refused).to.be.instanceOf(UnhandledCommand);
    expect(await failure).to.be.instanceOf(UsageError);
    expect(await note).to.be.instanceOf(UsageError);
  });

  for (const [fault, boxes] of [
    [
      'more bytes than are taken',
      Array.from({ length: 3 }, () => ({ _chunk: '1', bytes: 'x'.repeat(50_000) })),
    ],
    ['too many short pieces', Array.from({ length: 1001 }, (_, id) => ({ _chunk: `${id}`, bytes: 'x' }))],
    ['a piece without bytes', [{ _chunk: '1' }]],
    ['a box with pieces that did not come', [{ _answer: '1', _chunks: '\0\x01a\0\x011' }]],
    ['a list of pieces that is cut short', [{ _answer: '1', _chunks: '\0\x01a\0\x09' }]],
    ['a list of pieces with a key and no name', [{ _answer: '1', _chunks: '\0\x01a' }]],
    [
      'a value in pieces that is there already',
      [
        { _chunk: '1', bytes: 'x' },
        { a: '', _answer: '1', _chunks: '\0\x01a\0\x011' },
      ],
    ],
  ] as const) {
    it(`end the connection upon ${fault}`, () => {
      start({ chunking: { maxBytes: 100_000 } });
      for (const box of boxes) {
        const fields = Object.entries(box).map(([key, value]): [string, Uint8Array] => [key, ascii(value)]);
        pair.client.dataReceived(encodeBox(new Map(fields)));
      }

      expect(pair.clientSide.disconnecting).to.equal(true);
    });
  }

  it('refuse limits that are none', () => {
    for (const maxBytes of [0, -1, 1.5, Number.NaN]) {
      expect(() => new Amp({ chunking: { maxBytes } })).to.throw(UsageError);
    }
  });
});
