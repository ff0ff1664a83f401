import type { Duplex } from 'node:stream';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { toDuplex } from '../../lib/reactor/node/duplex.ts';
import { RecordingClientFactory } from '../../lib/testing/contract-world.ts';
import type { TlsPort } from '../../lib/transports/tls/port.ts';
import { testCertificates } from './certificates.ts';
import { SecureRecorder, type TlsAttempt, type TlsWorld } from './tls-world.ts';

/** A plain connection to a port in memory, as a stream, for clients that are not ours. */
export async function connectPlainly(world: TlsWorld, port: TlsPort): Promise<Duplex> {
  let stream: Duplex | undefined;
  const factory = new ClientFactory();
  factory.buildProtocol = () =>
    new StreamMaker((made) => {
      stream = made;
    });
  world.reactor.connectMemory((port.getHost() as { name: string }).name, factory);
  await world.until(() => stream !== undefined, 'a plain connection');
  return stream as Duplex;
}

/** Listens plainly in memory, and connects to it with TLS: `serve` plays the server. */
export async function connectToStream(
  world: TlsWorld,
  serve: (stream: Duplex) => void,
  connect: object = {},
): Promise<Pick<TlsAttempt, 'client' | 'factory'>> {
  const { ca } = await testCertificates();
  const listening = new Factory();
  listening.buildProtocol = () => new StreamMaker(serve);
  world.reactor.listenMemory('plain', listening);
  await world.turn(1);
  const client = new SecureRecorder();
  const factory = new RecordingClientFactory(client);
  const options = { ca: ca.certificate, serverName: 'localhost', ...connect };
  world.reactor.connect('memory+tls', { host: 'plain', port: 0 }, factory, options);
  return { client, factory };
}

/** Makes a stream of its connection at once. */
class StreamMaker extends Protocol {
  readonly #made: (stream: Duplex) => void;

  constructor(made: (stream: Duplex) => void) {
    super();
    this.#made = made;
  }

  override connectionMade(): void {
    const stream = toDuplex(this.transport);
    // The tests look at our end.
    stream.on('error', () => {});
    this.#made(stream);
  }
}
