import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { bindUdp, datagram, type RecordingUdp } from '../support/simulated-sockets.ts';

const TO_B = { host: '10.0.0.2', port: 5000 };
const TO_A = { host: '10.0.0.1', port: 4000 };

describe('SimulatedNetwork', () => {
  function makePair(options: Omit<SimulatedNetworkOptions, 'clock'> = {}): {
    clock: VirtualClock;
    network: SimulatedNetwork;
    a: RecordingUdp;
    b: RecordingUdp;
  } {
    const clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock, ...options });
    const a = bindUdp(clock, network.host('10.0.0.1').sockets, '10.0.0.1', 4000);
    const b = bindUdp(clock, network.host('10.0.0.2').sockets, '10.0.0.2', 5000);
    return { clock, network, a, b };
  }

  it('runs the same for the same seed, and differently for another', () => {
    const run = (seed: number): string[] => {
      const { clock, a, b } = makePair({
        seed,
        link: {
          latencyMs: 5,
          jitterMs: 3,
          loss: 0.2,
          reorder: { probability: 0.2, extraMs: 4 },
          duplicate: 0.1,
        },
      });
      const log: string[] = [];
      for (let i = 0; i < 200; i++) {
        a.socket.sendBurst(datagram(`${i}`), TO_B);
        clock.advance(1);
        log.push(`${clock.now()}: ${b.received.splice(0).join(',')}`);
      }
      clock.advance(100);
      return [...log, ...b.received];
    };

    expect(run(7)).to.deep.equal(run(7));
    expect(run(7)).not.to.deep.equal(run(8));
  });

  it('gives each direction of each pair a link of its own, which can be changed', () => {
    const { clock, network, a, b } = makePair({ link: { latencyMs: 10 } });

    network.link('10.0.0.1', '10.0.0.2', { loss: 1 });
    a.socket.sendBurst(datagram('lost'), TO_B);
    b.socket.sendBurst(datagram('fine'), TO_A);
    clock.advance(10);

    expect(b.received).to.deep.equal([]);
    expect(a.received).to.deep.equal(['10.0.0.2:5000 fine']);
    expect(network.link('10.0.0.1', '10.0.0.2').stats).to.include({ sent: 1, lost: 1 });
    expect(network.link('10.0.0.2', '10.0.0.1').stats).to.include({ sent: 1, delivered: 1 });
  });

  it('shares the rate of a link among all sockets of the pair', () => {
    const { clock, network, a, b } = makePair({ link: { rateMbit: 1 } });
    const second = bindUdp(clock, network.host('10.0.0.1').sockets, '10.0.0.1', 4001);

    a.socket.sendBurst(datagram(new Uint8Array(97)), TO_B);
    second.socket.sendBurst(datagram(new Uint8Array(97)), TO_B);
    clock.advance(1);
    expect(b.received).to.have.length(1);
    clock.advance(1);

    expect(b.received).to.have.length(2);
  });

  it('cuts a pair off and heals it, others and what is under way unharmed', () => {
    const { clock, network, a, b } = makePair({ link: { latencyMs: 10 } });
    const c = bindUdp(clock, network.host('10.0.0.3').sockets, '10.0.0.3', 4000);

    a.socket.sendBurst(datagram('under way'), TO_B);
    network.partition('10.0.0.2', '10.0.0.1');
    a.socket.sendBurst(datagram('cut off'), TO_B);
    c.socket.sendBurst(datagram('other'), TO_B);
    clock.advance(10);
    network.heal('10.0.0.1', '10.0.0.2');
    a.socket.sendBurst(datagram('healed'), TO_B);
    clock.advance(10);

    expect(b.received).to.deep.equal([
      '10.0.0.1:4000 under way',
      '10.0.0.3:4000 other',
      '10.0.0.1:4000 healed',
    ]);
  });

  it('remembers what was sent and what became of it, up to its limit', () => {
    const { clock, network, a } = makePair({ traceLimit: 3 });
    const send = (content: string, to: { host: string; port: number }): void => {
      a.socket.sendBurst(datagram(content), to);
      clock.advance(1);
    };

    send('forgotten', TO_B);
    send('one', TO_B);
    send('two', { host: '10.9.9.9', port: 1 });
    network.partition('10.0.0.1', '10.0.0.2');
    send('three', TO_B);

    expect(network.trace.map(({ sentAt, fate, bytes }) => [sentAt, fate, bytes.length])).to.deep.equal([
      [1, 'queued', 3],
      [2, 'no-such-host', 3],
      [3, 'partitioned', 5],
    ]);
    expect(network.trace[0]).to.deep.include({ from: { host: '10.0.0.1', port: 4000 }, to: TO_B });
  });

  it('lets answers without any latency wait for the whole batch', () => {
    const { clock, network, a } = makePair();
    const log: string[] = [];
    const { sockets } = network.host('10.0.0.3');
    sockets.bindUdp(
      {
        host: '10.0.0.3',
        port: 7,
        events: {
          datagram: (bytes, host, port) => {
            log.push(`got ${new TextDecoder().decode(bytes)}`);
            echo?.sendBurst(datagram(bytes), { host, port });
          },
          writable: () => {},
          error: () => {},
        },
      },
      (_error, socket) => {
        echo = socket;
      },
    );
    let echo: RecordingUdp['socket'] | undefined;
    clock.advance(0);

    for (const content of ['1', '2']) a.socket.sendBurst(datagram(content), { host: '10.0.0.3', port: 7 });
    clock.advance(0);

    expect(log).to.deep.equal(['got 1', 'got 2']);
    expect(a.received).to.deep.equal(['10.0.0.3:7 1', '10.0.0.3:7 2']);
    expect(clock.pending).to.equal(0);
  });

  it('resolves names, IPv4 first, and literals to themselves', () => {
    const { clock, network } = makePair({
      names: { 'both.test': ['2001:db8::1', '10.0.0.1'], 'one.test': '10.0.0.2' },
    });
    const { sockets } = network.host('10.0.0.1');
    const answers: unknown[] = [];
    const ask = (name: string): (() => void) =>
      sockets.resolve(name, (error, addresses) => {
        answers.push(addresses?.map(({ host }) => host) ?? Reflect.get(error ?? {}, 'code'));
      });

    for (const name of ['both.test', 'one.test', 'localhost', '192.0.2.7', '::1', 'none.test']) ask(name);
    ask('one.test')();
    expect(answers, 'never from inside').to.deep.equal([]);
    clock.advance(0);

    expect(answers).to.deep.equal([
      ['10.0.0.1', '2001:db8::1'],
      ['10.0.0.2'],
      ['127.0.0.1', '::1'],
      ['192.0.2.7'],
      ['::1'],
      'ENOTFOUND',
    ]);
  });

  it('gives the same host for the same address, and refuses what would be two', () => {
    const { network } = makePair();

    expect(network.host('10.0.0.1')).to.equal(network.host('10.0.0.1'));
    expect(network.host('10.0.0.5', { aliases: ['10.0.0.6'] })).to.equal(network.host('10.0.0.6'));
    expect(() => network.host('10.0.0.1', {})).to.throw(UsageError);
    expect(() => network.host('10.0.0.7', { aliases: ['10.0.0.1'] })).to.throw(UsageError);
    expect(() => network.link('10.0.0.1', '10.0.0.99')).to.throw(UsageError);
  });

  it('goes on with the other datagrams when the owner of one throws', () => {
    const { clock, network, a, b } = makePair({ link: { latencyMs: 1 } });
    network.host('10.0.0.3').sockets.bindUdp(
      {
        host: '10.0.0.3',
        port: 7,
        events: {
          datagram: () => {
            throw new Error('a fault of the owner');
          },
          writable: () => {},
          error: () => {},
        },
      },
      () => {},
    );
    clock.advance(0);

    a.socket.sendBurst(datagram('x'), { host: '10.0.0.3', port: 7 });
    a.socket.sendBurst(datagram('y'), TO_B);

    expect(() => clock.advance(1)).to.throw('a fault of the owner');
    clock.advance(1);
    expect(b.received).to.deep.equal(['10.0.0.1:4000 y']);
  });
});
