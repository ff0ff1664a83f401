import {
  CannotListen,
  ConnectingCancelled,
  ConnectionAborted,
  ConnectionDone,
  ConnectionLost,
  ConnectionRefused,
  NoProtocol,
  UsageError,
} from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { ConnectorLike } from '../interfaces/protocol.ts';
import {
  type ContractTest,
  type ContractWorld,
  connectedPair,
  HalfCloser,
  ListFactory,
  listening,
  mustBe,
  mustBeAbortedBy,
  mustEqual,
  Recorder,
  RecordingClientFactory,
} from './contract-world.ts';
import { PRODUCER_CONTRACT } from './producer-contract.ts';

/** More than any transport buffers. */
const MUCH_BYTES = 4 * 1024 * 1024;

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const THROWN = new Error('thrown by a test');

function fail(): never {
  throw THROWN;
}

const DELIVERY: ContractTest[] = [
  {
    title: 'delivers bytes both ways, in order',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.transport.write(ascii('one '));
      client.transport.writeSequence([ascii('two '), ascii('three')]);
      server.transport.write(ascii('answer'));
      await world.until(() => server.text.length === 13 && client.text.length === 6, 'all has arrived');

      mustEqual([server.text, client.text], ['one two three', 'answer'], 'received');
    },
  },
  {
    title: 'shows each end the address of the other',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      mustBeTheSamePlace(client.transport.getPeer(), server.transport.getHost());
      mustBeTheSamePlace(server.transport.getPeer(), client.transport.getHost());
    },
  },
  {
    title: 'pauses in connectionMade: nothing is delivered until resumeProducing',
    run: async (world) => {
      const paused = new Recorder();
      paused.onMade = () => paused.transport.pauseProducing();
      const { client } = await connectedPair(world, paused, new Recorder());

      client.transport.write(ascii('hello'));
      await exchangeElsewhere(world);
      mustEqual(paused.text, '', 'delivered while paused');
      paused.without(() => paused.transport.resumeProducing());
      await world.until(() => paused.text === 'hello', 'delivered after resuming');

      mustEqual(paused.events, ['made', 'data'], 'callbacks');
    },
  },
  {
    title: 'slows a writer down while the reader is paused, and loses nothing',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();
      server.transport.pauseProducing();

      let written = 0;
      while (client.transport.write(new Uint8Array(65_536)) && written < 64 * MUCH_BYTES) written += 65_536;
      written += 65_536;
      server.transport.resumeProducing();
      server.transport.resumeProducing();
      await world.until(() => server.receivedBytes === written, 'everything has arrived');

      mustEqual(client.transport.bufferedBytes <= 65_536 * 2, true, 'the buffer empties');
      mustEqual(client.transport.write(ascii('more')), true, 'write takes more again');
    },
  },
];

