import { expect } from 'chai';
import { Deferred } from '../../lib/defer/deferred.ts';
import { ConnectionDone } from '../../lib/errors.ts';
import {
  type ContractWorld,
  ListFactory,
  listening,
  RecordingClientFactory,
} from '../../lib/testing/contract-world.ts';
import type { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import {
  Amp,
  type AmpOptions,
  type ArgumentsOf,
  bytes,
  defineCommand,
  defineProtocolSwitch,
  type ResponseOf,
  responder,
  safeInteger,
  unicode,
} from '../../protocols/amp/index.ts';
import { failureOf } from './amp-pair.ts';
import { type ContractKind, contractWorld } from './contract.ts';
import { TextRecorder } from './text-recorder.ts';

class BadThing extends Error {}
class WorseThing extends Error {}

/** Adds two numbers. */
export const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
});
const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });
const Later = defineCommand({
  name: 'later',
  arguments: { delayMs: safeInteger },
  response: { delayMs: safeInteger },
});
const Fail = defineCommand({
  name: 'fail',
  arguments: { kind: unicode },
  errors: { BAD_THING: BadThing },
  fatalErrors: { WORSE_THING: WorseThing },
});
const Note = defineCommand({ name: 'note', arguments: { value: bytes }, requiresAnswer: false });
const CallMeBack = defineCommand({
  name: 'call-me-back',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
});
const Switch = defineProtocolSwitch({ name: 'switch' });

/** What both ends answer. */
class Peer extends Amp {
  readonly notes: number[] = [];
  readonly successor = new TextRecorder('from the server');
  reason: Error | undefined = undefined;
  readonly #reactor: MemoryReactor;

  constructor(reactor: MemoryReactor, options: AmpOptions = {}) {
    super({ clock: reactor.clock, ...options });
    this.#reactor = reactor;
    this.respond(Switch, () => this.successor);
  }

  override connectionLost(reason: Error): void {
    super.connectionLost(reason);
    this.reason = reason;
  }

  @responder(Sum)
  sum({ a, b }: ArgumentsOf<typeof Sum>): ResponseOf<typeof Sum> {
    return { total: a + b };
  }

  @responder(Echo)
  echo(values: ArgumentsOf<typeof Echo>): ResponseOf<typeof Echo> {
    return values;
  }

  @responder(Later)
  later(values: ArgumentsOf<typeof Later>): Deferred<ResponseOf<typeof Later>> {
    const answer = new Deferred<ResponseOf<typeof Later>>();
    this.#reactor.clock.callLater(values.delayMs, () => answer.callback(values));
    return answer;
  }

  @responder(Fail)
  fail({ kind }: ArgumentsOf<typeof Fail>): never {
    if (kind === 'bad') throw new BadThing('bäd');
    throw kind === 'worse' ? new WorseThing('worse') : new Error('secret');
  }

  @responder(Note)
  note({ value }: ArgumentsOf<typeof Note>): void {
    this.notes.push(value.length);
  }

  @responder(CallMeBack)
  callMeBack(values: ArgumentsOf<typeof CallMeBack>): Deferred<ResponseOf<typeof Sum>> {
    return this.callRemote(Sum, values);
  }
}

/** The two ends of a connection, and ways to wait for what becomes of them. */
export class Ends {
  readonly world: ContractWorld;
  readonly client: Peer;
  readonly server: Peer;
  /** What the server reported. */
  readonly reported: Error[] = [];

  constructor(world: ContractWorld, reactor: MemoryReactor, options: AmpOptions = {}) {
    this.world = world;
    const reportError = (error: Error) => this.reported.push(error);
    this.server = new Peer(reactor, { chunking: {}, ...options, reportError });
    this.client = new Peer(reactor, { chunking: {} });
  }

