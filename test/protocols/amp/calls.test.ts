import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { setUnhandledFailureHook } from '../../../lib/defer/unhandled.ts';
import {
  CancelledError,
  ConnectionDone,
  ConnectionReset,
  TimeoutError,
  UsageError,
} from '../../../lib/errors.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts';
import {
  Amp,
  ampList,
  bytes,
  defineCommand,
  encodeBox,
  InvalidSignature,
  listOf,
  optional,
  ProtocolViolation,
  safeInteger,
  TooLong,
  TooManyCalls,
  unicode,
} from '../../../protocols/amp/index.ts';
import { AmpPair, failureOf, turn } from '../../support/amp-pair.ts';

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
});
const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });
const Note = defineCommand({ name: 'note', arguments: { text: unicode }, requiresAnswer: false });
const LISTS = { list: optional(listOf(safeInteger)), rows: optional(ampList({ x: safeInteger })) };
const Lists = defineCommand({ name: 'lists', arguments: LISTS, response: LISTS });

/** Answers to Sum when told to. */
class Slow {
  readonly answers: Deferred<{ total: number }>[] = [];
  readonly sum = (): Deferred<{ total: number }> => {
    const answer = new Deferred<{ total: number }>();
    this.answers.push(answer);
    return answer;
  };
}