const CLOSING: ContractTest[] = [
  {
    title: 'flushes what was written before it closes, and tells both ends ConnectionDone once',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.transport.write(new Uint8Array(MUCH_BYTES));
      client.without(() => client.transport.loseConnection());
      client.transport.loseConnection();
      await bothLost(world, server, client);

      mustEqual(server.receivedBytes, MUCH_BYTES, 'bytes at the peer');
      mustBe(client.reason, ConnectionDone, 'reason here');
      mustBe(server.reason, ConnectionDone, 'reason at the peer');
      mustEqual([client.events.join(), server.events.join()], ['made,lost', 'made,data,lost'], 'callbacks');
    },
  },
  {
    title: 'delivers nothing after loseConnection, whatever the peer still sends',
    run: async (world) => {
      const closer = new Recorder();
      const talker = new HalfCloser();
      await connectedPair(world, closer, talker);
      talker.onReadLost = () => {
        talker.transport.write(new Uint8Array(MUCH_BYTES));
        talker.transport.loseConnection();
      };

      talker.transport.write(ascii('first'));
      await world.until(() => closer.text === 'first', 'the first bytes are there');
      closer.transport.loseConnection();
      await bothLost(world, closer, talker);

      mustEqual(closer.events, ['made', 'data', 'lost'], 'callbacks of who closed');
      mustBe(closer.reason, ConnectionDone, 'reason of who closed');
      mustBe(talker.reason, ConnectionDone, 'reason of the peer');
    },
  },
  {
    title: 'drops what is written after loseConnection and after the loss',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.transport.loseConnection();
      const whileClosing = client.transport.write(ascii('late'));
      await bothLost(world, server, client);
      const whenClosed = client.transport.write(ascii('later'));
      client.transport.writeSequence([ascii('latest')]);
      client.transport.loseConnection();
      client.transport.abortConnection();
      client.transport.pauseProducing();
      client.transport.resumeProducing();

      mustEqual([whileClosing, whenClosed, server.receivedBytes], [false, false, 0], 'accepted and received');
      mustEqual(client.count('lost'), 1, 'connectionLost here');
    },
  },
  {
    title: 'aborts at once: ConnectionAborted here, a lost connection there, whatever is called besides',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.without(() => {
        client.transport.abortConnection();
        client.transport.abortConnection();
        client.transport.loseConnection();
      });
      await bothLost(world, server, client);

      mustBe(client.reason, ConnectionAborted, 'reason here');
      mustBe(server.reason, ConnectionLost, 'reason at the peer');
      mustEqual([client.events.join(), server.events.join()], ['made,lost', 'made,lost'], 'callbacks');
    },
  },
  {
    title: 'aborts from inside dataReceived, and delivers nothing after that',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.onData = () => server.without(() => server.transport.abortConnection());

      client.transport.write(new Uint8Array(MUCH_BYTES));
      await bothLost(world, server, client);

      mustEqual(server.events, ['made', 'data', 'lost'], 'callbacks');
      mustBe(server.reason, ConnectionAborted, 'reason');
    },
  },
  {
    title: 'aborts with a full buffer and with a paused reader',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();
      while (client.transport.write(new Uint8Array(65_536))) {}

      client.transport.abortConnection();
      await world.until(() => client.count('lost') === 1, 'connectionLost of who aborted');
      server.transport.abortConnection();
      await bothLost(world, server, client);

      mustBe(client.reason, ConnectionAborted, 'reason here');
      mustBe(server.reason, ConnectionLost, 'reason at the peer');
      mustEqual([client.count('lost'), server.count('lost')], [1, 1], 'ends');
    },
  },
  {
    title: 'tells a paused reader of the end once it resumes, after all that came before it',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();

      client.transport.write(ascii('last words'));
      client.transport.loseConnection();
      await exchangeElsewhere(world);
      mustEqual(server.events, ['made'], 'callbacks while paused');
      server.transport.resumeProducing();
      await bothLost(world, server, client);

      mustEqual([server.text, server.events.join()], ['last words', 'made,data,lost'], 'text and callbacks');
    },
  },
  {
    title: 'may be resumed while disconnecting',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      client.transport.pauseProducing();

      client.transport.loseConnection();
      client.transport.resumeProducing();
      await bothLost(world, server, client);

      mustEqual(client.events, ['made', 'lost'], 'callbacks');
    },
  },
];

