import { expect } from 'chai';
import { ConnectionDone, UsageError } from '../../lib/errors.ts';
import type { InetAddress } from '../../lib/interfaces/address.ts';
import type { StreamFactory } from '../../lib/interfaces/protocol.ts';
import type { PtcpPort } from '../../lib/ptcp/port.ts';
import { nodeTls } from '../../lib/reactor/node/tls.ts';
import { ListFactory, RecordingClientFactory } from '../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { MemoryProvider } from '../../lib/transports/memory/provider.ts';
import type { StreamPort } from '../../lib/transports/stream-port.ts';
import type { TlsPort } from '../../lib/transports/tls/port.ts';
import { TlsProvider } from '../../lib/transports/tls/provider.ts';
import { type TestCertificates, testCertificates } from '../support/certificates.ts';
import { SecureRecorder, TlsWorld } from '../support/tls-world.ts';

describe('a reactor with TLS', () => {
  let made: TestCertificates;
  let world: TlsWorld;
  let server: SecureRecorder;
  let client: SecureRecorder;

  beforeEach(async () => {
    made = await testCertificates();
    world = new TlsWorld();
    server = new SecureRecorder();
    client = new SecureRecorder();
  });

  afterEach(() => world.over());

  /** Waits for both ends of a connection, and ends it. */
  async function exchanged(): Promise<void> {
    await world.until(() => server.count('made') + client.count('made') === 2, 'both ends are made');
    client.transport.loseConnection();
    await world.bothLost(server, client);
    expect(client.reason).to.be.instanceOf(ConnectionDone);
  }

  it('listens and connects over TCP, with the options of both', async () => {
    const { certificate, key } = made.server;
    const { reactor } = world;
    const port: TlsPort<StreamPort<InetAddress>> = reactor.listenTLS(4433, new ListFactory(server), {
      certificate,
      key,
      interface: '127.0.0.1',
      backlog: 5,
    });
    await world.until(() => port.listening.called, 'it listens');

    reactor.connectTLS('localhost', 4433, new RecordingClientFactory(client), {
      ca: made.ca.certificate,
      timeoutMs: 5_000,
    });
    await exchanged();

    expect(port.getHost()).to.deep.include({ type: 'TCP', host: '127.0.0.1' });
    expect(port.getHost().port).to.equal(4433);
    expect(server.facts?.serverName).to.equal('localhost');
    await stopped(port);
  });

  it('listens and connects over PTCP, with the options of both', async () => {
    const { certificate, key } = made.server;
    const { reactor } = world;
    const port: TlsPort<PtcpPort> = reactor.listenTLS(0, new ListFactory(server), {
      over: 'ptcp',
      certificate,
      key,
      pseudoPort: 77,
    });
    await world.until(() => port.listening.called, 'it listens');

    const { port: number } = port.below.getHost();
    reactor.connectTLS('127.0.0.1', number, new RecordingClientFactory(client), {
      over: 'ptcp',
      pseudoPort: 77,
      pin: made.server.fingerprint,
    });
    await exchanged();

    expect(port.below.stats).to.be.an('object');
    expect(client.transport.tcpInfo?.()).to.have.property('rttUs');
    await stopped(port);
  });

  it('expects the address that it connects to in the certificate', async () => {
    const { certificate, key } = made.wrongHost;
    const port = world.reactor.listenTLS(4433, new ListFactory(server), { certificate, key });
    await world.until(() => port.listening.called, 'it listens');
    const factory = new RecordingClientFactory(client);

    world.reactor.connectTLS('127.0.0.1', 4433, factory, { ca: made.ca.certificate });
    await world.until(() => factory.events.includes('stop'), 'the attempt is over');

    expect(factory.reason).to.have.property('code', 'ERR_CERTIFICATE_NAME');
    await stopped(port);
  });

  it('refuses at once what cannot work', () => {
    const { certificate, key } = made.server;
    const { reactor } = world;
    const listen = (options: object): unknown => reactor.listenTLS(0, new ListFactory(), options);
    const connect = (options: object): unknown =>
      reactor.connectTLS('localhost', 1, new RecordingClientFactory(undefined), options);

    expect(() => listen({})).to.throw(UsageError, 'certificate');
    expect(() => listen({ certificate, key, over: 'udp' })).to.throw(UsageError, 'tcp or ptcp');
    expect(() => listen({ certificate, key, pseudoPort: 1 })).to.throw(UsageError, 'pseudoPort');
    expect(() => listen(null as unknown as object)).to.throw(TypeError);
    expect(() => connect({ ca: 'garbage' })).to.throw(UsageError, 'ca');
    expect(() => connect({ backlog: 5 })).to.throw(UsageError, 'backlog');
    expect(() => reactor.connectTLS('localhost', 99_999, new RecordingClientFactory(undefined))).to.throw(
      UsageError,
    );
    const noFactory = {} as StreamFactory;
    expect(() => reactor.listenTLS(0, noFactory, { certificate, key })).to.throw(UsageError, 'Factory');
  });

  it('puts TLS over any other kind of transport', async () => {
    const pigeons = new MemoryProvider();
    const pigeon = {
      name: 'pigeon',
      listen: pigeons.listen.bind(pigeons),
      connect: pigeons.connect.bind(pigeons),
    };
    const reactor = new MemoryReactor({ tls: nodeTls, transports: [pigeon, new TlsProvider(pigeon)] });
    world = new TlsWorld('pigeon+tls', reactor);
    const { certificate, key } = made.server;
    reactor.listen('pigeon+tls', { host: 'loft', port: 0 }, new ListFactory(server), { certificate, key });
    await world.turn(1);

    const options = { ca: made.ca.certificate, serverName: 'localhost' };
    reactor.connect('pigeon+tls', { host: 'loft', port: 0 }, new RecordingClientFactory(client), options);
    await exchanged();
  });

  it('tells the port of each handshake that failed, and reports what listeners throw', async () => {
    const attempt = await world.begin({}, { pin: made.otherServer.fingerprint });
    const thrown = new Error('thrown by a listener');
    attempt.port.events.on('handshake-failed', () => {
      throw thrown;
    });

    await world.bothFailed(attempt);

    expect(world.reactor.errors).to.deep.equal([{ error: thrown, where: 'handshake-failed' }]);
    world.reactor.errors.length = 0;
  });

  for (const side of ['server', 'client'] as const) {
    it(`reports what buildProtocol throws at the ${side}, and aborts`, async () => {
      const thrown = new Error('thrown by a factory');
      const { ca, server: good } = made;
      const factories = { server: new ListFactory(server), client: new RecordingClientFactory(client) };
      factories[side].buildProtocol = () => {
        throw thrown;
      };
      const port = await world.listen(factories.server, { certificate: good.certificate, key: good.key });

      world.connect(port, factories.client, { ca: ca.certificate, serverName: 'localhost' });
      await world.until(() => factories.client.events.includes('stop'), 'the connection is over');
      await world.settle();

      const code = side === 'client' ? 'ERR_NO_PROTOCOL' : 'ERR_CONNECTION_RESET';
      expect(factories.client.reason).to.have.property('code', code);
      expect(world.reactor.errors).to.deep.equal([{ error: thrown, where: 'buildProtocol' }]);
      world.reactor.errors.length = 0;
    });
  }

  async function stopped(port: TlsPort): Promise<void> {
    let isStopped = false;
    port.stopListening().addCallback(() => {
      isStopped = true;
    });
    await world.until(() => isStopped, 'the port is stopped');
  }
});
