import {
  CannotListen,
  ConnectingCancelled,
  ConnectionDone,
  ConnectionRefused,
  NoProtocol,
  UsageError,
} from '../errors.ts';
import type { ConnectorLike, StreamClientFactory } from '../interfaces/protocol.ts';
import type { ListeningPort } from '../interfaces/reactor.ts';
import type { ListenTarget } from '../transports/provider.ts';
import {
  ascii,
  bothLost,
  type ContractTest,
  type ContractWorld,
  connectedPair,
  exchangeElsewhere,
  fail,
  ListFactory,
  listening,
  mustBe,
  mustBeAbortedBy,
  mustEqual,
  Recorder,
  RecordingClientFactory,
  THROWN,
} from './contract-world.ts';

const USER_CODE: readonly ContractTest[] = [
  {
    title: 'aborts the connection when connectionMade throws',
    run: async (world) => {
      const server = new Recorder();
      server.onMade = fail;
      const port = await listening(world, new ListFactory(server));

      const factory = new RecordingClientFactory(new Recorder());
      connect(world, port, factory);
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

      connect(world, port, new RecordingClientFactory(client));
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

      connect(world, port, factory);
      await world.until(() => server.count('lost') === 1 && factory.events.length === 3, 'all is over');

      mustBe(factory.reason, NoProtocol, 'reason');
      mustEqual(factory.events, ['start', 'failed', 'stop'], 'callbacks of the factory');
    },
  },
];

const CONNECTING: readonly ContractTest[] = [
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

      connect(world, port, factory);
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

      const made = connect(world, port, factory);
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

      const connector = world.reactor.connect(world.kind, target, factory, world.connectOptions);
      await world.until(() => factory.events.includes('stop'), 'the attempt is over');

      mustBe(factory.reason, ConnectionRefused, 'reason');
      mustEqual(connector.state, 'disconnected', 'state');
    },
  },
];

const LISTENING: readonly ContractTest[] = [
  {
    title: 'binds later: getHost is a UsageError before `listening` fires',
    run: async (world) => {
      const port = listen(world);

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
      const port = listen(world);

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

      const second = listen(world, world.connectTarget(port));
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
      connect(world, port, new RecordingClientFactory(client));
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

/** The part of the transport contract that is about ports, connectors, and user code that throws. */
export const LIFECYCLE_CONTRACT: readonly ContractTest[] = [...USER_CODE, ...CONNECTING, ...LISTENING];

function connect(world: ContractWorld, port: ListeningPort, factory: StreamClientFactory): ConnectorLike {
  return world.reactor.connect(world.kind, world.connectTarget(port), factory, world.connectOptions);
}

function listen(world: ContractWorld, target: ListenTarget = world.listenTarget()): ListeningPort {
  return world.reactor.listen(world.kind, target, new ListFactory(), world.listenOptions);
}

async function stopped(world: ContractWorld, stopping: PromiseLike<void>): Promise<void> {
  let isStopped = false;
  stopping.then(() => {
    isStopped = true;
  });
  await world.until(() => isStopped, 'the port has stopped');
}