const HALF_CLOSE: ContractTest[] = [
  {
    title: 'closes one direction with loseWriteConnection, and the other goes on',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new HalfCloser(), new HalfCloser());

      client.transport.write(ascii('question'));
      client.without(() => client.transport.loseWriteConnection());
      const afterwards = client.transport.write(ascii('dropped'));
      await world.until(() => server.count('read-lost') === 1, 'the peer heard of it');
      server.transport.write(ascii('answer'));
      server.transport.loseWriteConnection();
      await bothLost(world, server, client);

      mustEqual(
        [afterwards, server.text, client.text],
        [false, 'question', 'answer'],
        'written and received',
      );
      for (const end of [server, client]) {
        mustEqual(
          [end.count('read-lost'), end.count('write-lost'), end.count('lost')],
          [1, 1, 1],
          'callbacks',
        );
        mustEqual(end.events.at(-1), 'lost', 'last callback');
        mustBe(end.reason, ConnectionDone, 'reason');
      }
    },
  },
  {
    title: 'closes wholly when the peer closes its direction and the protocol has no readConnectionLost',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new HalfCloser());

      client.transport.loseWriteConnection();
      await bothLost(world, server, client);

      mustBe(server.reason, ConnectionDone, 'reason there');
      mustBe(client.reason, ConnectionDone, 'reason here');
    },
  },
  {
    title: 'may be closed from inside writeConnectionLost',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new HalfCloser());
      client.onWriteLost = () => client.transport.loseConnection();

      client.transport.loseWriteConnection();
      await bothLost(world, server, client);

      mustBe(client.reason, ConnectionDone, 'reason');
    },
  },
  ...(['onReadLost', 'onWriteLost'] as const).map(
    (callback): ContractTest => ({
      title: `aborts the connection when ${callback === 'onReadLost' ? 'read' : 'write'}ConnectionLost throws`,
      run: async (world) => {
        const { server, client } = await connectedPair(world, new HalfCloser(), new HalfCloser());
        server[callback] = fail;

        if (callback === 'onReadLost') client.transport.loseWriteConnection();
        else server.transport.loseWriteConnection();
        await world.until(() => server.count('lost') === 1, 'the end where it threw is lost');
        // A reset after a FIN need not be noticed by who does not write.
        client.transport.abortConnection();
        await bothLost(world, server, client);

        mustBeAbortedBy(server.reason, THROWN);
        mustEqual(world.errors.length, 1, 'reports');
      },
    }),
  ),
];

const USER_CODE: ContractTest[] = [
  {
    title: 'aborts the connection when connectionMade throws',
    run: async (world) => {
      const server = new Recorder();
      server.onMade = fail;
      const port = await listening(world, new ListFactory(server));

      const factory = new RecordingClientFactory(new Recorder());
      world.reactor.connect(world.kind, world.connectTarget(port), factory);
      // The reset may come before the client's end has seen the connection.
      await world.until(() => server.count('lost') === 1 && factory.events.includes('stop'), 'all is over');

      mustBeAbortedBy(server.reason, THROWN);
      mustEqual([world.errors.length, server.events.join()], [1, 'made,lost'], 'reports and callbacks');
    },
  },
  {
    title: 'aborts the connection when dataReceived throws',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.onData = fail;

      client.transport.write(ascii('x'));
      await bothLost(world, server, client);

      mustBeAbortedBy(server.reason, THROWN);
      mustEqual([world.errors.length, server.count('lost')], [1, 1], 'reports and ends');
    },
  },
  {
    title: 'reports what connectionLost throws, and lives on',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.onLost = fail;

      client.transport.loseConnection();
      await bothLost(world, server, client);
      await exchangeElsewhere(world);

      mustEqual(world.errors.length, 1, 'reports');
    },
  },
  {
    title: 'closes a connection quietly for which the server builds no protocol',
    run: async (world) => {
      const port = await listening(world, new ListFactory(undefined));
      const client = new Recorder();

      world.reactor.connect(world.kind, world.connectTarget(port), new RecordingClientFactory(client));
      await world.until(() => client.count('lost') === 1, 'the connection is closed');

      mustBe(client.reason, ConnectionDone, 'reason');
      mustEqual(world.errors.length, 0, 'reports');
    },
  },
  {
    title: 'reports that the client built no protocol as clientConnectionFailed(NoProtocol)',
    run: async (world) => {
      const server = new Recorder();
      const port = await listening(world, new ListFactory(server));
      const factory = new RecordingClientFactory(undefined);

      world.reactor.connect(world.kind, world.connectTarget(port), factory);
      await world.until(() => server.count('lost') === 1 && factory.events.length === 3, 'all is over');

      mustBe(factory.reason, NoProtocol, 'reason');
      mustEqual(factory.events, ['start', 'failed', 'stop'], 'callbacks of the factory');
    },
  },
];

