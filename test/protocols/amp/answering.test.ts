import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { setUnhandledFailureHook } from '../../../lib/defer/unhandled.ts';
import { ConnectionReset } from '../../../lib/errors.ts';
import {
  Amp,
  type AmpOptions,
  type ArgumentsOf,
  bytes,
  type CommandLocator,
  defineCommand,
  encodeBox,
  firstLocator,
  LocatorTable,
  locatorOf,
  RemoteAmpError,
  type ResponseOf,
  responder,
  safeInteger,
  UnhandledCommand,
  UnknownRemoteError,
  unicode,
} from '../../../protocols/amp/index.ts';
import { AmpPair, failureOf, turn } from '../../support/amp-pair.ts';

class BadThing extends Error {}
class VeryBadThing extends BadThing {}
class WorseThing extends Error {}
class ZeroDivision extends Error {}

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
});
const Fail = defineCommand({
  name: 'fail',
  arguments: { kind: unicode },
  errors: { BAD_THING: BadThing },
  fatalErrors: { WORSE_THING: WorseThing },
});
const FailChild = defineCommand({
  name: 'fail-child',
  arguments: { kind: unicode },
  errors: { ZERO_DIVISION: ZeroDivision },
  extends: Fail,
});
const Big = defineCommand({ name: 'big', arguments: { size: safeInteger }, response: { value: bytes } });
const Note = defineCommand({ name: 'note', arguments: { text: unicode }, requiresAnswer: false });

const KINDS: Readonly<Record<string, () => Error>> = {
  bad: () => new BadThing('méssage'),
  'very bad': () => new VeryBadThing('worse'),
  worse: () => new WorseThing('x'),
  zero: () => new ZeroDivision('x'),
  other: () => new Error('secret'),
  remote: () => new RemoteAmpError({ code: 'CHOSEN', message: 'x' }),
  'fatal remote': () => new RemoteAmpError({ code: 'CHOSEN', message: 'x', isFatal: true }),
  relayed: () => new UnknownRemoteError({ code: 'FAR', message: 'from far away' }),
  long: () => new BadThing('é'.repeat(40_000)),
  surrogate: () => new BadThing('\ud800'),
};

