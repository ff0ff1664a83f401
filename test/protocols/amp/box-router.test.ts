import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { ConnectionDone, ConnectionReset, UsageError } from '../../../lib/errors.ts';
import type { PushProducer } from '../../../lib/interfaces/producer.ts';
import {
  Amp,
  BoxDispatcher,
  BoxRouter,
  bytes,
  defineCommand,
  encodeBox,
  parseBoxes,
  type ReceivedBox,
  RemoteAmpError,
  type Route,
  StartTls,
  safeInteger,
  UnhandledCommand,
  unicode,
} from '../../../protocols/amp/index.ts';
import { AmpPair, failureOf, turn } from '../../support/amp-pair.ts';

const Open = defineCommand({ name: 'open', arguments: { route: unicode }, response: { route: unicode } });
const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
});
const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });
const Note = defineCommand({ name: 'note', arguments: { text: unicode }, requiresAnswer: false });

describe('BoxRouter', () => {
  let here: BoxRouter;
  let there: BoxRouter;
  let pair: AmpPair;
  /** The ends at the server, in the order in which they were opened. */
  let served: { route: Route; dispatcher: BoxDispatcher }[];

  beforeEach(() => {
    here = new BoxRouter();
    there = new BoxRouter();
    served = [];
    pair = new AmpPair(new Amp({ router: here }), new Amp({ router: there }));
    pair.server.respond(Open, ({ route: remote }) => {
      const number = served.length;
      const dispatcher = new BoxDispatcher();
      dispatcher.respond(Sum, ({ a, b }) => ({ total: a + b + 100 * number }));
      dispatcher.respond(Echo, (values) => values);
      const route = there.bind(dispatcher);
      route.connectTo(remote);
      served.push({ route, dispatcher });
      return { route: route.name as string };
    });
  });

  /** Opens one more route. */
  async function open(
    dispatcher = new BoxDispatcher(),
  ): Promise<{ route: Route; dispatcher: BoxDispatcher }> {
    const route = here.bind(dispatcher);
    const answer = pair.client.callRemote(Open, { route: route.name as string });
    await pair.flow();
    route.connectTo((await answer).route);
    return { route, dispatcher };
  }

  it('carries several conversations over one connection, each with tags of its own', async () => {
    const first = await open();
    const second = await open();
    pair.server.respond(Sum, () => ({ total: -1 }));

    const answers = [first.dispatcher, second.dispatcher, pair.client].map((peer) =>
      peer.callRemote(Sum, { a: 1, b: 2 }),
    );
    await turn();
    const tags = parseBoxes(Buffer.concat(pair.clientSide.written)).map((box) => `${box.get('_ask')}`);
    expect(tags, 'characters, as numbers').to.deep.equal(['49', '49', '51']);
    await pair.flow();

    expect((await Promise.all(answers)).map(({ total }) => total)).to.deep.equal([3, 103, -1]);
  });

  it('lets both ends call', async () => {
    const { dispatcher } = await open();
    dispatcher.respond(Note, ({ text }) => void notes.push(text));
    const notes: string[] = [];

    void served[0]?.dispatcher.callRemote(Note, { text: 'from the server' });
    await pair.flow();

    expect(notes).to.deep.equal(['from the server']);
  });

  it('puts the route among the keys in their order', async () => {
    const { route } = await open();
    pair.clientSide.clear();

    route.sendBox(
      new Map([
        ['a', new Uint8Array(0)],
        ['_command', Uint8Array.of(0x78)],
        ['A', new Uint8Array(0)],
      ]),
    );
    await turn();

    expect(pair.clientSide.text).to.equal(
      '\0\x01A\0\0\0\x08_command\0\x01x\0\x06_route\0\x011\0\x01a\0\0\0\0',
    );
  });

  it('keeps what comes before a route is connected, and delivers it then', async () => {
    const boxes: ReceivedBox[] = [];
    const route = here.bind({
      startReceivingBoxes: () => {},
      boxReceived: (box) => boxes.push(box),
      stopReceivingBoxes: () => {},
    });
    const box = new Map([['a', Uint8Array.of(1)]]);
    pair.client.dataReceived(encodeBox(new Map([...box, ['_route', Uint8Array.of(0x31)]])));
    expect(boxes).to.deep.equal([]);

    route.connectTo('far');

    expect(route.name).to.equal('1');
    expect(boxes).to.deep.equal([box]);
  });

  it('ends the connection when too much comes before a route is connected', async () => {
    here.bind(new BoxDispatcher());
    const box = encodeBox(
      new Map([
        ['a', new Uint8Array(60_000)],
        ['_route', Uint8Array.of(0x31)],
      ]),
    );

    for (let count = 0; count < 20; count += 1) pair.client.dataReceived(box);

    expect(pair.clientSide.disconnecting).to.equal(true);
  });

  it('ends the connection when a box comes for a route that was never bound', () => {
    pair.client.dataReceived(encodeBox(new Map([['_route', Uint8Array.of(0x39)]])));

    expect(pair.clientSide.disconnecting).to.equal(true);
  });

  it('answers for a route that was ended that nobody is there, and drops the rest', async () => {
    const { dispatcher } = await open();
    served[0]?.route.unbind();

    const failure = failureOf(dispatcher.callRemote(Sum, { a: 1, b: 2 }));
    void dispatcher.callRemote(Note, { text: '' });
    await pair.flow();

    expect(await failure).to.be.instanceOf(UnhandledCommand);
    expect(pair.client.connected).to.equal(true);
  });

  it('fails the calls of a route that is ended, and no others', async () => {
    const { dispatcher, route } = await open();
    const other = await open();
    const waiting = failureOf(dispatcher.callRemote(Sum, { a: 1, b: 2 }));
    const answer = other.dispatcher.callRemote(Sum, { a: 1, b: 2 });

    route.unbind();
    route.unbind();
    const after = failureOf(dispatcher.callRemote(Sum, { a: 1, b: 2 }));
    await pair.flow();

    expect(await waiting).to.be.instanceOf(ConnectionDone);
    expect(await after).to.be.instanceOf(ConnectionDone);
    expect(await answer).to.deep.equal({ total: 103 });
  });

  it('fails the calls of every route when the connection is lost', async () => {
    const routes = [await open(), await open()];
    const failures = routes.map(({ dispatcher }) => failureOf(dispatcher.callRemote(Sum, { a: 1, b: 2 })));
    const reason = new ConnectionReset();

    pair.lose(reason);

    expect(await Promise.all(failures)).to.deep.equal([reason, reason]);
    expect(() => here.bind(new BoxDispatcher())).to.throw(ConnectionReset);
  });

  it('starts routes that were connected before there was a connection', async () => {
    const early = new BoxRouter();
    const dispatcher = new BoxDispatcher();
    const route = early.bind(dispatcher, 'mine');
    expect(() => route.sendBox(new Map())).to.throw(UsageError);
    route.connectTo('yours');
    const other = new BoxRouter();
    const answering = new BoxDispatcher();
    answering.respond(Sum, ({ a, b }) => ({ total: a + b }));
    other.bind(answering, 'yours').connectTo('mine');

    const wired = new AmpPair(new Amp({ router: early }), new Amp({ router: other }));
    const answer = dispatcher.callRemote(Sum, { a: 1, b: 2 });
    await wired.flow();

    expect(await answer).to.deep.equal({ total: 3 });
  });

  it('refuses names that are taken or none, and to connect twice', async () => {
    const { route } = await open();

    expect(() => here.bind(new BoxDispatcher(), route.name)).to.throw(UsageError);
    expect(() => here.bind(new BoxDispatcher(), '')).to.throw(UsageError);
    expect(() => here.bind(new BoxDispatcher(), undefined)).to.throw(UsageError, 'bound already');
    expect(() => route.connectTo('x')).to.throw(UsageError, 'already');
  });

  it('refuses commands that are for a connection', async () => {
    const { dispatcher } = await open();
    served[0]?.dispatcher.respond(StartTls, () => ({}));

    const failure = failureOf(dispatcher.callRemoteBox('StartTLS'));
    await pair.flow();

    expect(await failure)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'NOT_A_CONNECTION' });
  });

  it('stops reading while one of its routes owes too much, unless another awaits an answer', async () => {
    const { dispatcher } = await open();
    const answers: Deferred<{ total: number }>[] = [];
    const dull = new BoxDispatcher({ maxAnswersOwed: 1 });
    dull.respond(Sum, () => {
      const answer = new Deferred<{ total: number }>();
      answers.push(answer);
      return answer;
    });
    const route = here.bind(dull);
    route.connectTo('x');
    const call = new Map([
      ['_ask', Uint8Array.of(0x31)],
      ['_command', new TextEncoder().encode('Sum')],
      ['_route', new TextEncoder().encode(route.name)],
      ['a', Uint8Array.of(0x31)],
      ['b', Uint8Array.of(0x31)],
    ]);

    pair.client.dataReceived(encodeBox(call));
    expect(pair.clientSide.paused).to.equal(true);
    void dispatcher.callRemote(Echo, { value: new Uint8Array(0) });
    await turn();
    expect(pair.clientSide.paused).to.equal(false);
    route.unbind();
    (pair.clientSide.producer as PushProducer | undefined)?.resumeProducing();

    expect(answers).to.have.length(1);
  });

  it('serves as the receiver of an Amp without calls of its own', async () => {
    const lone = new BoxRouter();
    const boxes: string[] = [];
    lone
      .bind(
        {
          startReceivingBoxes: () => {},
          boxReceived: (box) => boxes.push([...box.keys()].join()),
          stopReceivingBoxes: () => {},
        },
        undefined,
      )
      .connectTo(undefined);
    const { client } = new AmpPair(new Amp({ boxReceiver: lone }), new Amp());

    client.dataReceived(encodeBox(new Map([['b', new Uint8Array(0)]])));

    expect(boxes).to.deep.equal(['b']);
  });
});
