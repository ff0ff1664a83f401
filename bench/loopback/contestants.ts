// The two stacks that are compared, behind one face.
import { connect as connectTcp, type Socket } from 'node:net';
import { ClientFactory, Factory, Protocol, type PtcpPort, reactor } from 'hawser';

/** An open connection. */
export interface Line {
  /** Returns false when it is better to wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  close(): void;
  received: (bytes: Uint8Array) => void;
  drained: () => void;
}

export interface Contestant {
  readonly name: 'ptcp' | 'tcp';
  connect(): Promise<Line>;
  /** A connection that costs as little as it can, for counting idle ones. */
  connectIdle(): Promise<Line>;
}

export function tcpContestant(port: number): Contestant {
  const connect = (): Promise<Line> =>
    new Promise((connected, failed) => {
      const socket = connectTcp(port, '127.0.0.1', () => connected(tcpLine(socket)));
      socket.setNoDelay(true);
      socket.on('error', failed);
    });
  return { name: 'tcp', connect, connectIdle: connect };
}

function tcpLine(socket: Socket): Line {
  const line: Line = {
    write: (bytes) => socket.write(bytes),
    close: () => void socket.destroy(),
    received: () => {},
    drained: () => {},
  };
  socket.on('data', (bytes) => line.received(bytes));
  socket.on('drain', () => line.drained());
  return line;
}

class PtcpLine extends Protocol implements Line {
  received: (bytes: Uint8Array) => void = ignore;
  drained: () => void = ignore;

  override connectionMade(): void {
    this.transport.setTcpNoDelay(true);
    this.transport.registerProducer(this, true);
  }

  override dataReceived(bytes: Uint8Array): void {
    this.received(bytes);
  }

  write(bytes: Uint8Array): boolean {
    return this.transport.write(bytes);
  }

  close(): void {
    this.transport.unregisterProducer();
    this.transport.abortConnection();
  }

  pauseProducing(): void {}

  resumeProducing(): void {
    this.drained();
  }

  stopProducing(): void {}
}

const ignore = (): void => {};

/** One factory for all connections of a kind: whoever asked first gets the first one made. */
class LineFactory extends ClientFactory {
  readonly #waiting: { made: (line: Line) => void; failed: (error: Error) => void }[] = [];

  next(): Promise<Line> {
    return new Promise((made, failed) => void this.#waiting.push({ made, failed }));
  }

  override buildProtocol(): Protocol {
    const line = new PtcpLine();
    const waiting = this.#waiting.shift();
    reactor.callSoon(() => waiting?.made(line));
    return line;
  }

  override clientConnectionFailed(_connector: unknown, reason: Error): void {
    this.#waiting.shift()?.failed(reason);
  }
}

/** PTCP; idle connections share one UDP port, as peers behind one hole would. */
export async function ptcpContestant(port: number): Promise<Contestant> {
  const shared: PtcpPort = reactor.listenPTCP(0, Factory.forProtocol(Protocol), { interface: '127.0.0.1' });
  await shared.listening;
  const factory = new LineFactory();
  return {
    name: 'ptcp',
    connect: () => {
      reactor.connectPTCP('127.0.0.1', port, factory);
      return factory.next();
    },
    connectIdle: () => {
      shared.connect('127.0.0.1', port, factory);
      return factory.next();
    },
  };
}
