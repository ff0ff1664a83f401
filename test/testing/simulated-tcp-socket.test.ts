import { expect } from 'chai';
import type { TcpConnectOptions } from '../../lib/interfaces/sockets.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import {
  bytesOf,
  listenTcp,
  type RecordingListener,
  type RecordingTcp,
  recordTcp,
} from '../support/simulated-sockets.ts';

describe('SimulatedTcpSocket', () => {
  let clock: VirtualClock;
  let network: SimulatedNetwork;
  let server: RecordingListener;

  beforeEach(() => {
    clock = new VirtualClock();
    network = new SimulatedNetwork({ clock, link: { latencyMs: 10 } });
    server = listenTcp(clock, network.host('10.0.0.2').sockets, '0.0.0.0', 80);
  });

  afterEach(() => {
    expect(clock.pending, 'nothing is left behind').to.equal(0);
  });

  function connect(options: Partial<TcpConnectOptions> = {}): {
    outcome: RecordingTcp | string | undefined;
    giveUp: () => void;
  } {
    const attempt: { outcome: RecordingTcp | string | undefined; giveUp: () => void } = {
      outcome: undefined,
      giveUp: () => {},
    };
    attempt.giveUp = network
      .host('10.0.0.1')
      .sockets.connectTcp({ host: '10.0.0.2', port: 80, ...options }, (error, socket) => {
        attempt.outcome = socket === undefined ? String(Reflect.get(error ?? {}, 'code')) : recordTcp(socket);
      });
    return attempt;
  }

  function established(): [RecordingTcp, RecordingTcp] {
    const { outcome } = runUntilDecided(connect());
    clock.advance(10);
    const accepted = server.accepted.at(-1);
    if (typeof outcome !== 'object' || accepted === undefined) throw new Error(`not connected: ${outcome}`);
    return [outcome, accepted];
  }

  function runUntilDecided<T extends { outcome: unknown }>(attempt: T): T {
    while (attempt.outcome === undefined && clock.pending > 0) clock.advance(1);
    return attempt;
  }

  it('connects after one round trip, and is accepted half a trip later', () => {
    const attempt = connect();

    clock.advance(19);
    expect(attempt.outcome).to.equal(undefined);
    clock.advance(1);
    expect(attempt.outcome).to.be.an('object');
    expect(server.accepted).to.have.length(0);
    clock.advance(10);

    const [accepted] = server.accepted;
    expect(accepted?.socket).to.include({
      localHost: '10.0.0.2',
      localPort: 80,
      remoteHost: '10.0.0.1',
      remotePort: (attempt.outcome as RecordingTcp).socket.localPort,
    });
  });

  it('is refused where nobody listens, after one round trip', () => {
    const attempt = connect({ port: 81 });

    clock.advance(20);

    expect(attempt.outcome).to.equal('ECONNREFUSED');
  });

  it('runs into the time limit where there is no host', () => {
    const attempt = connect({ host: '10.9.9.9' });

    clock.advance(126_999);
    expect(attempt.outcome).to.equal(undefined);
    clock.advance(1);

    expect(attempt.outcome).to.equal('ETIMEDOUT');
  });

  it('says nothing more once its caller has given up, at any moment', () => {
    for (const moment of [0, 5, 15]) {
      const attempt = connect();
      clock.advance(moment);
      attempt.giveUp();
      clock.advance(100);

      expect(attempt.outcome, `after ${moment} ms`).to.equal(undefined);
    }
    expect(server.accepted).to.have.length(0);
  });

  it('carries bytes both ways in order, each after the latency', () => {
    const [client, accepted] = established();

    client.socket.write(bytesOf('one'));
    client.socket.write(bytesOf('two'));
    accepted.socket.write(bytesOf('three'));
    clock.advance(9);
    expect(accepted.log).to.deep.equal([]);
    clock.advance(1);

    expect(accepted.log).to.deep.equal(['one', 'two']);
    expect(client.log).to.deep.equal(['three']);
    clock.advance(10);
  });

  it('keeps the order of bytes when the latency shrinks', () => {
    const [client, accepted] = established();

    client.socket.write(bytesOf('slow'));
    network.link('10.0.0.1', '10.0.0.2', { latencyMs: 1 });
    client.socket.write(bytesOf('fast'));
    clock.advance(30);

    expect(accepted.log).to.deep.equal(['slow', 'fast']);
  });

  it('fills up while the reader is paused, and drains when it reads on', () => {
    const [client, accepted] = established();
    accepted.socket.pause();

    expect(client.socket.write(new Uint8Array(65_536)), 'fits').to.equal(true);
    expect(client.socket.write(new Uint8Array(100_000)), 'does not').to.equal(false);
    clock.advance(1_000);
    expect(accepted.receivedBytes).to.equal(0);
    expect(client.socket.bufferedBytes).to.equal(100_000);

    accepted.socket.resume();
    clock.advance(1_000);

    expect(accepted.receivedBytes).to.equal(165_536);
    expect(client.log).to.deep.equal(['drained']);
    expect(client.socket.bufferedBytes).to.equal(0);
  });

  it('stops at once when the reader pauses from inside, and goes on later', () => {
    const [client, accepted] = established();
    const log: string[] = [];
    accepted.socket.attach({
      data: (bytes) => {
        log.push(new TextDecoder().decode(bytes));
        accepted.socket.pause();
      },
      end: () => log.push('end'),
      drained: () => {},
      finished: () => {},
      closed: () => {},
    });
    client.socket.write(bytesOf('a'));
    client.socket.write(bytesOf('b'));
    client.socket.end();

    clock.advance(10);
    expect(log).to.deep.equal(['a']);
    accepted.socket.resume();
    expect(log, 'never from inside').to.deep.equal(['a']);
    clock.advance(0);
    expect(log).to.deep.equal(['a', 'b']);
    accepted.socket.resume();
    clock.advance(10);
    expect(log).to.deep.equal(['a', 'b', 'end']);
  });

  it('closes one direction and goes on in the other', () => {
    const [client, accepted] = established();

    client.socket.write(bytesOf('question'));
    client.socket.end();
    clock.advance(10);
    accepted.socket.write(bytesOf('answer'));
    accepted.socket.end();
    clock.advance(20);

    expect(accepted.log).to.deep.equal(['question', 'end', 'finished', 'closed']);
    expect(client.log).to.deep.equal(['finished', 'answer', 'end', 'closed']);
    expect(client.socket.write(bytesOf('late'))).to.equal(false);
  });

  it('sends its FIN after all that was written, however little the window lets through', () => {
    const [client, accepted] = established();

    client.socket.write(new Uint8Array(300_000));
    client.socket.end();
    clock.advance(1_000);

    expect(accepted.receivedBytes).to.equal(300_000);
    expect(accepted.log.at(-1)).to.equal('end');
    expect(client.log).to.deep.equal(['drained', 'finished']);
  });

  it('reports a reset at both ends, and drops what was under way after it', () => {
    const [client, accepted] = established();

    accepted.socket.pause();
    client.socket.write(bytesOf('lost'));
    client.socket.reset();
    expect(client.log, 'never from inside').to.deep.equal([]);
    clock.advance(10);

    expect(client.log).to.deep.equal(['closed']);
    expect(accepted.log).to.deep.equal(['closed ECONNRESET']);
  });

  it('answers with a reset what is sent to a destroyed end', () => {
    const [client, accepted] = established();

    accepted.socket.destroy();
    clock.advance(10);
    expect(client.log).to.deep.equal(['end']);
    client.socket.write(bytesOf('hello?'));
    clock.advance(20);

    expect(accepted.log).to.deep.equal(['closed']);
    expect(client.log).to.deep.equal(['end', 'closed ECONNRESET']);
  });

  it('waits for the end of a partition and loses nothing', () => {
    const [client, accepted] = established();

    network.partition('10.0.0.1', '10.0.0.2');
    client.socket.write(bytesOf('a'));
    client.socket.write(bytesOf('b'));
    clock.advance(60_000);
    expect(accepted.log).to.deep.equal([]);
    network.heal();
    clock.advance(20);

    expect(accepted.log).to.deep.equal(['a', 'b']);
  });

  it('accepts no more once the listener is closed, and leaves what was accepted alone', () => {
    const [client, accepted] = established();

    server.listener.close(() => {});
    const refused = runUntilDecided(connect());
    client.socket.write(bytesOf('still here'));
    clock.advance(20);

    expect(refused.outcome).to.equal('ECONNREFUSED');
    expect(accepted.log).to.deep.equal(['still here']);
  });

  it('works within one host without any latency', () => {
    const sockets = network.host('10.0.0.1').sockets;
    const { accepted } = listenTcp(clock, sockets, '127.0.0.1', 8080);
    const attempt = connect({ host: '127.0.0.1', port: 8080 });
    clock.advance(0);

    (attempt.outcome as RecordingTcp).socket.write(bytesOf('hello'));
    clock.advance(0);

    expect(accepted[0]?.log).to.deep.equal(['hello']);
  });
});