  async connect(): Promise<void> {
    const { world, client, server } = this;
    const port = await listening(world, new ListFactory(server));
    const target = world.connectTarget(port);
    world.reactor.connect(world.kind, target, new RecordingClientFactory(client), world.connectOptions);
    await world.until(() => client.connected && server.connected, 'both ends are connected');
  }

  /** What comes of `result`, once it has come. */
  readonly outcome = async <T>(result: PromiseLike<T>): Promise<T> => {
    let isThere = false;
    const done = () => {
      isThere = true;
    };
    result.then(done, done);
    await this.world.until(() => isThere, 'the answer has come');
    return result;
  };

  /** Waits until both ends have heard of the end. */
  readonly ended = (): Promise<void> =>
    this.world.until(
      () => this.client.reason !== undefined && this.server.reason !== undefined,
      'both have heard of the end',
    );

  readonly end = (): Promise<void> => {
    this.client.loseConnection();
    return this.ended();
  };
}

interface AmpTest {
  readonly title: string;
  readonly run: (ends: Ends) => Promise<void>;
}

/** A failure after which the connection ends. */
function endingFailure(kind: string, message: string, reports: number): AmpTest {
  return {
    title: `brings the error and then ends the connection: ${kind}`,
    run: async ({ client, outcome, ended, reported }) => {
      const error = await outcome(failureOf(client.callRemote(Fail, { kind })));
      await ended();

      expect(error.message).to.equal(message);
      expect(reported).to.have.length(reports);
      expect(client.reason).to.be.instanceOf(ConnectionDone);
    },
  };
}