describe('a responder', () => {
  let reported: Error[];
  let pair: AmpPair;

  function start(options: AmpOptions = {}): void {
    reported = [];
    pair = new AmpPair(new Amp(), new Amp({ reportError: (error) => reported.push(error), ...options }));
    const fail = ({ kind }: { kind: string }): never => {
      throw KINDS[kind]?.();
    };
    pair.server.respond(Fail, fail).respond(FailChild, async (values) => fail(values));
    pair.server.respond(Sum, ({ a, b }) => ({ total: a + b }));
    pair.server.respond(Big, ({ size }) => ({ value: new Uint8Array(size) }));
  }

  /** How the call fails, and whether the connection is still there. */
  async function failing(command: typeof Fail | typeof FailChild, kind: string): Promise<[Error, boolean]> {
    const failure = failureOf(pair.client.callRemote(command, { kind }));
    await pair.flow();
    return [await failure, pair.client.connected];
  }

  beforeEach(() => start());

  for (const [kind, errorClass, isKept, reports] of [
    ['bad', BadThing, true, 0],
    ['very bad', BadThing, true, 0],
    ['worse', WorseThing, false, 0],
    ['remote', UnknownRemoteError, true, 0],
    ['fatal remote', UnknownRemoteError, false, 0],
    ['other', UnknownRemoteError, false, 1],
    ['zero', UnknownRemoteError, false, 1],
    ['relayed', UnknownRemoteError, false, 1],
  ] as const) {
    it(`that fails with what is ${kind} ${isKept ? 'keeps' : 'ends'} the connection; ${reports} reports`, async () => {
      const [error, isConnected] = await failing(Fail, kind);

      expect(error).to.be.instanceOf(errorClass);
      expect(isConnected).to.equal(isKept);
      expect(reported).to.have.length(reports);
    });
  }

  it('gives the caller the text of a declared error', async () => {
    expect((await failing(Fail, 'bad'))[0].message).to.equal('méssage');
  });

  it('gives the code that a command does not declare to its caller', async () => {
    expect((await failing(Fail, 'remote'))[0]).to.include({ remoteCode: 'CHOSEN', message: 'x' });
  });

  it('tells nothing of other errors, those of calls of its own among them', async () => {
    for (const kind of ['other', 'relayed']) {
      start();
      expect((await failing(Fail, kind))[0]).to.include({ remoteCode: 'UNKNOWN', message: 'Unknown Error' });
    }
  });

  it('cuts a text that no box can hold, between characters', async () => {
    const [error] = await failing(Fail, 'long');

    expect(error).to.be.instanceOf(BadThing);
    expect(error.message).to.equal('é'.repeat(32_767));
  });

  it('may have half a surrogate pair in the text of its error', async () => {
    expect((await failing(Fail, 'surrogate'))[0].message).to.equal('\ufffd');
  });

  it('may fail with what its command inherits, and with what it adds', async () => {
    expect((await failing(FailChild, 'bad'))[0]).to.be.instanceOf(BadThing);
    expect((await failing(FailChild, 'zero'))[0]).to.be.instanceOf(ZeroDivision);
    expect(await failing(FailChild, 'worse')).to.satisfy(
      ([error, isConnected]: [Error, boolean]) => error instanceof WorseThing && !isConnected,
    );
    expect(reported).to.deep.equal([]);
  });

  it('keeps the connection with onUndeclaredError: keep', async () => {
    start({ onUndeclaredError: 'keep' });

    const [error, isConnected] = await failing(Fail, 'other');

    expect(error).to.be.instanceOf(UnknownRemoteError);
    expect(isConnected).to.equal(true);
    expect(reported).to.have.length(1);
  });

  it('reports through the hook for unheard failures where there is no reportError', async () => {
    const unheard: Error[] = [];
    const previous = setUnhandledFailureHook((error) => unheard.push(error));
    const problem = new Error('secret');
    pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Sum, () => {
      throw problem;
    });

    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
    await pair.flow();
    await turn();
    setUnhandledFailureHook(previous);

    await failure;
    expect(unheard).to.deep.equal([problem]);
  });

  for (const returned of [undefined, null, 3, { total: 'three' }, {}]) {
    it(`that returns ${JSON.stringify(returned)} is told of by BadLocalReturn, and ends the connection`, async () => {
      pair.server.respond(Sum, () => returned as never);

      const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
      await pair.flow();

      expect(await failure).to.be.instanceOf(UnknownRemoteError);
      expect(reported.map(({ name }) => name)).to.deep.equal(['BadLocalReturn']);
      expect(pair.client.connected).to.equal(false);
    });
  }

  it('may return more than is asked for', async () => {
    pair.server.respond(Sum, ({ a, b }) => ({ total: a + b, words: 'many' }));

    const answer = pair.client.callRemote(Sum, { a: 1, b: 1 });
    await pair.flow();

    expect(await answer).to.deep.equal({ total: 2 });
  });

  it('whose answer is too long has its caller told, and keeps the connection', async () => {
    const failure = failureOf(pair.client.callRemote(Big, { size: 65_536 }));
    await pair.flow();
    const fits = pair.client.callRemote(Big, { size: 65_535 });
    await pair.flow();

    expect(await failure)
      .to.be.instanceOf(UnknownRemoteError)
      .and.include({ remoteCode: 'TOO_LONG' });
    expect(reported.map(({ name }) => name)).to.deep.equal(['TooLong']);
    expect((await fits).value).to.have.length(65_535);
  });

  it('is not asked when the arguments are none: the caller is told nothing, and the connection ends', async () => {
    let isAsked = false;
    pair.server.respond(Sum, () => {
      isAsked = true;
      return { total: 0 };
    });

    const failure = failureOf(
      pair.client.callRemoteBox(
        'Sum',
        new Map([
          ['a', Uint8Array.of(0x78)],
          ['b', Uint8Array.of(0x31)],
        ]),
      ),
    );
    await pair.flow();

    expect(await failure)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'UNKNOWN' });
    expect(isAsked).to.equal(false);
    expect(reported.map(({ name }) => name)).to.deep.equal(['ArgumentError']);
    expect(pair.client.connected).to.equal(false);
  });

  it('is spared the reports of what the peer did wrong, unless it asks for them', async () => {
    const unheard: Error[] = [];
    const previous = setUnhandledFailureHook((error) => unheard.push(error));
    pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Sum, () => ({ total: 0 }));

    const failure = failureOf(pair.client.callRemoteBox('Sum'));
    await pair.flow();
    await turn();
    setUnhandledFailureHook(previous);

    await failure;
    expect(unheard).to.deep.equal([]);
  });

  it('that answers, or is cancelled, after the connection was lost is not heard; what else fails is reported', async () => {
    const answers: Deferred<{ total: number }>[] = [];
    const reason = new ConnectionReset();
    const problem = new Error('later');
    pair.server.respond(Sum, () => {
      const answer = new Deferred<{ total: number }>();
      answers.push(answer);
      return answer;
    });
    const failures = [1, 2, 3, 4].map((a) => failureOf(pair.client.callRemote(Sum, { a, b: 1 })));
    await pair.flow();

    pair.lose(reason);
    answers[0]?.callback({ total: 2 });
    answers[1]?.errback(reason);
    answers[2]?.errback(problem);
    answers[3]?.cancel();
    await turn();

    expect(await Promise.all(failures)).to.deep.equal([reason, reason, reason, reason]);
    expect(pair.serverSide.written).to.deep.equal([]);
    expect(reported).to.deep.equal([problem]);
  });

  it('that fails where no answer is due ends the connection, unless it is kept', async () => {
    const note = () => {
      throw new Error('explode');
    };
    pair.server.respond(Note, note);
    void pair.client.callRemote(Note, { text: 'a' });
    await pair.flow();
    expect(pair.client.connected).to.equal(false);
    expect(reported).to.have.length(1);

    start({ onUndeclaredError: 'keep' });
    pair.server.respond(Note, note);
    void pair.client.callRemote(Note, { text: 'a' });
    await pair.flow();

    expect(pair.client.connected).to.equal(true);
    expect(pair.serverSide.written).to.deep.equal([]);
    expect(reported).to.have.length(1);
  });

  it('knows whether an answer is due, and by what name it was called', async () => {
    const calls: [string, boolean][] = [];
    pair.server.respond(Note, (_values, call) => {
      calls.push([call.name, call.isAnswerExpected]);
    });

    void pair.client.callRemote(Note, { text: '' });
    void pair.client.callRemoteBox('note', new Map([['text', new Uint8Array(0)]]));
    await pair.flow();

    expect(calls).to.deep.equal([
      ['note', false],
      ['note', true],
    ]);
  });

  for (const lose of ['Amp', 'transport'] as const) {
    it(`may end the connection by the ${lose}: its own answer goes, and what comes behind is not looked at`, async () => {
      let sums = 0;
      pair.server.respond(Sum, ({ a, b }) => {
        sums += 1;
        return { total: a + b };
      });
      pair.server.respond(Fail, () => {
        if (lose === 'Amp') pair.server.loseConnection();
        else pair.server.transport.loseConnection();
        return {};
      });

      const before = pair.client.callRemote(Sum, { a: 1, b: 1 });
      const last = pair.client.callRemote(Fail, { kind: '' });
      const behind = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
      await pair.flow();

      expect(await before).to.deep.equal({ total: 2 });
      expect(await last).to.deep.equal({});
      expect((await behind).name).to.equal('ConnectionDone');
      expect(sums).to.equal(1);
    });
  }

  it('for raw boxes returns a box, without keys of AMP’s own', async () => {
    for (const returned of [
      undefined,
      {},
      new Map([['_ask', new Uint8Array(1)]]),
      new Map([['a', 'text']]),
    ]) {
      start();
      pair.server.respondBox('RAW', () => returned as never);
      const failure = failureOf(pair.client.callRemoteBox('RAW'));
      await pair.flow();

      expect(await failure).to.include({ remoteCode: 'UNKNOWN' });
      expect(reported.map(({ name }) => name)).to.deep.equal(['BadLocalReturn']);
    }
  });

  it('is told of nothing that is wrong with an error box', async () => {
    pair = new AmpPair(new Amp(), new Amp());
    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
    await turn();

    pair.client.dataReceived(encodeBox(new Map([['_error', Uint8Array.of(0x31)]])));

    expect(await failure)
      .to.be.instanceOf(UnknownRemoteError)
      .and.include({ remoteCode: '', message: '' });
  });

  it('makes an UnknownRemoteError of an error class that cannot be made', async () => {
    class Picky extends Error {
      constructor(message: string) {
        super(message);
        throw new Error('not so');
      }
    }
    const Fussy = defineCommand({ name: 'fail', arguments: { kind: unicode }, errors: { BAD_THING: Picky } });

    const failure = failureOf(pair.client.callRemote(Fussy, { kind: 'bad' }));
    await pair.flow();

    expect(await failure)
      .to.be.instanceOf(UnknownRemoteError)
      .and.include({ remoteCode: 'BAD_THING' });
  });
});

