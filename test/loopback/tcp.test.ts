import { expect } from 'chai';
import { Factory } from '../../lib/protocol/factory.ts';
import { NodeClock } from '../../lib/reactor/node/clock.ts';
import { nodeEntropy } from '../../lib/reactor/node/entropy.ts';
import { nodeSockets } from '../../lib/reactor/node/sockets.ts';
import { Reactor } from '../../lib/reactor/reactor.ts';
import {
  type ContractWorld,
  HalfCloser,
  ListFactory,
  listening,
  Recorder,
  RecordingClientFactory,
} from '../../lib/testing/contract-world.ts';
import { TRANSPORT_CONTRACT } from '../../lib/testing/transport-contract.ts';
import { TcpProvider } from '../../lib/transports/tcp/provider.ts';

/** Below mocha's own. */
const LIMIT_MS = 1_800;

/** A reactor on the real network, and what is needed to run the contract in it. */
function realWorld(lingerMs = 500): ContractWorld {
  const errors: unknown[] = [];
  const reactor = new Reactor({
    clock: new NodeClock((error) => errors.push(error)),
    sockets: nodeSockets,
    entropy: nodeEntropy,
    transports: [new TcpProvider()],
    unheardError: (error) => errors.push(error),
    lingerMs,
  });
  return {
    reactor,
    kind: 'tcp',
    listenTarget: () => ({ host: '127.0.0.1', port: 0 }),
    connectTarget: (port) => ({ host: '127.0.0.1', port: (port.getHost() as { port: number }).port }),
    until: async (isDone, what) => {
      const limitAt = performance.now() + LIMIT_MS;
      while (!isDone()) {
        if (performance.now() > limitAt) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
        await new Promise(setImmediate);
      }
    },
    errors,
  };
}

/** Ends what a test left open, so that the process can. */
async function windUp({ reactor }: ContractWorld): Promise<void> {
  if (reactor.running) return;
  const stopped = reactor.run();
  reactor.stop();
  await stopped;
}

describe('the tcp transport on the loopback interface', () => {
  for (const { title, run } of TRANSPORT_CONTRACT) {
    it(title, async () => {
      const world = realWorld(50);

      await run(world);

      await windUp(world);
    });
  }

  it('lingers after its FIN, then resets a peer that keeps its direction open', async () => {
    const world = realWorld(50);
    const stayer = new HalfCloser();
    const closer = new Recorder();
    const port = await listening(world, new ListFactory(stayer));
    world.reactor.connect('tcp', world.connectTarget(port), new RecordingClientFactory(closer));
    await world.until(() => stayer.connected && closer.connected, 'connected');

    closer.transport.loseConnection();
    await world.until(() => closer.count('lost') === 1, 'lost');

    expect(closer.reason).to.have.property('code', 'ERR_CONNECTION_DONE');
    expect(stayer.count('read-lost')).to.equal(1);
    await windUp(world);
    expect(stayer.count('lost')).to.equal(1);
  });

  for (const [host, name] of [
    ['127.0.0.1', 'localhost'],
    ['::1', '::1'],
  ] as const) {
    it(`connects to ${name}`, async function () {
      const world = realWorld();
      const server = new Recorder();
      const client = new Recorder();
      const port = world.reactor.listenTCP(0, new ListFactory(server), { interface: host });
      const isBound = await port.listening.then(
        () => true,
        () => false,
      );
      // A machine without IPv6 is allowed.
      if (!isBound) this.skip();

      const { port: number } = world.connectTarget(port);
      world.reactor.connectTCP(name, number, new RecordingClientFactory(client));
      await world.until(() => client.connected && server.connected, 'connected');

      expect(client.transport.getPeer()).to.deep.equal(port.getHost());
      expect(port.getHost()).to.include({ type: 'TCP', host });
      await windUp(world);
    });
  }

  it('reports a port that is taken as CannotListen with its cause', async () => {
    const world = realWorld();
    const port = await listening(world, new Factory());
    const { port: taken } = world.connectTarget(port);

    const failure = await world.reactor
      .listenTCP(taken, new Factory(), { interface: '127.0.0.1' })
      .listening.then(
        () => undefined,
        (error: unknown) => error,
      );

    expect(failure).to.have.property('code', 'ERR_CANNOT_LISTEN');
    expect((failure as Error).cause).to.have.property('code', 'EADDRINUSE');
    await windUp(world);
  });
});
