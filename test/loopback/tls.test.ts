import { once } from 'node:events';
import { connect as connectTls, createServer } from 'node:tls';
import { expect } from 'chai';
import { TlsTimeout } from '../../lib/errors.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { createReactor } from '../../lib/reactor/default.ts';
import type { Reactor } from '../../lib/reactor/reactor.ts';
import { ascii, ListFactory, Recorder, RecordingClientFactory } from '../../lib/testing/contract-world.ts';
import { type TestCertificates, testCertificates } from '../support/certificates.ts';

const HOST = '127.0.0.1';

describe('TLS on the loopback interface', () => {
  let made: TestCertificates;
  let reactor: Reactor;
  let errors: unknown[];

  before(async () => {
    made = await testCertificates();
  });

  beforeEach(() => {
    reactor = createReactor();
    errors = [];
    reactor.on('error', (error) => errors.push(error));
  });

  afterEach(async () => {
    const stopped = reactor.run();
    reactor.stop();
    await stopped;
    expect(errors).to.deep.equal([]);
  });

  async function until(isDone: () => boolean, limitMs = 5_000): Promise<void> {
    const limitAt = performance.now() + limitMs;
    while (!isDone()) {
      expect(performance.now()).to.be.lessThan(limitAt);
      await new Promise(setImmediate);
    }
  }

  for (const over of ['tcp', 'ptcp'] as const) {
    it(`connects with TLS over ${over}, and closes well`, async () => {
      const { certificate, key } = made.server;
      const server = new Recorder();
      const port = reactor.listenTLS(0, new ListFactory(server), { certificate, key, over } as {
        certificate: string;
      });
      await port.listening;
      const client = new Recorder();
      client.onMade = () => client.transport.write(ascii('hello'));
      server.onData = () => server.transport.loseConnection();

      const { port: number } = port.getHost() as { port: number };
      const options = { ca: made.ca.certificate, over } as { ca: string };
      reactor.connectTLS(HOST, number, new RecordingClientFactory(client), options);
      await until(() => server.count('lost') + client.count('lost') === 2);

      expect(server.text).to.equal('hello');
      expect(
        [server.reason, client.reason].map((reason) => (reason as { code?: string })?.code),
      ).to.deep.equal(['ERR_CONNECTION_DONE', 'ERR_CONNECTION_DONE']);
      expect(client.transport.tls?.version).to.equal('TLSv1.3');
    });
  }

  it('serves a client of node:tls, and is one to a server of node:tls', async () => {
    const { certificate, key } = made.server;
    const server = new Recorder();
    const port = reactor.listenTLS(0, new ListFactory(server), { certificate, key });
    await port.listening;
    const stranger = connectTls({
      host: HOST,
      port: (port.getHost() as { port: number }).port,
      ca: made.ca.certificate,
    });
    stranger.end('from node');
    stranger.resume();
    await until(() => server.count('lost') === 1);

    const strange = createServer({ cert: certificate, key }, (socket) => {
      // In the very callback, Node would send no close_notify.
      setImmediate(() => socket.end('and back'));
    });
    await once(strange.listen(0, HOST), 'listening');
    const client = new Recorder();
    const { port: number } = strange.address() as { port: number };
    reactor.connectTLS(HOST, number, new RecordingClientFactory(client), { ca: made.ca.certificate });
    await until(() => client.count('lost') === 1);
    strange.close();

    expect([server.text, client.text]).to.deep.equal(['from node', 'and back']);
    expect([server.reason, client.reason].map((reason) => reason?.name)).to.deep.equal([
      'ConnectionDone',
      'ConnectionDone',
    ]);
  });

  it('drops a client that says nothing', async () => {
    const { certificate, key } = made.server;
    const options = { certificate, key, handshakeTimeoutMs: 50 };
    const port = reactor.listenTLS(0, new ListFactory(), options);
    await port.listening;
    const silent = new Recorder();
    reactor.connectTCP(HOST, (port.getHost() as { port: number }).port, new RecordingClientFactory(silent));

    await until(() => silent.count('lost') === 1 && port.handshakes.failed === 1);

    expect(port.handshakes.lastFailure).to.be.instanceOf(TlsTimeout);
  });

  it('leaves nothing behind after 1000 handshakes', async () => {
    const { certificate, key } = made.server;
    let lost = 0;
    class Brief extends Recorder {
      override connectionMade(): void {
        this.transport.loseConnection();
      }
      override connectionLost(): void {
        lost += 1;
      }
    }
    const port = reactor.listenTLS(0, Factory.forProtocol(Brief), { certificate, key });
    await port.listening;
    const handlesBefore = process.getActiveResourcesInfo().length;
    const { port: number } = port.getHost() as { port: number };

    for (let begun = 0; begun < 1_000; begun += 20) {
      for (let index = 0; index < 20; index++) {
        const factory = ClientFactory.forProtocol(Brief);
        reactor.connectTLS(HOST, number, factory, { ca: made.ca.certificate });
      }
      await until(() => lost === 2 * (begun + 20));
    }
    await until(() => process.getActiveResourcesInfo().length <= handlesBefore);

    expect(port.handshakes).to.deep.include({ secured: 1_000, failed: 0, pending: 0 });
  });
});
