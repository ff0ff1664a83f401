import { expect } from 'chai';
import { runReceive } from '../../../lib/cli/commands/receive.ts';
import { runSend } from '../../../lib/cli/commands/send.ts';
import type { CommandFailure } from '../../../lib/cli/exit-status.ts';
import { tcpEndpoints } from '../../../lib/endpoints/inet.ts';
import type { EndpointParser } from '../../../lib/endpoints/parse.ts';
import { definePlugin, PLUGIN_API } from '../../../lib/plugin/contract.ts';
import { PluginRegistry } from '../../../lib/plugin/registry.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts';
import { contextWith, type KeptContext } from '../../support/command-context.ts';
import { MemoryDisk, MemoryFiles } from '../../support/memory-files.ts';
import { hashes, holds, pattern } from '../../support/transfer.ts';

const MIB = 1 << 20;
const RECEIVER = '10.0.0.2';

/** A command that runs, and how it ended. */
interface Running {
  readonly context: KeptContext;
  readonly reactor: MemoryReactor;
  status: number | undefined;
  failure: CommandFailure | undefined;
}

describe('hawser send and hawser receive', () => {
  let clock: VirtualClock;
  let network: SimulatedNetwork;
  let source: MemoryDisk;
  let target: MemoryDisk;
  let running: Running[];

  beforeEach(() => {
    clock = new VirtualClock();
    network = new SimulatedNetwork({ clock, link: { latencyMs: 5 } });
    source = new MemoryDisk();
    target = new MemoryDisk();
    target.directories.add('in/.');
    running = [];
  });

  afterEach(async () => {
    await pass(40_000, () => running.every(isOver));
    expect(clock.pending, 'calls left on the clock').to.equal(0);
    expect(running.flatMap(({ reactor }) => reactor.errors)).to.deep.equal([]);
  });

  it('bring over files, and both end with status 0', async () => {
    source.put('a.bin', pattern(3 * MIB));
    source.put('b.txt', pattern(10));
    const receiver = await receive('--once');
    const sender = await send('a.bin', 'b.txt', `tcp:${RECEIVER}:4915`);

    await pass(5_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([0, 0]);
    expect(holds(target, 'in/a.bin', pattern(3 * MIB))).to.equal(true);
    expect(target.list('in')).to.deep.equal(['in/a.bin', 'in/b.txt']);
    expect(sender.context.output.lines).to.have.length(2);
    expect(sender.context.output.lines[0]).to.match(/^sent a\.bin: 3\.0 MiB in .*, sha256 [0-9a-f]{64}$/);
    expect(receiver.context.messages.lines).to.deep.equal([
      `listening on tcp:${RECEIVER}:4915, receiving into in`,
    ]);
  });

  it('tell a program what happens, one JSON object a line', async () => {
    source.put('a.bin', pattern(3 * MIB));
    const receiver = await receive('--once', '--json');
    const sender = await send('--json', 'a.bin', `tcp:${RECEIVER}:4915`);

    await pass(5_000, () => isOver(sender) && isOver(receiver));

    const kinds = (context: KeptContext): unknown[] => [
      ...new Set(context.output.events.map(({ event }) => event)),
    ];
    expect(kinds(sender.context)).to.deep.equal(['start', 'progress', 'done', 'end']);
    expect(kinds(receiver.context)).to.deep.equal(['listening', 'start', 'progress', 'done', 'end']);
    expect(receiver.context.output.events[0]).to.include({ port: 4915, endpoint: `tcp:${RECEIVER}:4915` });
    expect(sender.context.messages.text).to.equal('');
  });

  it('end with status 1 and one line each when the file is refused', async () => {
    source.put('a.bin', pattern(3 * MIB));
    const receiver = await receive('--once', '--max-size', '1MiB');
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);

    await pass(5_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([1, 1]);
    expect(sender.context.messages.lines).to.deep.equal([
      'hawser: a.bin was not sent: it is larger than the receiver allows; the receiver may allow more with --max-size',
    ]);
    expect(receiver.context.messages.lines).to.have.length(2);
    expect(target.list('in')).to.deep.equal([]);
  });

  it('refuse a name that not every system can hold before anybody is connected to', async () => {
    source.put('what?', pattern(10));
    const sender = await send('what?', `tcp:${RECEIVER}:4915`);

    expect(sender.failure?.status).to.equal(2);
    expect(sender.failure?.message).to.match(
      /^what\? has a name that not every system can hold.*; rename it$/,
    );
  });

  it('suggest the transport where only that is missing', async () => {
    source.put('a.bin', pattern(10));
    for (const [place, hint] of [
      ['127.0.0.1:4', /; write ptcp:127\.0\.0\.1:4$/],
      ['[::1]:4', /; write ptcp:\[::1\]:4$/],
      ['tcp:4', /write tcp:HOST:PORT/],
    ] as const) {
      const sender = await send('a.bin', place);

      expect(sender.failure?.status, place).to.equal(2);
      expect(sender.failure?.message).to.match(hint);
    }
  });

  it('say that nobody listens, with status 3', async () => {
    source.put('a.bin', pattern(10));
    network.host(RECEIVER);
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);

    await pass(5_000, () => isOver(sender));

    expect(sender.failure?.status).to.equal(3);
    expect(sender.failure?.message).to.match(
      /^nobody listens on tcp:10\.0\.0\.2:4915; start 'hawser receive'/,
    );
  });

  it('say that there is no answer after 30 s, with status 3', async () => {
    source.put('a.bin', pattern(10));
    const receiver = await receive();
    network.host('10.0.0.1');
    network.partition('10.0.0.1', RECEIVER);
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);

    await pass(31_000, () => isOver(sender));
    receiver.reactor.stop();

    expect(sender.failure?.status).to.equal(3);
    expect(sender.failure?.message).to.match(/^no answer from/);
  });

  it('say that a port is taken, with status 3', async () => {
    const first = await receive();
    const second = await receive();

    await pass(1_000, () => isOver(second));
    first.reactor.stop();

    expect(second.failure?.status).to.equal(3);
    expect(second.failure?.message).to.match(/the port is taken; choose another with --listen/);
  });

  it('report a peer that vanished within 35 s, on both sides', async () => {
    source.put('a.bin', pattern(20 * MIB));
    const receiver = await receive('--once');
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);
    await pass(1_000, () => receiver.context.output.text !== '' || target.log.length > 20);

    network.partition('10.0.0.1', RECEIVER);
    await pass(35_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([1, 1]);
    expect(sender.context.messages.text).to.contain('nothing was heard of the peer for 30 s');
    expect(receiver.context.messages.text).to.contain('nothing was heard of the peer for 30 s');
    expect(target.get('in/a.bin')).to.equal(undefined);
  });

  it('end well when the sender is interrupted: status 130, and the receiver goes on', async () => {
    source.put('a.bin', pattern(20 * MIB));
    const receiver = await receive();
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);
    await pass(1_000, () => target.log.length > 20);

    sender.reactor.stop();
    await pass(8_000, () => isOver(sender));
    const again = await send('a.bin', `tcp:${RECEIVER}:4915`);
    await pass(60_000, () => isOver(again));
    receiver.reactor.stop();
    await pass(8_000, () => isOver(receiver));

    expect([sender.status, again.status, receiver.status]).to.deep.equal([130, 0, 0]);
    expect(again.context.messages.text).to.match(/are there already and not sent again/);
  });

  it('end well when the receiver is interrupted: status 130, and the sender is told', async () => {
    source.put('a.bin', pattern(20 * MIB));
    const receiver = await receive();
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);
    await pass(1_000, () => target.log.length > 20);

    receiver.reactor.stop();
    await pass(8_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([1, 130]);
    expect(sender.context.messages.text).to.contain('the transfer was stopped');
    expect(target.list('in')).to.deep.equal(['in/.a.bin.hawser-journal', 'in/.a.bin.hawser-part']);
  });

  it('give up connecting when interrupted', async () => {
    source.put('a.bin', pattern(10));
    network.host(RECEIVER);
    network.host('10.0.0.1');
    network.partition('10.0.0.1', RECEIVER);
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);

    sender.reactor.stop();
    await pass(1_000, () => isOver(sender));

    expect(sender.status).to.equal(130);
  });

  it('do not take a connection that offers nothing for the one of --once', async () => {
    source.put('a.bin', pattern(10));
    const receiver = await receive('--once');
    const stranger = network.host('10.0.0.1').sockets;
    stranger.connectTcp({ host: RECEIVER, port: 4915 }, (_error, socket) => {
      socket?.attach({
        data: () => {},
        end: () => {},
        drained: () => {},
        finished: () => {},
        closed: () => {},
      });
      socket?.write(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'));
    });
    await pass(1_000);
    const stillThere = !isOver(receiver);
    const sender = await send('a.bin', `tcp:${RECEIVER}:4915`);
    await pass(8_000, () => isOver(receiver));

    expect(stillThere).to.equal(true);
    expect([sender.status, receiver.status]).to.deep.equal([0, 0]);
    expect(receiver.context.messages.text).to.contain('does not speak this version');
  });

  function send(...args: string[]): Promise<Running> {
    return start((context, reactor) => {
      return runSend(args, context, { createReactor: () => reactor, files: new MemoryFiles(source), hashes });
    }, '10.0.0.1');
  }

  function receive(...args: string[]): Promise<Running> {
    const place = ['--listen', 'tcp:4915', '--interface', RECEIVER, '--dir', 'in'];
    return start((context, reactor) => {
      return runReceive([...place, ...args], context, {
        createReactor: () => reactor,
        files: new MemoryFiles(target),
        hashes,
      });
    }, RECEIVER);
  }

  async function start(
    run: (context: KeptContext, reactor: MemoryReactor) => Promise<number>,
    address: string,
  ): Promise<Running> {
    const context = contextWith(pluginsAtHand());
    const reactor = new MemoryReactor({ network, address });
    const one: Running = { context, reactor, status: undefined, failure: undefined };
    running.push(one);
    run(context, reactor).then(
      (status) => {
        one.status = status;
      },
      (error: CommandFailure) => {
        one.failure = error;
      },
    );
    for (let turn = 0; turn < 30; turn += 1) await takeTurn();
    await pass(50);
    return one;
  }

  /** A turn of the real event loop, in which no virtual time passes. */
  async function takeTurn(): Promise<void> {
    clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets virtual time pass, in steps that leave turns for the files, until `isReached`. */
  async function pass(ms: number, isReached: () => boolean = () => false): Promise<void> {
    const end = clock.now() + ms;
    while (clock.now() < end && !isReached()) {
      for (let turn = 0; turn < 4; turn += 1) await takeTurn();
      clock.advance(Math.min(10, end - clock.now()));
    }
  }
});

/** Plugins whose load waits for no disk: virtual time does not stand still for a real one. */
function pluginsAtHand(): PluginRegistry {
  const plugins = new PluginRegistry();
  const load = async (): Promise<EndpointParser> => tcpEndpoints;
  plugins.add(definePlugin({ api: PLUGIN_API, kind: 'endpoint', name: 'tcp', summary: 'TCP', load }), 'here');
  return plugins;
}

function isOver(one: Running): boolean {
  return one.status !== undefined || one.failure !== undefined;
}