describe('callRemote', () => {
  let clock: VirtualClock;
  let pair: AmpPair;
  let slow: Slow;

  beforeEach(() => {
    clock = new VirtualClock();
    pair = new AmpPair(new Amp({ clock, maxOutstandingCalls: 3 }), new Amp());
    slow = new Slow();
    pair.server.respond(Sum, slow.sum);
    pair.server.respond(Echo, ({ value }) => ({ value }));
  });

  afterEach(() => expect(clock.pending).to.equal(0));

  it('fails with InvalidSignature when an argument is missing, or one too many is there; nothing is sent', async () => {
    const missing = failureOf(pair.client.callRemote(Sum, { a: 1 } as never));
    const extra = failureOf(pair.client.callRemote(Sum, { a: 1, b: 2, c: 3 } as never));
    const none = failureOf(pair.client.callRemote(Sum, null as never));
    await turn();

    expect(await missing).to.be.instanceOf(InvalidSignature);
    expect(await extra).to.be.instanceOf(InvalidSignature);
    expect(await none).to.be.instanceOf(InvalidSignature);
    expect(pair.clientSide.written).to.deep.equal([]);
  });

  it('fails when an argument is of another kind, with its name', async () => {
    const failure = await failureOf(pair.client.callRemote(Sum, { a: 1, b: 'two' } as never));

    expect(failure).to.be.instanceOf(UsageError);
    expect(failure.message).to.contain("'b'");
  });

  it('fails with TooLong for a value of 65 536 bytes, without sending anything; 65 535 go both ways', async () => {
    const tooLong = await failureOf(pair.client.callRemote(Echo, { value: new Uint8Array(65_536) }));
    await turn();
    expect(pair.clientSide.written).to.deep.equal([]);

    const value = new Uint8Array(65_535).fill(7);
    const answer = pair.client.callRemote(Echo, { value });
    await pair.flow();

    expect(tooLong).to.be.instanceOf(TooLong).and.include({ isKey: false, isLocal: true, keyName: 'value' });
    expect((await answer).value).to.deep.equal(value);
  });

  it('fails with TooLong for a key of a raw box that is too long', async () => {
    const failure = failureOf(
      pair.client.callRemoteBox('x', new Map([['k'.repeat(256), new Uint8Array(0)]])),
    );

    expect(await failure)
      .to.be.instanceOf(TooLong)
      .and.include({ isKey: true, isLocal: true });
  });

  it('refuses raw boxes with keys of AMP’s own, and what is no command', async () => {
    const reserved = failureOf(pair.client.callRemoteBox('x', new Map([['_ask', new Uint8Array(0)]])));
    const none = failureOf(pair.client.callRemote({ name: 'Sum' } as typeof Sum, { a: 1, b: 2 }));

    expect(await reserved).to.be.instanceOf(UsageError);
    expect(await none).to.be.instanceOf(UsageError);
  });

  it('fails before there is a connection', async () => {
    expect(await failureOf(new Amp().callRemote(Sum, { a: 1, b: 2 }))).to.be.instanceOf(UsageError);
  });

  it('fails with the reason for which the connection ended, in the order of the tags, and ever after', async () => {
    const order: string[] = [];
    const reason = new ConnectionReset();
    const hear = (name: string) => (error: Error) => {
      order.push(name);
      expect(error).to.equal(reason);
    };
    pair.client.callRemote(Sum, { a: 1, b: 1 }).addErrback((error) => {
      hear('first')(error);
      // The table is empty already: this one fails at once.
      pair.client.callRemote(Sum, { a: 1, b: 1 }).addErrback(hear('re-entrant'));
    });
    pair.client.callRemote(Sum, { a: 1, b: 1 }).addErrback(hear('second'));
    await pair.flow();

    pair.lose(reason);

    expect(order).to.deep.equal(['first', 're-entrant', 'second']);
    expect(await failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }))).to.equal(reason);
  });

  it('fails once the connection is being closed', async () => {
    pair.client.loseConnection();
    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
    await pair.flow();

    expect(await failure).to.be.instanceOf(ConnectionDone);
  });

  it('sends what was called before loseConnection, of the transport too', async () => {
    void pair.client.callRemote(Note, { text: 'a' });
    pair.clientSide.loseConnection();
    await turn();

    expect(pair.clientSide.text).to.contain('note');
    expect(pair.clientSide.producer).to.equal(undefined);
  });

  it('times out; the answer that comes late is ignored', async () => {
    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }, { timeoutMs: 5_000 }));
    await pair.flow();

    clock.advance(4_999);
    await turn();
    clock.advance(1);
    slow.answers[0]?.callback({ total: 2 });
    await pair.flow();

    expect(await failure).to.be.instanceOf(TimeoutError);
    expect(pair.client.connected).to.equal(true);
  });

  it('takes its timer back when the answer comes in time', async () => {
    const answer = pair.client.callRemote(Sum, { a: 1, b: 1 }, { timeoutMs: 5_000 });
    await pair.flow();
    expect(clock.pending).to.equal(1);

    slow.answers[0]?.callback({ total: 2 });
    await pair.flow();

    expect(await answer).to.deep.equal({ total: 2 });
    expect(clock.pending).to.equal(0);
  });

  it('refuses a time limit without a clock, and one that is none', async () => {
    expect(await failureOf(pair.server.callRemote(Sum, { a: 1, b: 1 }, { timeoutMs: 1 }))).to.be.instanceOf(
      UsageError,
    );
    expect(await failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }, { timeoutMs: 0 }))).to.be.instanceOf(
      UsageError,
    );
    expect(
      await failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }, { timeoutMs: Number.NaN })),
    ).to.be.instanceOf(UsageError);
  });

  it('is cancelled by its signal, and by itself; the answers are ignored, an error among them', async () => {
    const controller = new AbortController();
    const aborted = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }, { signal: controller.signal }));
    const call = pair.client.callRemote(Sum, { a: 1, b: 1 });
    const cancelled = failureOf(call);
    await pair.flow();

    controller.abort();
    call.cancel();
    slow.answers[0]?.callback({ total: 2 });
    slow.answers[1]?.callback({ total: 2 });
    await pair.flow();

    expect(await aborted).to.be.instanceOf(CancelledError);
    expect(await cancelled).to.be.instanceOf(CancelledError);
    expect(pair.client.connected).to.equal(true);
  });

  it('sends nothing when its signal has aborted already', async () => {
    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }, { signal: AbortSignal.abort() }));
    await turn();

    expect(await failure).to.be.instanceOf(CancelledError);
    expect(pair.clientSide.written).to.deep.equal([]);
  });

  it('ends the connection when the answer to a call that was given up comes twice', async () => {
    const call = pair.client.callRemote(Sum, { a: 1, b: 1 });
    const failure = failureOf(call);
    call.cancel();
    const answer = encodeBox(new Map([['_answer', Uint8Array.of(0x31)]]));

    pair.client.dataReceived(answer);
    expect(pair.clientSide.disconnecting).to.equal(false);
    pair.client.dataReceived(answer);

    await failure;
    expect(pair.clientSide.disconnecting).to.equal(true);
  });

  it('fails with TooManyCalls beyond maxOutstandingCalls, and not once one was answered', async () => {
    const answers = [1, 2, 3].map((a) => pair.client.callRemote(Sum, { a, b: 0 }));
    const refused = await failureOf(pair.client.callRemote(Sum, { a: 4, b: 0 }));
    await pair.flow();
    slow.answers[0]?.callback({ total: 1 });
    await pair.flow();
    const later = pair.client.callRemote(Sum, { a: 4, b: 0 });
    await pair.flow();
    for (const answer of slow.answers.slice(1)) answer.callback({ total: 0 });
    await pair.flow();

    expect(refused).to.be.instanceOf(TooManyCalls);
    expect(await Promise.all([...answers, later])).to.have.length(4);
  });

  it('fails when the answer is not what the command answers, and the connection goes on', async () => {
    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
    await turn();
    pair.client.dataReceived(
      encodeBox(
        new Map([
          ['_answer', Uint8Array.of(0x31)],
          ['total', Uint8Array.of(0x78)],
        ]),
      ),
    );

    expect((await failure).name).to.equal('ArgumentError');
    expect(pair.clientSide.disconnecting).to.equal(false);
  });

  it('takes optional lists that are left out, empty, present or null', async () => {
    pair.server.respond(Lists, (values) => values);
    const given = [
      {},
      { list: [], rows: [] },
      { list: [1], rows: [{ x: 2 }] },
      { list: undefined, rows: null as never },
    ];

    const answers = [];
    for (const values of given) {
      const answer = pair.client.callRemote(Lists, values);
      await pair.flow();
      answers.push(await answer);
    }

    expect(answers).to.deep.equal([{}, { list: [], rows: [] }, { list: [1], rows: [{ x: 2 }] }, {}]);
  });

  it('reports what fails in a callback of the application, and goes on', async () => {
    const unheard: Error[] = [];
    const previous = setUnhandledFailureHook((error) => unheard.push(error));
    const problem = new Error('in the application');

    pair.client.callRemote(Echo, { value: new Uint8Array(0) }).addCallback(() => {
      throw problem;
    });
    await pair.flow();
    await turn();
    setUnhandledFailureHook(previous);

    expect(unheard).to.deep.equal([problem]);
    expect(pair.client.connected).to.equal(true);
  });

  it('may be called from an answer and from a responder, also back and forth', async () => {
    pair.server.respond(Echo, ({ value }, call) => {
      if (value.length === 0) return { value };
      return call.peer.callRemote(Echo, { value: value.subarray(1) });
    });
    pair.client.respond(Echo, ({ value }, call) => call.peer.callRemote(Echo, { value: value.subarray(1) }));

    const answers: number[] = [];
    pair.client.callRemote(Echo, { value: new Uint8Array(4) }).addCallback(({ value }) => {
      answers.push(value.length);
      return pair.client.callRemote(Echo, { value: new Uint8Array(4) }).addCallback(() => answers.push(4));
    });
    await pair.flow();

    expect(answers).to.deep.equal([0, 4]);
  });

  describe('without an answer', () => {
    it('waits while the transport is full, and goes on when it has drained', async () => {
      pair.clientSide.acceptsMore = false;
      await pair.client.callRemote(Note, { text: 'a' });
      await turn();
      expect(pair.client.isWritable).to.equal(false);

      let isSent = false;
      const second = pair.client.callRemote(Note, { text: 'b' }).addCallback(() => {
        isSent = true;
      });
      await turn();
      expect(isSent).to.equal(false);
      pair.clientSide.acceptsMore = true;
      (pair.clientSide.producer as StringTransport | undefined)?.resumeProducing();
      await second;

      expect(pair.client.isWritable).to.equal(true);
      expect(pair.clientSide.producer, 'nothing waits: nobody need be told').to.equal(undefined);
    });

    it('notices within one turn that much was sent', async () => {
      pair.clientSide.acceptsMore = false;
      let calls = 0;
      while (pair.client.isWritable && calls < 100) {
        void pair.client.callRemote(Note, { text: 'x'.repeat(10_000) });
        calls += 1;
      }

      expect(calls).to.be.lessThan(10);
    });

    it('fails when the connection ends before; nobody need listen', async () => {
      const unheard: Error[] = [];
      const previous = setUnhandledFailureHook((error) => unheard.push(error));
      pair.clientSide.acceptsMore = false;
      await pair.client.callRemote(Note, { text: 'a' });
      await turn();

      const waiting = pair.client.callRemote(Note, { text: 'b' });
      void pair.client.callRemote(Note, { text: 'c' });
      pair.lose(new ConnectionReset());
      const after = pair.client.callRemote(Note, { text: 'd' });
      void pair.client.callRemote(Note, { text: 'e' });
      await turn();
      await turn();
      setUnhandledFailureHook(previous);

      expect(await failureOf(waiting)).to.be.instanceOf(ConnectionReset);
      expect(await failureOf(after)).to.be.instanceOf(ConnectionReset);
      expect(unheard).to.deep.equal([]);
    });

    it('still fails aloud for arguments that are none', async () => {
      expect(await failureOf(pair.client.callRemote(Note, { text: 1 } as never))).to.be.instanceOf(
        UsageError,
      );
    });

    it('may be a raw box', async () => {
      const boxes: unknown[] = [];
      pair.server.respondBox('raw', (box) => {
        boxes.push(box);
        return new Map();
      });

      await pair.client.callRemoteBox('raw', new Map([['a', Uint8Array.of(1)]]), { requiresAnswer: false });
      await pair.flow();

      expect(boxes).to.deep.equal([new Map([['a', Uint8Array.of(1)]])]);
      expect(pair.serverSide.written).to.deep.equal([]);
    });
  });

  describe('whenWritable', () => {
    it('fires at once, after the drain, or fails with the connection', async () => {
      await pair.client.whenWritable();
      pair.clientSide.acceptsMore = false;
      void pair.client.callRemote(Note, { text: 'a' });
      await turn();

      const first = pair.client.whenWritable();
      const cancelled = pair.client.whenWritable();
      const waiting = failureOf(cancelled);
      cancelled.cancel();
      (pair.clientSide.producer as StringTransport | undefined)?.resumeProducing();
      await first;
      (pair.clientSide.producer as StringTransport | undefined)?.pauseProducing();
      void pair.client.callRemote(Note, { text: 'a' });
      await turn();
      const lost = failureOf(pair.client.whenWritable());
      pair.lose(new ConnectionReset());

      expect(await waiting).to.be.instanceOf(CancelledError);
      expect(await lost).to.be.instanceOf(ConnectionReset);
      expect(await failureOf(pair.client.whenWritable())).to.be.instanceOf(ConnectionReset);
    });
  });

  it('lets a box receiver send before connectionMade', () => {
    const order: string[] = [];
    class Early extends Amp {
      override connectionMade(): void {
        order.push('made');
      }
    }
    const amp = new Early({
      boxReceiver: {
        startReceivingBoxes: (sender) => {
          order.push('start');
          sender.sendBox(new Map([['a', Uint8Array.of(1)]]));
        },
        boxReceived: (box) => order.push(`box ${[...box.keys()].join()}`),
        stopReceivingBoxes: (reason) => order.push(reason.name),
      },
    });
    const transport = new StringTransport();

    amp.makeConnection(transport);
    amp.dataReceived(encodeBox(new Map([['b', Uint8Array.of(1)]])));
    amp.loseConnection();
    transport.deliverClose(amp);

    expect(order).to.deep.equal(['start', 'made', 'box b', 'ConnectionDone']);
    expect(transport.text).to.equal('\0\x01a\0\x01\x01\0\0');
  });

  it('ends the connection when a box receiver finds a fault, and lets other errors be what they are', () => {
    const thrown: { error: Error } = { error: new ProtocolViolation('a rule') };
    const make = () => {
      const amp = new Amp({
        boxReceiver: {
          startReceivingBoxes: () => {},
          boxReceived: () => {
            throw thrown.error;
          },
          stopReceivingBoxes: () => {},
        },
      });
      const transport = new StringTransport();
      amp.makeConnection(transport);
      return { amp, transport };
    };
    const box = encodeBox(new Map([['b', Uint8Array.of(1)]]));

    const { amp, transport } = make();
    amp.dataReceived(box);
    expect(transport.disconnecting).to.equal(true);

    thrown.error = new Error('a bug');
    expect(() => make().amp.dataReceived(box)).to.throw('a bug');
  });
});