const AMP_CONTRACT: readonly AmpTest[] = [
  {
    title: 'calls both ways, and a call that calls back',
    run: async ({ client, server, outcome, end }) => {
      const there = client.callRemote(Sum, { a: 1, b: 2 });
      const back = server.callRemote(Sum, { a: 3, b: 4 });
      const both = client.callRemote(CallMeBack, { a: 40, b: 2 });

      expect(await outcome(there)).to.deep.equal({ total: 3 });
      expect(await outcome(back)).to.deep.equal({ total: 7 });
      expect(await outcome(both)).to.deep.equal({ total: 42 });
      await end();
      expect([client.reason, server.reason].every((reason) => reason instanceof ConnectionDone)).to.equal(
        true,
      );
    },
  },
  {
    title: 'answers a thousand calls at once',
    run: async ({ client, outcome, end }) => {
      const answers = Array.from({ length: 1000 }, (_, a) => client.callRemote(Sum, { a, b: a }));

      const totals = await outcome(Promise.all(answers));

      expect(totals.every(({ total }, a) => total === 2 * a)).to.equal(true);
      await end();
    },
  },
  {
    title: 'answers out of order',
    run: async ({ client, outcome, end }) => {
      const order: number[] = [];
      const calls = [120, 60, 0].map((delayMs) =>
        client.callRemote(Later, { delayMs }).addCallback((answer) => order.push(answer.delayMs)),
      );

      await outcome(Promise.all(calls));

      expect(order).to.deep.equal([0, 60, 120]);
      await end();
    },
  },
  {
    title: 'carries the largest values, many at once, both ways',
    run: async ({ client, server, outcome, end }) => {
      const value = Uint8Array.from({ length: 65_535 }, (_, index) => index);
      const calls = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? client : server).callRemote(Echo, { value }),
      );

      const answers = await outcome(Promise.all(calls));

      expect(answers.every((answer) => Buffer.compare(answer.value, value) === 0)).to.equal(true);
      await end();
    },
  },
  {
    title: 'carries a value in pieces, and small calls meanwhile',
    run: async ({ client, outcome, end }) => {
      const value = Uint8Array.from({ length: 1_000_000 }, (_, index) => index * 7);

      const large = client.callRemote(Echo, { value });
      const small = client.callRemote(Sum, { a: 1, b: 2 });

      expect(await outcome(small)).to.deep.equal({ total: 3 });
      expect(Buffer.compare((await outcome(large)).value, value)).to.equal(0);
      await end();
    },
  },
  {
    title: 'brings declared errors, and goes on',
    run: async ({ client, outcome, end }) => {
      const error = await outcome(failureOf(client.callRemote(Fail, { kind: 'bad' })));

      expect(error).to.be.instanceOf(BadThing);
      expect(error.message).to.equal('bäd');
      expect(await outcome(client.callRemote(Sum, { a: 1, b: 2 }))).to.deep.equal({ total: 3 });
      await end();
    },
  },
  endingFailure('worse', 'worse', 0),
  endingFailure('other', 'Unknown Error', 1),
  {
    title: 'fails what waits when the connection ends, with the reason',
    run: async ({ client, server, world, outcome }) => {
      const waiting = [1, 2, 3].map(() => failureOf(client.callRemote(Later, { delayMs: 1000 })));
      await world.until(() => client.transport.bufferedBytes === 0, 'the calls are sent');

      client.transport.abortConnection();
      const reasons = await outcome(Promise.all(waiting));

      expect(reasons).to.deep.equal([client.reason, client.reason, client.reason]);
      await world.until(() => server.reason !== undefined, 'the server has heard of the end');
    },
  },
  {
    title: 'times out a call, ignores its answer, and goes on',
    run: async ({ client, outcome, end }) => {
      const error = await outcome(failureOf(client.callRemote(Later, { delayMs: 200 }, { timeoutMs: 100 })));

      expect(error.name).to.equal('TimeoutError');
      expect(await outcome(client.callRemote(Later, { delayMs: 300 }))).to.deep.equal({ delayMs: 300 });
      await end();
    },
  },
  {
    title: 'brings all that nobody answers before the end, and lets the caller wait where it must',
    run: async ({ client, server, outcome, ended }) => {
      let hasWaited = false;
      const write = async (): Promise<void> => {
        for (let note = 0; note < 60; note += 1) {
          const sent = client.callRemote(Note, { value: new Uint8Array(60_000) });
          hasWaited ||= !client.isWritable;
          await sent;
        }
        client.loseConnection();
      };

      await outcome(write());
      await ended();

      expect(server.notes).to.deep.equal(Array.from({ length: 60 }, () => 60_000));
      expect(server.reason).to.be.instanceOf(ConnectionDone);
      expect(hasWaited, 'the transport was full in between').to.equal(true);
    },
  },
  {
    title: 'gives the connection to another protocol',
    run: async ({ client, server, world, outcome }) => {
      const switched = client.switchProtocol(Switch, {}, () => new TextRecorder('from the client'));

      const protocol = await outcome(switched);
      await world.until(
        () => server.successor.text !== '' && protocol.text !== '',
        'both have heard each other',
      );
      protocol.transport.loseConnection();
      await world.until(
        () => protocol.reason !== undefined && server.successor.reason !== undefined,
        'both have heard of the end',
      );

      expect([protocol.text, server.successor.text]).to.deep.equal(['from the server', 'from the client']);
      expect(server.successor.reason).to.be.instanceOf(ConnectionDone);
    },
  },
  {
    title: 'ends the connection of a peer that sends nonsense',
    run: async ({ client, server, ended }) => {
      client.transport.write(Uint8Array.of(0xff, 0xff, 1, 2, 3));

      await ended();
      expect(server.reason).to.be.instanceOf(Error);
    },
  },
];

/** Runs the same tests of AMP over a kind of transport, in virtual time. */
export function itCarriesAmp(makeReactor: () => MemoryReactor, makeKind: () => ContractKind): void {
  for (const { title, run } of AMP_CONTRACT) {
    it(title, async () => {
      const reactor = makeReactor();
      const ends = new Ends(contractWorld(reactor, makeKind()), reactor);
      await ends.connect();

      await run(ends);

      expect(reactor.errors).to.deep.equal([]);
      expect(reactor.clock.runUntilIdle(60_000), 'the clock is idle afterwards').to.equal(true);
    });
  }
}
