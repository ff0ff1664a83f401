import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { bindUdp, datagram } from '../support/simulated-sockets.ts';

describe('SimulatedUdpSocket', () => {
  let clock: VirtualClock;
  let network: SimulatedNetwork;

  beforeEach(() => {
    clock = new VirtualClock();
    network = new SimulatedNetwork({ clock, link: { latencyMs: 10 } });
  });

  afterEach(() => {
    expect(clock.pending, 'nothing is left behind').to.equal(0);
  });

  const socketsOf = (address: string) => network.host(address).sockets;

  it('carries a datagram to the port it was sent to, with the address of its sender', () => {
    const a = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);
    const b = bindUdp(clock, socketsOf('10.0.0.2'), '0.0.0.0', 5000);

    expect(a.socket.sendBurst(datagram('hello'), { host: '10.0.0.2', port: 5000 })).to.equal('sent');
    clock.advance(9);
    expect(b.received, 'before the latency').to.deep.equal([]);
    clock.advance(1);

    expect(b.received).to.deep.equal(['10.0.0.1:4000 hello']);
    expect(a.received).to.deep.equal([]);
  });

  it('sends from the address of the family and kind of the destination when bound to all', () => {
    const host = network.host('10.0.0.1', { aliases: ['2001:db8::1'] });
    const a = bindUdp(clock, host.sockets, '::', 4000);
    const b = bindUdp(clock, socketsOf('2001:db8::2'), '2001:db8::2', 5000);
    const own = bindUdp(clock, host.sockets, '127.0.0.1', 6000);

    a.socket.sendBurst(datagram('far'), { host: '2001:db8::2', port: 5000 });
    a.socket.sendBurst(datagram('near'), { host: '127.0.0.1', port: 6000 });
    clock.advance(10);

    expect(b.received).to.deep.equal(['2001:db8::1:4000 far']);
    expect(own.received).to.deep.equal(['127.0.0.1:4000 near']);
  });

  it('cuts a burst into its datagrams, the last one shorter, and copies them', () => {
    const a = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);
    const b = bindUdp(clock, socketsOf('10.0.0.2'), '10.0.0.2', 5000);
    const buffer = new TextEncoder().encode('aaabbbc');

    a.socket.sendBurst({ buffer, strideBytes: 3, count: 3, lastBytes: 1 }, { host: '10.0.0.2', port: 5000 });
    buffer.fill(0);
    clock.advance(10);

    expect(b.received.map((line) => line.split(' ')[1])).to.deep.equal(['aaa', 'bbb', 'c']);
  });

  it('delivers what is due together back to back, and callSoon runs after the last', () => {
    const a = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);
    const c = bindUdp(clock, socketsOf('10.0.0.3'), '10.0.0.3', 4000);
    const log: string[] = [];
    const events = {
      datagram: (bytes: Uint8Array) => {
        log.push(new TextDecoder().decode(bytes));
        if (log.length === 1) clock.callSoon(() => log.push('soon'));
      },
      writable: () => {},
      error: () => {},
    };
    socketsOf('10.0.0.2').bindUdp({ host: '10.0.0.2', port: 5000, events }, () => {});
    clock.advance(0);

    a.socket.sendBurst(datagram('1'), { host: '10.0.0.2', port: 5000 });
    c.socket.sendBurst(datagram('2'), { host: '10.0.0.2', port: 5000 });
    a.socket.sendBurst(datagram('3'), { host: '10.0.0.2', port: 5000 });
    clock.advance(10);

    expect(log.slice(0, 3)).to.have.members(['1', '2', '3']);
    expect(log[3]).to.equal('soon');
  });

  it('refuses a taken port and a foreign address, and finds a free port for 0', () => {
    const sockets = socketsOf('10.0.0.1');
    const first = bindUdp(clock, sockets, '10.0.0.1', 0);
    const second = bindUdp(clock, sockets, '10.0.0.1', 0);

    expect(first.socket.port).to.be.within(49_152, 65_535);
    expect(second.socket.port).not.to.equal(first.socket.port);
    expect(() => bindUdp(clock, sockets, '10.0.0.1', first.socket.port)).to.throw('EADDRINUSE');
    expect(() => bindUdp(clock, sockets, '0.0.0.0', first.socket.port)).to.throw('EADDRINUSE');
    expect(() => bindUdp(clock, sockets, '10.9.9.9', 4000))
      .to.throw('EADDRNOTAVAIL')
      .with.property('code', 'EADDRNOTAVAIL');
  });

  it('tells a connected socket, and no other, that nobody is bound where it sent to', () => {
    const connected = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);
    const free = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4001);
    network.host('10.0.0.2');
    connected.socket.connect({ host: '10.0.0.2', port: 5000 }, () => {});
    clock.advance(0);

    connected.socket.sendBurst(datagram('anybody?'));
    free.socket.sendBurst(datagram('anybody?'), { host: '10.0.0.2', port: 5000 });
    clock.advance(19);
    expect(connected.errors, 'before a round trip').to.deep.equal([]);
    clock.advance(1);

    expect(connected.errors).to.deep.equal(['ECONNREFUSED']);
    expect(free.errors).to.deep.equal([]);
  });

  it('hears its peer only once it is connected', () => {
    const a = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);
    const b = bindUdp(clock, socketsOf('10.0.0.2'), '10.0.0.2', 5000);
    const stranger = bindUdp(clock, socketsOf('10.0.0.3'), '10.0.0.3', 5000);
    a.socket.connect({ host: '10.0.0.2', port: 5000 }, () => {});
    clock.advance(0);

    stranger.socket.sendBurst(datagram('psst'), { host: '10.0.0.1', port: 4000 });
    b.socket.sendBurst(datagram('hello'), { host: '10.0.0.1', port: 4000 });
    clock.advance(10);

    expect(a.received).to.deep.equal(['10.0.0.2:5000 hello']);
  });

  it('blocks when its send buffer is full and says when half of it is free, having lost nothing', () => {
    // 1 Mbit/s empties 125 bytes a millisecond; a datagram of 97 is 125 on the wire.
    const host = network.host('10.0.0.1', { sendBuffer: { bytes: 1_000, rateMbit: 1 } });
    const a = bindUdp(clock, host.sockets, '10.0.0.1', 4000);
    const b = bindUdp(clock, socketsOf('10.0.0.2'), '10.0.0.2', 5000);
    const to = { host: '10.0.0.2', port: 5000 };
    const one = datagram(new Uint8Array(97));

    const answers = Array.from({ length: 8 }, () => a.socket.sendBurst(one, to));
    clock.advance(3.5);
    expect(a.writableCount, 'still more than half full').to.equal(0);
    clock.advance(0.5);

    expect(answers).to.deep.equal([...Array.from({ length: 7 }, () => 'sent'), 'blocked']);
    expect(a.writableCount).to.equal(1);
    expect(a.socket.sendBurst(one, to)).to.equal('sent');
    clock.advance(100);
    expect(b.received).to.have.length(9);
    expect(a.writableCount).to.equal(1);
  });

  it('reports EMSGSIZE for what no datagram can hold, later and not from inside', () => {
    const a = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);

    a.socket.sendBurst(datagram(new Uint8Array(65_508)), { host: '10.0.0.2', port: 5000 });
    expect(a.errors).to.deep.equal([]);
    clock.advance(0);

    expect(a.errors).to.deep.equal(['EMSGSIZE']);
  });

  it('wants to know where to send to unless it is connected', () => {
    const a = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);

    expect(() => a.socket.sendBurst(datagram('x'))).to.throw(UsageError);
  });

  it('reports nothing after close, and frees its port', () => {
    const sockets = socketsOf('10.0.0.2');
    const a = bindUdp(clock, socketsOf('10.0.0.1'), '10.0.0.1', 4000);
    const b = bindUdp(clock, sockets, '10.0.0.2', 5000);
    let isDone = false;
    a.socket.sendBurst(datagram('too late'), { host: '10.0.0.2', port: 5000 });

    b.socket.close(() => {
      isDone = true;
    });
    expect(isDone, 'never from inside').to.equal(false);
    clock.advance(30);

    expect(isDone).to.equal(true);
    expect(b.received).to.deep.equal([]);
    expect(bindUdp(clock, sockets, '10.0.0.2', 5000).socket.port).to.equal(5000);
  });
});