const CONNECTING: ContractTest[] = [
  {
    title: 'calls connectionLost before clientConnectionLost, with the connector disconnected',
    run: async (world) => {
      const { client, clientFactory } = await connectedPair(world, new Recorder(), new Recorder());
      const order: string[] = [];
      client.onLost = () => order.push('protocol');
      clientFactory.clientConnectionLost = (connector: ConnectorLike) => order.push(connector.state);

      client.transport.loseConnection();
      await world.until(() => order.length === 2, 'both have heard');

      mustEqual(order, ['protocol', 'disconnected'], 'order');
    },
  },
  {
    title: 'gives up in startedConnecting: clientConnectionFailed(ConnectingCancelled), later',
    run: async (world) => {
      const port = await listening(world, new ListFactory());
      const factory = new RecordingClientFactory(new Recorder());
      factory.startedConnecting = (connector: ConnectorLike) => connector.stopConnecting();

      world.reactor.connect(world.kind, world.connectTarget(port), factory);
      mustEqual(factory.events, ['start'], 'callbacks from inside connect');
      await world.until(() => factory.events.length === 3, 'the factory has heard');

      mustBe(factory.reason, ConnectingCancelled, 'reason');
      mustEqual(factory.events, ['start', 'failed', 'stop'], 'callbacks');
    },
  },
  {
    title: 'connects again from clientConnectionLost, and the factory stays in use',
    run: async (world) => {
      const servers = [new Recorder(), new Recorder()];
      const port = await listening(world, new ListFactory(...servers));
      const clients = [new Recorder(), new Recorder()];
      const factory = new RecordingClientFactory(undefined);
      let built = 0;
      factory.buildProtocol = () => clients[built++];
      const connectors: ConnectorLike[] = [];
      factory.clientConnectionLost = (connector: ConnectorLike) => {
        connectors.push(connector);
        if (connectors.length === 1) connector.connect();
      };

      const made = world.reactor.connect(world.kind, world.connectTarget(port), factory);
      for (const client of clients) {
        await world.until(() => client.count('made') === 1, 'connected');
        client.transport.loseConnection();
        await world.until(() => client.count('lost') === 1, 'lost');
      }

      mustEqual(connectors, [made, made], 'connectors');
      mustEqual(factory.events, ['start', 'stop'], 'use of the factory');
    },
  },
  {
    title: 'refuses a connection where nobody listens any more',
    run: async (world) => {
      const port = await listening(world, new ListFactory());
      const target = world.connectTarget(port);
      await stopped(world, port.stopListening());
      const factory = new RecordingClientFactory(new Recorder());

      const connector = world.reactor.connect(world.kind, target, factory);
      await world.until(() => factory.events.includes('stop'), 'the attempt is over');

      mustBe(factory.reason, ConnectionRefused, 'reason');
      mustEqual(connector.state, 'disconnected', 'state');
    },
  },
];