describe('who answers', () => {
  const Name = defineCommand({ name: 'name', response: { name: unicode } });
  const Other = defineCommand({ name: 'other', response: { name: unicode } });

  async function ask(pair: AmpPair, command: typeof Name = Name): Promise<string> {
    const answer = pair.client.callRemote(command);
    await pair.flow();
    return (await answer).name;
  }

  const named = (name: string) => new LocatorTable().respond(Name, () => ({ name }));

  class Parent {
    @responder(Name)
    first(): ResponseOf<typeof Name> {
      return { name: 'first' };
    }
  }

  it('is what was given to respond, the last one, before marked methods and the locator', async () => {
    class Marked extends Amp {
      @responder(Name)
      method(): ResponseOf<typeof Name> {
        return { name: 'method' };
      }
    }
    const pair = new AmpPair(new Amp(), new Marked({ locator: named('locator') }));
    expect(await ask(pair)).to.equal('method');

    pair.server.respond(Name, () => ({ name: 'function' }));
    expect(await ask(pair)).to.equal('function');
    pair.server.respond(Name, () => ({ name: 'last' }));
    expect(await ask(pair)).to.equal('last');
  });

  it('is the locator, which may be changed while the connection runs', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    await failureOf(ask(pair)).then((error) => expect(error).to.be.instanceOf(UnhandledCommand));

    pair.server.locator = named('before');
    expect(await ask(pair)).to.equal('before');
    pair.server.respond(Other, (_values, call) => {
      call.peer.locator = named('after');
      return { name: 'changed' };
    });

    expect(await ask(pair, Other)).to.equal('changed');
    expect(await ask(pair)).to.equal('after');
  });

  it('is the first of several locators that knows the name', async () => {
    const none: CommandLocator = { locateResponder: () => undefined };
    const pair = new AmpPair(new Amp(), new Amp({ locator: firstLocator(none, named('a'), named('b')) }));

    expect(await ask(pair)).to.equal('a');
  });

  it('is a marked method of any object, with its own this', async () => {
    class Counter {
      #count = 0;
      @responder(Name)
      next(_values: ArgumentsOf<typeof Name>): ResponseOf<typeof Name> {
        this.#count += 1;
        return { name: `${this.#count}` };
      }
    }
    const [one, other] = [new Counter(), new Counter()];
    const pair = new AmpPair(new Amp(), new Amp({ locator: locatorOf(one) }));
    const otherPair = new AmpPair(new Amp(), new Amp({ locator: locatorOf(other) }));

    expect(await ask(pair)).to.equal('1');
    expect(await ask(pair)).to.equal('2');
    expect(await ask(otherPair)).to.equal('1');
  });

  it('is the method that overrides the marked one, marked again or not', async () => {
    class Plain extends Parent {
      override first(): ResponseOf<typeof Name> {
        return { name: `${super.first().name}, overridden` };
      }
    }
    class Again extends Parent {
      @responder(Name)
      second(): ResponseOf<typeof Name> {
        return { name: 'second' };
      }
    }
    class Twice {
      @responder(Name)
      a(): ResponseOf<typeof Name> {
        return { name: 'a' };
      }
      @responder(Name)
      b(): ResponseOf<typeof Name> {
        return { name: 'b' };
      }
    }
    const names = [];
    for (const object of [new Parent(), new Plain(), new Again(), new Twice(), new Parent()]) {
      names.push(await ask(new AmpPair(new Amp(), new Amp({ locator: locatorOf(object) }))));
    }

    expect(names).to.deep.equal(['first', 'first, overridden', 'second', 'b', 'first']);
  });

  it('may be found by a method for several commands', async () => {
    class Both {
      @responder(Other)
      @responder(Name)
      both(): ResponseOf<typeof Name> {
        return { name: 'both' };
      }
    }
    const pair = new AmpPair(new Amp(), new Amp({ locator: locatorOf(new Both()) }));

    expect([await ask(pair), await ask(pair, Other)]).to.deep.equal(['both', 'both']);
  });

  it('is neither a private method nor a static one', () => {
    expect(() => {
      class Hidden {
        readonly isHidden = true;
        @responder(Name)
        static shown(): ResponseOf<typeof Name> {
          return { name: '' };
        }
      }
      return Hidden;
    }).to.throw('neither a static method nor a private one');
  });

  it('is unknown where looking for it fails: as an error that is not declared', async () => {
    const reported: Error[] = [];
    const locator = {
      locateResponder: () => {
        throw new Error('no such table');
      },
    };
    const pair = new AmpPair(new Amp(), new Amp({ locator, reportError: (error) => reported.push(error) }));

    const failure = failureOf(ask(pair));

    expect(await failure).to.be.instanceOf(UnknownRemoteError);
    expect(reported.map(({ message }) => message)).to.deep.equal(['no such table']);
  });
});
