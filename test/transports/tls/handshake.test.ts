import { request } from 'node:http';
import { connect as connectTls, createServer } from 'node:tls';
import { expect } from 'chai';
import {
  CertificateRejected,
  ConnectingCancelled,
  ConnectionLost,
  NoCommonAlpn,
  NoCommonTlsVersion,
  NotConnecting,
  NotTls,
  TlsError,
  TlsTimeout,
} from '../../../lib/errors.ts';
import { ascii, RecordingClientFactory } from '../../../lib/testing/contract-world.ts';
import { type TestCertificates, testCertificates } from '../../support/certificates.ts';
import type { Middle } from '../../support/tls-middle.ts';
import { connectPlainly, connectToStream } from '../../support/tls-plain.ts';
import { type TlsAttempt, TlsWorld } from '../../support/tls-world.ts';

describe('a TLS handshake', () => {
  let made: TestCertificates;
  let world: TlsWorld;

  before(async () => {
    made = await testCertificates();
  });

  beforeEach(() => {
    world = new TlsWorld();
  });

  afterEach(() => world.over());

  describe('of a server', () => {
    for (const [title, bytes] of [
      ['garbage', Uint8Array.from({ length: 500 }, (_, index) => (index * 37 + 11) & 0xff)],
      ['zeros', new Uint8Array(500)],
      ['an endless record', Uint8Array.of(22, 3, 1, 0xff, 0xff, ...new Uint8Array(400))],
      ['an empty record', Uint8Array.of(22, 3, 1, 0, 0, 22, 3, 1, 0, 0)],
      ['text', ascii('EHLO there\r\n'.repeat(20))],
    ] as const) {
      it(`fails for ${title} with NotTls or another TlsError, and the port lives on`, async () => {
        const { port } = await world.begin();
        const stream = await connectPlainly(world, port);

        stream.write(bytes);
        stream.end();
        stream.resume();
        await world.until(() => port.handshakes.failed === 1, 'the handshake has failed');

        expect(port.handshakes.lastFailure).to.be.instanceOf(TlsError);
        await world.until(
          () => stream.destroyed && port.handshakes.secured === 1,
          'the other attempt is made',
        );
        await hangUp(world, port);
      });
    }

    it('fails for plain HTTP with NotTls', async () => {
      const { port } = await world.begin();
      const stream = await connectPlainly(world, port);

      request({ path: '/', createConnection: () => stream })
        .on('error', () => {})
        .end();
      await world.until(() => port.handshakes.failed === 1, 'the handshake has failed');

      expect(port.handshakes.lastFailure).to.be.instanceOf(NotTls);
      await hangUp(world, port);
    });

    it('fails for old versions of TLS (RFC 8996)', async () => {
      const { port } = await world.begin();
      const stream = await connectPlainly(world, port);
      const errors: unknown[] = [];

      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      connectTls({ socket: stream, ...old }).on('error', (error) => errors.push(error));
      await world.until(() => port.handshakes.failed === 1, 'the handshake has failed');

      expect(port.handshakes.lastFailure).to.be.instanceOf(NoCommonTlsVersion);
      await world.until(() => errors.length > 0, 'the alert has arrived');
      expect(errors[0]).to.have.property('code', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
      await hangUp(world, port);
    });

    it('fails for TLS 1.2 where minVersion is 1.3', async () => {
      const { port } = await world.begin({ minVersion: 'TLSv1.3' });
      const stream = await connectPlainly(world, port);

      connectTls({ socket: stream, maxVersion: 'TLSv1.2' }).on('error', () => {});
      await world.until(() => port.handshakes.failed === 1, 'the handshake has failed');

      expect(port.handshakes.lastFailure).to.be.instanceOf(NoCommonTlsVersion);
      await hangUp(world, port);
    });

    it('drops a client that says nothing after handshakeTimeoutMs', async () => {
      const { port } = await world.begin({ handshakeTimeoutMs: 3_000 });
      const stream = await connectPlainly(world, port);
      const began = world.reactor.now();
      stream.resume();

      await world.until(() => port.handshakes.failed === 1, 'it is dropped');

      expect(port.handshakes.lastFailure).to.be.instanceOf(TlsTimeout);
      expect(world.reactor.now() - began).to.be.within(2_990, 3_010);
      await hangUp(world, port);
    });

    it('drops a client that sends half a ClientHello, and one that does so byte by byte', async () => {
      const { port, middle, factory } = await world.beginThrough(
        { handshakeTimeoutMs: 2_000 },
        {},
        (middle) => {
          middle.onBytes = (from, bytes) => {
            if (from === 'client') middle.sendSlowly('server', bytes.subarray(0, 100));
          };
        },
      );

      await world.until(() => port.handshakes.failed === 1, 'it is dropped');
      middle.reset('client');
      await world.until(() => factory.events.includes('stop'), 'the client has heard');

      expect(port.handshakes.lastFailure).to.be.instanceOf(TlsTimeout);
      expect(factory.reason).to.be.instanceOf(TlsError);
    });

    it('ends with the port: nothing is made after stopListening', async () => {
      const attempt = await world.beginThrough({}, {}, (middle) => {
        middle.onBytes = () => {};
      });
      await world.until(() => attempt.middle.seenBytes.client > 0, 'the client has begun');
      await world.settle();

      attempt.port.stopListening();
      await world.until(() => attempt.factory.events.includes('stop'), 'the client has heard');

      expect(attempt.server.events).to.deep.equal([]);
      expect(attempt.port.handshakes).to.deep.include({ pending: 0 });
    });

    it('is done with a client of TLS 1.2, and verifies its certificate', async () => {
      const { port, server } = await world.begin({ clientCertificate: 'require', ca: made.ca.certificate });
      await world.until(() => port.handshakes.failed === 1, 'the client without a certificate has failed');
      const how = { ca: made.ca.certificate, servername: 'localhost', maxVersion: 'TLSv1.2' } as const;

      const { certificate: cert, key } = made.rogueClient;
      connectTls({ socket: await connectPlainly(world, port), ...how, cert, key }).on('error', () => {});
      await world.until(() => port.handshakes.failed === 2, 'the rogue has failed');
      const { certificate, key: goodKey } = made.client;
      const good = connectTls({
        socket: await connectPlainly(world, port),
        ...how,
        cert: certificate,
        key: goodKey,
      });
      await world.until(() => server.count('made') === 1, 'the good client is there');
      good.end();
      await world.until(() => server.count('lost') === 1, 'the good client is gone');

      expect(server.facts).to.deep.include({ version: 'TLSv1.2' });
      expect(server.facts?.peerCertificate?.commonName).to.equal('alice');
    });
  });

  describe('of a client', () => {
    it('fails with NotTls where the server speaks HTTP', async () => {
      const { factory, client } = await connectToStream(world, (stream) => {
        stream.once('data', () => stream.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
      });

      await world.until(() => factory.events.includes('stop'), 'the attempt is over');

      expect(factory.reason).to.be.instanceOf(NotTls);
      expect(factory.reason?.message).to.contain('not TLS');
      expect(client.events).to.deep.equal([]);
    });

    it('fails where the server greets in clear', async () => {
      const { factory } = await connectToStream(world, (stream) => {
        stream.resume().write('220 mail.example ESMTP\r\n');
      });

      await world.until(() => factory.events.includes('stop'), 'the attempt is over');

      expect(factory.reason).to.be.instanceOf(NotTls);
    });

    for (const [alert, number, Class, text] of [
      ['protocol_version', 70, NoCommonTlsVersion, /version/],
      ['no_application_protocol', 120, NoCommonAlpn, /alpnProtocols/],
      ['certificate_required', 116, CertificateRejected, /requires a certificate/],
      ['bad_certificate', 42, CertificateRejected, /refuses our certificate/],
      ['certificate_expired', 45, CertificateRejected, /refuses our certificate/],
      ['unknown_ca', 48, CertificateRejected, /refuses our certificate/],
      ['access_denied', 49, CertificateRejected, /refuses our certificate/],
      ['unrecognized_name', 112, TlsError, /serverName/],
      ['handshake_failure', 40, TlsError, /in common/],
      ['internal_error', 80, TlsError, /alert/],
    ] as const) {
      it(`says what the alert ${alert} of the server means (RFC 8446 §6.2)`, async () => {
        const { factory } = await connectToStream(world, (stream) => {
          stream.once('data', () => stream.end(Buffer.of(21, 3, 3, 0, 2, 2, number)));
        });

        await world.until(() => factory.events.includes('stop'), 'the attempt is over');

        expect(factory.reason?.constructor).to.equal(Class);
        expect(factory.reason?.message).to.match(text);
      });
    }

    it('fails where the server ends the connection', async () => {
      const { factory } = await connectToStream(world, (stream) => {
        stream.once('data', () => stream.end());
      });

      await world.until(() => factory.events.includes('stop'), 'the attempt is over');

      expect(factory.reason).to.be.instanceOf(TlsError);
      expect(factory.reason?.message).to.contain('ended during the TLS handshake');
    });

    it('fails where the server resets the connection, with that as the cause', async () => {
      const { factory } = await connectToStream(world, (stream) => {
        stream.once('data', () => stream.destroy());
      });

      await world.until(() => factory.events.includes('stop'), 'the attempt is over');

      expect(factory.reason).to.be.instanceOf(TlsError);
      expect(factory.reason?.cause).to.be.instanceOf(ConnectionLost);
    });

    it('gives a server up that says nothing after handshakeTimeoutMs', async () => {
      const { factory } = await connectToStream(world, (stream) => stream.resume(), {
        handshakeTimeoutMs: 1_500,
      });
      const began = world.reactor.now();

      await world.until(() => factory.events.includes('stop'), 'the attempt is over');

      expect(factory.reason).to.be.instanceOf(TlsTimeout);
      expect(factory.reason?.message).to.contain('1500 ms');
      expect(world.reactor.now() - began).to.be.within(1_490, 1_510);
    });

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`fails where a server of Node refuses its certificate under ${maxVersion}`, async () => {
        const { certificate: cert, key } = made.server;
        const asked = { requestCert: true, ca: made.ca.certificate, maxVersion } as const;
        const server = createServer({ cert, key, ...asked });
        // As a server of sockets does, which knows its connection.
        let last: { destroy(): void } | undefined;
        server.on('tlsClientError', () => last?.destroy());
        const { certificate, key: rogueKey } = made.rogueClient;
        const { factory, client } = await connectToStream(
          world,
          (stream) => {
            last = stream;
            server.emit('connection', stream);
          },
          { certificate, key: rogueKey },
        );

        await world.until(() => factory.events.includes('stop'), 'the attempt is over');

        expect(factory.reason).to.be.instanceOf(maxVersion === 'TLSv1.3' ? CertificateRejected : TlsError);
        expect(factory.reason?.message).to.contain('our certificate');
        expect(client.events).to.deep.equal([]);
      });
    }

    it('with a certificate waits 200 ms for a server that says nothing after the handshake', async () => {
      let holdsServer = false;
      const { certificate, key } = made.client;
      const attempt = await world.beginThrough({}, { certificate, key }, (middle) => {
        middle.onBytes = (from, bytes) => {
          if (from === 'server' && holdsServer) return;
          holdsServer = from === 'server';
          middle.send(from === 'server' ? 'client' : 'server', bytes);
          if (from === 'server') holdsServer = true;
          else holdsServer = middle.seen.server.length > 0;
        };
      });
      await world.until(() => attempt.server.count('made') === 1, 'the server is made');
      const began = world.reactor.now();

      await world.until(() => attempt.client.count('made') === 1, 'the client is made');

      expect(world.reactor.now() - began).to.be.within(150, 260);
      attempt.client.transport.abortConnection();
      attempt.middle.reset('server');
      await world.bothLost(attempt.server, attempt.client);
    });

    it('is told when it is refused later than it waits', async () => {
      const { certificate, key } = made.rogueClient;
      const late: (() => void)[] = [];
      const attempt = await world.beginThrough(
        { clientCertificate: 'require', ca: made.ca.certificate },
        { certificate, key },
        (middle) => {
          middle.onEnd = (from) => {
            if (from === 'server') late.push(() => middle.end('client'));
            else middle.end('server');
          };
        },
      );
      await world.until(() => attempt.client.count('made') === 1, 'the client no longer waits');

      for (const call of late) call();
      await world.until(() => attempt.client.count('lost') === 1, 'the client is lost');

      expect(attempt.client.reason).to.be.instanceOf(CertificateRejected);
      expect(attempt.server.events).to.deep.equal([]);
    });
  });

  describe('that is given up', () => {
    /** Lets `count` pieces of either side pass, and nothing after that. */
    function passing(count: number): (middle: Middle) => void {
      return (middle) => {
        let left = count;
        middle.onBytes = (from, bytes) => {
          if (left-- > 0) middle.send(from === 'client' ? 'server' : 'client', bytes);
        };
      };
    }

    for (const steps of [0, 1, 2, 3]) {
      it(`by stopConnecting after ${steps} flights is ConnectingCancelled, and fails at the server`, async () => {
        const attempt = await world.beginThrough({}, ownClient(made), passing(steps));
        const { factory, connector, middle, client, server } = attempt;
        for (let turn = 0; turn < 20; turn++) await world.turn(1);
        expect(connector.state).to.equal('connecting');

        connector.stopConnecting();
        await world.until(() => factory.events.includes('stop'), 'the attempt is over');
        middle.reset('server');
        await world.settle();

        expect(factory.reason).to.be.instanceOf(ConnectingCancelled);
        expect(factory.events).to.deep.equal(['start', 'failed', 'stop']);
        expect(() => connector.stopConnecting()).to.throw(NotConnecting);
        // The server is done with the third flight.
        expect([client.count('made'), server.count('made')]).to.deep.equal([0, steps < 3 ? 0 : 1]);
        expect(attempt.port.handshakes).to.deep.include({ pending: 0, failed: steps < 3 ? 1 : 0 });
      });
    }

    it('by disconnect is ConnectingCancelled, and connect tries again', async () => {
      const attempt = await world.begin();
      await world.bothMade(attempt);
      const factory = new RecordingClientFactory(undefined);
      const connector = world.connect(attempt.port, factory, { pin: made.server.fingerprint });
      await world.turn(1);
      connector.disconnect();
      await world.until(() => factory.events.includes('stop'), 'the first try is over');
      const first = factory.reason;

      connector.connect();
      await world.until(() => factory.events.length === 6, 'the second try is over');

      expect(first).to.be.instanceOf(ConnectingCancelled);
      expect(factory.reason).to.have.property('code', 'ERR_NO_PROTOCOL');
      attempt.client.transport.abortConnection();
      await world.bothLost(attempt.server, attempt.client);
    });

    it('by the stop of the reactor ends cleanly, at both ends', async () => {
      for (const turns of [0, 1, 2, 3, 4, 6]) {
        const world = new TlsWorld();
        let isOver = false;
        world.reactor.run().addCallback(() => {
          isOver = true;
        });
        const { factory, client, server } = await world.begin();
        for (let turn = 0; turn < turns; turn++) await world.turn(1);

        world.reactor.stop();
        await world.until(() => isOver, 'the reactor has stopped');

        expect(factory.events.at(-1)).to.equal('stop');
        expect([client.count('made'), server.count('made')]).to.deep.equal([
          client.count('lost'),
          server.count('lost'),
        ]);
        await world.over();
      }
    });
  });

  it('is done when its records come byte by byte', async () => {
    const attempt = await world.beginThrough({}, {}, (middle) => {
      middle.onBytes = (from, bytes) => middle.sendSlowly(from === 'client' ? 'server' : 'client', bytes);
    });
    await world.bothMade(attempt);
    attempt.client.transport.write(ascii('question'));
    attempt.client.transport.loseConnection();
    await world.bothLost(attempt.server, attempt.client);

    expect(attempt.server.text).to.equal('question');
  });

  it('fails when somebody changes a byte of it, wherever', async () => {
    for (const index of [6, 60, 200, 500]) {
      const attempt = await world.beginThrough({}, {}, (middle) => {
        let passed = 0;
        middle.onBytes = (from, bytes) => {
          if (from === 'server') {
            const at = index - passed;
            if (at >= 0 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ 1;
            passed += bytes.length;
          }
          middle.send(from === 'client' ? 'server' : 'client', bytes);
        };
      });
      await world.until(() => attempt.factory.events.includes('stop'), `byte ${index} is noticed`);

      expect(attempt.client.events, `byte ${index}`).to.deep.equal([]);
      expect(attempt.server.events, `byte ${index}`).to.deep.equal([]);
      expect(attempt.factory.reason).to.be.instanceOf(TlsError);
    }
  });
}).timeout(10_000);

function ownClient({ client }: TestCertificates): object {
  return { certificate: client.certificate, key: client.key };
}

/** Ends what `begin` began beside the subject of a test. */
async function hangUp(world: TlsWorld, port: TlsAttempt['port']): Promise<void> {
  await world.until(() => port.handshakes.pending === 0, 'no handshake is under way');
  port.stopListening();
  let isOver = false;
  world.reactor.run().addCallback(() => {
    isOver = true;
  });
  world.reactor.stop();
  await world.until(() => isOver, 'everything has ended');
}