const LISTENING: ContractTest[] = [
  {
    title: 'binds later: getHost is a UsageError before `listening` fires',
    run: async (world) => {
      const port = world.reactor.listen(world.kind, world.listenTarget(), new ListFactory());

      let thrown: unknown;
      try {
        port.getHost();
      } catch (error) {
        thrown = error;
      }
      mustBe(thrown, UsageError, 'thrown before');
      let isBound = false;
      port.listening.then(() => {
        isBound = true;
      });
      await world.until(() => isBound, 'bound');

      mustEqual(typeof port.getHost().type, 'string', 'address afterwards');
    },
  },
  {
    title: 'stops listening as often as it is asked to, and accepted connections live on',
    run: async (world) => {
      const { server, client, port } = await connectedPair(world, new Recorder(), new Recorder());

      const both = [port.stopListening(), port.stopListening()];
      for (const each of both) await stopped(world, each);
      await stopped(world, port.stopListening());
      client.transport.write(ascii('still here'));
      await world.until(() => server.text === 'still here', 'the connection works');

      mustEqual(server.connected, true, 'connected');
    },
  },
  {
    title: 'may be stopped before it is bound, and is then free for another',
    run: async (world) => {
      const port = world.reactor.listen(world.kind, world.listenTarget(), new ListFactory());

      await stopped(world, port.stopListening());
      await listening(world, new ListFactory());

      mustEqual(world.errors.length, 0, 'reports');
    },
  },
  {
    title: 'cannot listen where another port does: CannotListen with its cause',
    run: async (world) => {
      const port = await listening(world, new ListFactory());
      let reason: unknown;

      const second = world.reactor.listen(world.kind, world.connectTarget(port), new ListFactory());
      second.listening.then(undefined, (error: unknown) => {
        reason = error;
      });
      await world.until(() => reason !== undefined, 'the second one fails');

      mustBe(reason, CannotListen, 'reason');
      mustEqual(((reason as Error).cause as { code: string }).code, 'EADDRINUSE', 'cause');
    },
  },
  {
    title: 'may be stopped from inside buildProtocol',
    run: async (world) => {
      const server = new Recorder();
      const factory = new ListFactory(server);
      const port = await listening(world, factory);
      let hasStopped = false;
      factory.buildProtocol = () => {
        port.stopListening().then(() => {
          hasStopped = true;
        });
        return server;
      };

      const client = new Recorder();
      world.reactor.connect(world.kind, world.connectTarget(port), new RecordingClientFactory(client));
      await world.until(() => hasStopped && server.count('made') === 1, 'stopped and connected');

      mustEqual(server.connected, true, 'the connection lives');
    },
  },
  {
    title: 'winds everything up when the reactor stops',
    run: async (world) => {
      let isOver = false;
      world.reactor.run().addCallback(() => {
        isOver = true;
      });
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      client.transport.write(ascii('bye'));

      world.reactor.stop();
      await world.until(() => isOver, 'the reactor has stopped');

      mustEqual([server.count('lost'), client.count('lost')], [1, 1], 'ends');
      mustBe(client.reason, ConnectionDone, 'reason');
    },
  },
];

/** What every stream transport promises, a test for each promise. Run each in a world of its own. */
export const TRANSPORT_CONTRACT: readonly ContractTest[] = [
  ...DELIVERY,
  ...CLOSING,
  ...HALF_CLOSE,
  ...PRODUCER_CONTRACT,
  ...USER_CODE,
  ...CONNECTING,
  ...LISTENING,
];

/** An end on a UDP socket that is bound to every address need not know which one of them the peer sees. */
function mustBeTheSamePlace(seen: Address, own: Address): void {
  const isUnspecified = 'host' in own && (own.host === '0.0.0.0' || own.host === '::');
  const place = isUnspecified && 'host' in seen ? { ...own, host: seen.host } : own;
  mustEqual(JSON.stringify(seen), JSON.stringify(place), 'address of the peer');
}

async function bothLost(world: ContractWorld, one: Recorder, other: Recorder): Promise<void> {
  await world.until(
    () => one.count('lost') > 0 && other.count('lost') > 0,
    'both ends have heard of the end',
  );
}

async function stopped(world: ContractWorld, stopping: PromiseLike<void>): Promise<void> {
  let isStopped = false;
  stopping.then(() => {
    isStopped = true;
  });
  await world.until(() => isStopped, 'the port has stopped');
}

/** A second connection's round trip: what was sent on the first had time to arrive. */
async function exchangeElsewhere(world: ContractWorld): Promise<void> {
  const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
  client.transport.write(ascii('ping'));
  await world.until(() => server.text === 'ping', 'the other connection works');
  server.transport.write(ascii('pong'));
  await world.until(() => client.text === 'pong', 'the other connection works both ways');
}
