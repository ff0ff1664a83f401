import { expect } from 'chai';
import type { KeptContext } from '../../support/command-context.ts';
import { CommandWorld, isOver, RECEIVER, type Running, SENDER } from '../../support/command-world.ts';
import { holds, pattern } from '../../support/transfer.ts';

const MIB = 1 << 20;

describe('hawser send and hawser receive', () => {
  let world: CommandWorld;

  beforeEach(() => {
    world = new CommandWorld();
  });

  afterEach(() => world.close());

  it('bring over files, and both end with status 0', async () => {
    world.source.put('a.bin', pattern(3 * MIB));
    world.source.put('b.txt', pattern(10));
    const receiver = await receive('--once');
    const sender = await world.send('a.bin', 'b.txt', `tcp:${RECEIVER}:4915`);

    await world.pass(5_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([0, 0]);
    expect(holds(world.target, 'in/a.bin', pattern(3 * MIB))).to.equal(true);
    expect(world.target.list('in')).to.deep.equal(['in/a.bin', 'in/b.txt']);
    expect(sender.context.output.lines).to.have.length(2);
    expect(sender.context.output.lines[0]).to.match(/^sent a\.bin: 3\.0 MiB in .*, sha256 [0-9a-f]{64}$/);
    expect(receiver.context.messages.lines).to.deep.equal([
      `listening on tcp:${RECEIVER}:4915, receiving into in`,
    ]);
  });

  it('tell a program what happens, one JSON object a line', async () => {
    world.source.put('a.bin', pattern(3 * MIB));
    const receiver = await receive('--once', '--json');
    const sender = await world.send('--json', 'a.bin', `tcp:${RECEIVER}:4915`);

    await world.pass(5_000, () => isOver(sender) && isOver(receiver));

    const kinds = (context: KeptContext): unknown[] => [
      ...new Set(context.output.events.map(({ event }) => event)),
    ];
    expect(kinds(sender.context)).to.deep.equal(['start', 'progress', 'done', 'end']);
    expect(kinds(receiver.context)).to.deep.equal(['listening', 'start', 'progress', 'done', 'end']);
    expect(receiver.context.output.events[0]).to.include({ port: 4915, endpoint: `tcp:${RECEIVER}:4915` });
    expect(sender.context.messages.text).to.equal('');
  });

  it('end with status 1 and one line each when the file is refused', async () => {
    world.source.put('a.bin', pattern(3 * MIB));
    const receiver = await receive('--once', '--max-size', '1MiB');
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);

    await world.pass(5_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([1, 1]);
    expect(sender.context.messages.lines).to.deep.equal([
      'hawser: a.bin was not sent: it is larger than the receiver allows; the receiver may allow more with --max-size',
    ]);
    expect(receiver.context.messages.lines).to.have.length(2);
    expect(world.target.list('in')).to.deep.equal([]);
  });

  it('refuse a name that not every system can hold before anybody is connected to', async () => {
    world.source.put('what?', pattern(10));
    const sender = await world.send('what?', `tcp:${RECEIVER}:4915`);

    expect(sender.failure?.status).to.equal(2);
    expect(sender.failure?.message).to.match(
      /^what\? has a name that not every system can hold.*; rename it$/,
    );
  });

  it('suggest the transport where only that is missing', async () => {
    world.source.put('a.bin', pattern(10));
    for (const [place, hint] of [
      ['127.0.0.1:4', /; write ptcp:127\.0\.0\.1:4$/],
      ['[::1]:4', /; write ptcp:\[::1\]:4$/],
      ['tcp:4', /write tcp:HOST:PORT/],
    ] as const) {
      const sender = await world.send('a.bin', place);

      expect(sender.failure?.status, place).to.equal(2);
      expect(sender.failure?.message).to.match(hint);
    }
  });

  it('say that nobody listens, with status 3', async () => {
    world.source.put('a.bin', pattern(10));
    world.network.host(RECEIVER);
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);

    await world.pass(5_000, () => isOver(sender));

    expect(sender.failure?.status).to.equal(3);
    expect(sender.failure?.message).to.match(
      /^nobody listens on tcp:10\.0\.0\.2:4915; start 'hawser receive'/,
    );
  });

  it('say that there is no answer after 30 s, with status 3', async () => {
    world.source.put('a.bin', pattern(10));
    const receiver = await receive();
    world.network.host(SENDER);
    world.network.partition(SENDER, RECEIVER);
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);

    await world.pass(31_000, () => isOver(sender));
    receiver.reactor.stop();

    expect(sender.failure?.status).to.equal(3);
    expect(sender.failure?.message).to.match(/^no answer from/);
  });

  it('say that a port is taken, with status 3', async () => {
    const first = await receive();
    const second = await receive();

    await world.pass(1_000, () => isOver(second));
    first.reactor.stop();

    expect(second.failure?.status).to.equal(3);
    expect(second.failure?.message).to.match(/the port is taken; choose another with --listen/);
  });

  it('report a peer that vanished within 35 s, on both sides', async () => {
    world.source.put('a.bin', pattern(20 * MIB));
    const receiver = await receive('--once');
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);
    await world.pass(1_000, () => receiver.context.output.text !== '' || world.target.log.length > 20);

    world.network.partition(SENDER, RECEIVER);
    await world.pass(35_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([1, 1]);
    expect(sender.context.messages.text).to.contain('nothing was heard of the peer for 30 s');
    expect(receiver.context.messages.text).to.contain('nothing was heard of the peer for 30 s');
    expect(world.target.get('in/a.bin')).to.equal(undefined);
  });

  it('end well when the sender is interrupted: status 130, and the receiver goes on', async () => {
    world.source.put('a.bin', pattern(20 * MIB));
    const receiver = await receive();
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);
    await world.pass(1_000, () => world.target.log.length > 20);

    sender.reactor.stop();
    await world.pass(8_000, () => isOver(sender));
    const again = await world.send('a.bin', `tcp:${RECEIVER}:4915`);
    await world.pass(60_000, () => isOver(again));
    receiver.reactor.stop();
    await world.pass(8_000, () => isOver(receiver));

    expect([sender.status, again.status, receiver.status]).to.deep.equal([130, 0, 0]);
    expect(again.context.messages.text).to.match(/are there already and not sent again/);
  });

  it('end well when the receiver is interrupted: status 130, and the sender is told', async () => {
    world.source.put('a.bin', pattern(20 * MIB));
    const receiver = await receive();
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);
    await world.pass(1_000, () => world.target.log.length > 20);

    receiver.reactor.stop();
    await world.pass(8_000, () => isOver(sender) && isOver(receiver));

    expect([sender.status, receiver.status]).to.deep.equal([1, 130]);
    expect(sender.context.messages.text).to.contain('the transfer was stopped');
    expect(world.target.list('in')).to.deep.equal(['in/.a.bin.hawser-journal', 'in/.a.bin.hawser-part']);
  });

  it('give up connecting when interrupted', async () => {
    world.source.put('a.bin', pattern(10));
    world.network.host(RECEIVER);
    world.network.host(SENDER);
    world.network.partition(SENDER, RECEIVER);
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);

    sender.reactor.stop();
    await world.pass(1_000, () => isOver(sender));

    expect(sender.status).to.equal(130);
  });

  it('do not take a connection that offers nothing for the one of --once', async () => {
    world.source.put('a.bin', pattern(10));
    const receiver = await receive('--once');
    const stranger = world.network.host(SENDER).sockets;
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
    await world.pass(1_000);
    const stillThere = !isOver(receiver);
    const sender = await world.send('a.bin', `tcp:${RECEIVER}:4915`);
    await world.pass(8_000, () => isOver(receiver));

    expect(stillThere).to.equal(true);
    expect([sender.status, receiver.status]).to.deep.equal([0, 0]);
    expect(receiver.context.messages.text).to.contain('does not speak this version');
  });

  function receive(...args: string[]): Promise<Running> {
    return world.receive('--listen', 'tcp:4915', ...args);
  }
});
