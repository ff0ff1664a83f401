import { expect } from 'chai';
import type { DatagramBurst, UdpSocket, UdpSocketEvents } from '../../lib/interfaces/sockets.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { tappedSockets } from '../../lib/trace/tapped-sockets.ts';

const TWO_DATAGRAMS: DatagramBurst = {
  buffer: Uint8Array.of(1, 2, 3, 4, 5),
  strideBytes: 3,
  count: 2,
  lastBytes: 2,
};

describe('tappedSockets', () => {
  let clock: VirtualClock;
  let seen: string[];
  let received: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    seen = [];
    received = [];
  });

  afterEach(() => expect(clock.pending).to.equal(0));

  /** Two bound sockets; the first one is tapped. */
  function boundPair(): { readonly tapped: UdpSocket; readonly other: UdpSocket } {
    const network = new SimulatedNetwork({ clock });
    const bound: UdpSocket[] = [];
    const events: UdpSocketEvents = {
      datagram: (bytes, host, port) => received.push(`${bytes.join()} from ${host}:${port}`),
      writable: () => {},
      error: () => {},
    };
    const tapped = tappedSockets(network.host('192.0.2.1').sockets, ({ from, to, bytes, direction }) => {
      seen.push(`${direction} ${bytes.join()} ${from.host}:${from.port} ${to.host}:${to.port}`);
    });
    const { sockets } = network.host('192.0.2.2');
    tapped.bindUdp({ host: '192.0.2.1', port: 7, events }, (_error, socket) => bound.push(socket!));
    sockets.bindUdp({ host: '192.0.2.2', port: 9, events }, (_error, socket) => bound.push(socket!));
    clock.advance(1);
    return { tapped: bound[0]!, other: bound[1]! };
  }

  it('shows each datagram of a burst with where it goes', () => {
    const { tapped } = boundPair();

    tapped.sendBurst(TWO_DATAGRAMS, { host: '192.0.2.2', port: 9 });
    clock.advance(1);

    expect(seen).to.deep.equal(['out 1,2,3 192.0.2.1:7 192.0.2.2:9', 'out 4,5 192.0.2.1:7 192.0.2.2:9']);
    expect(received).to.deep.equal(['1,2,3 from 192.0.2.1:7', '4,5 from 192.0.2.1:7']);
  });

  it('knows the peer of a connected socket', () => {
    const { tapped } = boundPair();
    tapped.connect({ host: '192.0.2.2', port: 9 }, () => tapped.sendBurst(TWO_DATAGRAMS));

    clock.advance(1);

    expect(seen).to.have.length(2);
    expect(seen[0]).to.equal('out 1,2,3 192.0.2.1:7 192.0.2.2:9');
  });

  it('shows what arrives, and hands it on', () => {
    const { other } = boundPair();

    other.sendBurst(TWO_DATAGRAMS, { host: '192.0.2.1', port: 7 });
    clock.advance(1);

    expect(seen).to.deep.equal(['in 1,2,3 192.0.2.2:9 192.0.2.1:7', 'in 4,5 192.0.2.2:9 192.0.2.1:7']);
    expect(received).to.deep.equal(['1,2,3 from 192.0.2.2:9', '4,5 from 192.0.2.2:9']);
  });

  it('passes on that binding failed', () => {
    const network = new SimulatedNetwork({ clock });
    const tapped = tappedSockets(network.host('192.0.2.1').sockets, () => {});
    let failure: Error | undefined;
    const events = { datagram: () => {}, writable: () => {}, error: () => {} };

    tapped.bindUdp({ host: '192.0.2.99', port: 7, events }, (error) => {
      failure = error;
    });
    clock.advance(1);

    expect(failure).to.be.instanceOf(Error);
  });
});
