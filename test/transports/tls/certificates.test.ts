import { expect } from 'chai';
import sinon from 'sinon';
import {
  CertificateExpired,
  CertificateMissing,
  CertificateNameMismatch,
  CertificateNotYetValid,
  CertificatePinMismatch,
  CertificateRejected,
  CertificateSelfSigned,
  CertificateUntrusted,
  CertificateWrongPurpose,
  type HawserError,
  NoCommonAlpn,
  TlsError,
} from '../../../lib/errors.ts';
import { RecordingClientFactory } from '../../../lib/testing/contract-world.ts';
import { type TestCertificate, type TestCertificates, testCertificates } from '../../support/certificates.ts';
import { TlsWorld } from '../../support/tls-world.ts';

type ErrorClass = abstract new (...args: never[]) => HawserError;
type Wish = (made: TestCertificates) => object;

describe('the certificates of TLS', () => {
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
    const refused: readonly [string, Wish, Wish, ErrorClass, RegExp][] = [
      [
        'nobody trusted vouches for it',
        ({ untrusted }) => own(untrusted),
        trustsCa,
        CertificateUntrusted,
        /ca/,
      ],
      ['it vouches for itself', ({ selfSigned }) => own(selfSigned), trustsCa, CertificateSelfSigned, /pin/],
      ['it is out of date', ({ expired }) => own(expired), trustsCa, CertificateExpired, /out of date/],
      [
        'it is not valid yet',
        ({ notYetValid }) => own(notYetValid),
        trustsCa,
        CertificateNotYetValid,
        /not valid yet/,
      ],
      [
        'it is for another host',
        ({ wrongHost }) => own(wrongHost),
        trustsCa,
        CertificateNameMismatch,
        /other\.example/,
      ],
      [
        'it is for another address',
        ({ wrongHost }) => own(wrongHost),
        () => ({ serverName: '127.0.0.1' }),
        CertificateNameMismatch,
        /127\.0\.0\.1/,
      ],
      [
        'it is for clients',
        ({ clientUsageOnly }) => own(clientUsageOnly),
        trustsCa,
        CertificateWrongPurpose,
        /purpose/,
      ],
      [
        'it is vouched for by one that it does not show',
        ({ unchained }) => own(unchained),
        trustsCa,
        CertificateUntrusted,
        /ca/,
      ],
      [
        'it is vouched for by one that is no CA',
        ({ leafSigned }) => own(leafSigned),
        trustsCa,
        CertificateUntrusted,
        /ca/,
      ],
      [
        'the system does not know it, and no ca is given',
        ({ server }) => own(server),
        () => ({ ca: undefined }),
        CertificateUntrusted,
        /ca/,
      ],
      [
        'it is not the pinned one, though a trusted CA vouches for it',
        ({ server }) => own(server),
        ({ otherServer, ca }) => ({ pin: otherServer.fingerprint, ca: ca.certificate }),
        CertificatePinMismatch,
        /pinned/,
      ],
      [
        'it is not the pinned one, though the pinned one vouches for it',
        ({ server }) => own(server),
        ({ ca }) => ({ pin: ca.fingerprint, ca: ca.certificate }),
        CertificatePinMismatch,
        /pinned/,
      ],
    ];
    for (const [title, listen, connect, Class, text] of refused) {
      it(`is refused when ${title}`, async () => {
        const attempt = await world.begin(listen(made), connect(made));

        const reason = await world.bothFailed(attempt);

        expect(reason).to.be.instanceOf(Class);
        expect(reason.constructor).to.equal(Class);
        expect(reason.message).to.match(text);
        expect(attempt.port.handshakes).to.deep.include({ secured: 0, failed: 1 });
        expect(attempt.port.handshakes.lastFailure).to.be.instanceOf(TlsError);
      });
    }

    it('is refused when it has the name as its common name only (RFC 9525 §6)', async () => {
      const attempt = await world.begin(own(made.commonNameOnly));

      const reason = await world.bothFailed(attempt);

      expect(reason).to.be.instanceOf(CertificateNameMismatch);
      expect(reason.message).to.contain('its names: none');
    });

    const taken: readonly [string, Wish, Wish][] = [
      ['a trusted CA vouches for it', ({ server }) => own(server), trustsCa],
      ['it is for the address', ({ server }) => own(server), () => ({ serverName: '127.0.0.1' })],
      ['it is for the address of IPv6', ({ server }) => own(server), () => ({ serverName: '::1' })],
      [
        'the name is given with the dot of the root',
        ({ server }) => own(server),
        () => ({ serverName: 'Server.Example.' }),
      ],
      ['it shows who vouches for it', ({ chained }) => own(chained), trustsCa],
      [
        'one of several CAs is trusted',
        ({ server }) => own(server),
        ({ ca, otherCa }) => ({ ca: [otherCa.certificate, ca.certificate] }),
      ],
      [
        'its CA is given as bytes',
        ({ server }) => own(server),
        ({ ca }) => ({ ca: new TextEncoder().encode(ca.certificate) }),
      ],
      [
        'it is pinned and vouches for itself',
        ({ selfSigned }) => own(selfSigned),
        ({ selfSigned }) => pins(selfSigned),
      ],
      [
        'it is pinned, whatever its names',
        ({ wrongHost }) => own(wrongHost),
        ({ wrongHost }) => pins(wrongHost),
      ],
      ['it is pinned, whatever its dates', ({ expired }) => own(expired), ({ expired }) => pins(expired)],
      [
        'it is one of two that are pinned, in small letters without colons',
        ({ server }) => own(server),
        ({ server, otherServer }) => ({
          pin: [otherServer.fingerprint, server.fingerprint.replaceAll(':', '').toLowerCase()],
        }),
      ],
      ['the client takes anybody', ({ untrusted }) => own(untrusted), () => ({ insecure: true })],
    ];
    for (const [title, listen, connect] of taken) {
      it(`is taken when ${title}`, async () => {
        const attempt = await world.begin(listen(made), connect(made));
        await world.bothMade(attempt);
        attempt.client.transport.loseConnection();
        await world.bothLost(attempt.server, attempt.client);

        expect(attempt.port.handshakes).to.deep.include({ secured: 1, failed: 0, pending: 0 });
      });
    }

    it('is there when connectionMade runs, with all that was agreed on', async () => {
      const attempt = await world.begin(
        { alpnProtocols: ['amp', 'echo'] },
        { alpnProtocols: ['echo', 'amp'], serverName: 'server.example' },
      );
      await world.bothMade(attempt);
      attempt.client.transport.loseConnection();
      await world.bothLost(attempt.server, attempt.client);

      const { facts } = attempt.client;
      expect(facts).to.deep.include({
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        alpnProtocol: 'amp',
        serverName: 'server.example',
      });
      expect(facts?.peerCertificate).to.deep.include({
        fingerprint: made.server.fingerprint,
        commonName: 'server',
        issuer: 'CN=hawser test CA',
      });
      expect(facts?.peerCertificate?.subjectAltNames).to.include.members([
        'DNS:localhost',
        'IP Address:127.0.0.1',
      ]);
      expect(facts?.peerCertificate?.der[0]).to.equal(0x30);
      expect(attempt.server.facts).to.deep.include({
        alpnProtocol: 'amp',
        serverName: 'server.example',
        peerCertificate: undefined,
      });
    });

    it('is asked for by no name when the client connects to an address (RFC 6066 §3)', async () => {
      const attempt = await world.begin({}, { serverName: '127.0.0.1' });
      await world.bothMade(attempt);
      attempt.client.transport.loseConnection();
      await world.bothLost(attempt.server, attempt.client);

      expect(attempt.server.facts?.serverName).to.equal(undefined);
    });

    it('is the one for the name that the client asks for, among several', async () => {
      const { otherServer, wrongHost, client } = made;
      const hosts = { 'Server.example': own(otherServer), '*.example': own(wrongHost) };
      const asks = { clientCertificate: 'require', ca: made.ca.certificate };
      const shown: (string | undefined)[] = [];

      for (const serverName of ['server.example', 'other.example', 'localhost', '127.0.0.1']) {
        const attempt = await world.begin({ ...asks, hosts }, { ...own(client), serverName });
        await world.bothMade(attempt);
        shown.push(attempt.client.facts?.peerCertificate?.fingerprint);
        expect(attempt.server.facts?.peerCertificate?.commonName).to.equal('alice');
        attempt.client.transport.loseConnection();
        await world.bothLost(attempt.server, attempt.client);
      }

      const expected = [otherServer, wrongHost, made.server, made.server];
      expect(shown).to.deep.equal(expected.map(({ fingerprint }) => fingerprint));
    });

    it('may be changed while the port listens; a bad one changes nothing', async () => {
      const attempt = await world.begin();
      await world.bothMade(attempt);
      const { port, client, server } = attempt;
      const tls = { certificate: made.otherServer.certificate, key: made.otherServer.key };
      expect(() => port.setTls({ ...tls, key: made.server.key })).to.throw(
        'the key is not that of the certificate',
      );

      port.setTls(tls);
      const second = new RecordingClientFactory(undefined);
      world.connect(port, second, pins(made.otherServer));
      await world.until(() => second.events.includes('stop'), 'the second attempt is over');
      client.transport.loseConnection();
      await world.bothLost(server, client);

      expect(second.reason).to.have.property('code', 'ERR_NO_PROTOCOL');
      expect(client.facts?.peerCertificate?.fingerprint).to.equal(made.server.fingerprint);
    });
  });

  describe('of a client', () => {
    const requires: Wish = ({ ca }) => ({ clientCertificate: 'require', ca: ca.certificate });
    const pinning: Wish = ({ client }) => ({ clientCertificate: 'require', pin: client.fingerprint });
    const asks: Wish = ({ ca }) => ({ clientCertificate: 'ask', ca: ca.certificate });

    const refused: readonly [string, Wish, Wish, ErrorClass][] = [
      ['another CA vouches for it', requires, ({ rogueClient }) => own(rogueClient), CertificateUntrusted],
      [
        'it vouches for itself',
        requires,
        ({ selfSignedClient }) => own(selfSignedClient),
        CertificateSelfSigned,
      ],
      ['it is out of date', requires, ({ expiredClient }) => own(expiredClient), CertificateExpired],
      ['it is for servers', requires, ({ serverUsageOnly }) => own(serverUsageOnly), CertificateWrongPurpose],
      ['it is not the pinned one', pinning, ({ rogueClient }) => own(rogueClient), CertificatePinMismatch],
      ['it is bad and only asked for', asks, ({ rogueClient }) => own(rogueClient), CertificateUntrusted],
    ];
    for (const [title, listen, connect, Class] of refused) {
      it(`is refused when ${title}: neither side is told of a connection`, async () => {
        const attempt = await world.begin(listen(made), connect(made));
        const failed = sinon.spy();
        attempt.port.events.on('handshake-failed', failed);

        const reason = await world.bothFailed(attempt);

        expect(attempt.port.handshakes.lastFailure?.constructor).to.equal(Class);
        expect(failed.args[0]).to.deep.equal([
          attempt.port.handshakes.lastFailure,
          { type: 'memory', name: 'client-1' },
        ]);
        expect(reason).to.be.instanceOf(CertificateRejected);
      });
    }

    const taken: readonly [string, Wish, Wish, string | undefined][] = [
      ['the CA vouches for it', requires, ({ client }) => own(client), 'alice'],
      ['it is pinned', pinning, ({ client }) => own(client), 'alice'],
      [
        'it is pinned and vouches for itself',
        ({ selfSignedClient }) => ({ clientCertificate: 'require', ...pins(selfSignedClient) }),
        ({ selfSignedClient }) => own(selfSignedClient),
        'alice',
      ],
      ['it is asked for and good', asks, ({ client }) => own(client), 'alice'],
      ['it is asked for and there is none', asks, () => ({}), undefined],
      ['nobody asked for it', () => ({}), ({ rogueClient }) => own(rogueClient), undefined],
      [
        'the server takes anybody',
        () => ({ clientCertificate: 'require', insecure: true }),
        ({ rogueClient }) => own(rogueClient),
        'alice',
      ],
    ];
    for (const [title, listen, connect, commonName] of taken) {
      it(`is taken when ${title}`, async () => {
        const attempt = await world.begin(listen(made), connect(made));
        await world.bothMade(attempt);
        attempt.client.transport.loseConnection();
        await world.bothLost(attempt.server, attempt.client);

        expect(attempt.server.facts?.peerCertificate?.commonName).to.equal(commonName);
      });
    }
  });

  it('tells a client without one that one is required', async () => {
    const attempt = await world.begin({ clientCertificate: 'require', ca: made.ca.certificate });
    await world.until(() => attempt.client.count('lost') === 1, 'the client is lost');

    // Under TLS 1.3 it is connected before it can hear of that, and knows of no reason to wait.
    expect(attempt.client.events).to.deep.equal(['made', 'lost']);
    expect(attempt.client.reason).to.be.instanceOf(CertificateRejected);
    expect(attempt.client.reason?.message).to.contain('requires a certificate');
    expect(attempt.port.handshakes.lastFailure).to.be.instanceOf(CertificateMissing);
    expect(attempt.server.events).to.deep.equal([]);
  });

  it('makes a client with one wait for the first word of the server, and no longer', async () => {
    const attempt = await world.begin(
      { clientCertificate: 'ask', ca: made.ca.certificate },
      own(made.client),
    );
    const before = world.reactor.now();

    await world.bothMade(attempt);

    expect(world.reactor.now() - before).to.be.lessThan(100);
    attempt.client.transport.abortConnection();
    await world.bothLost(attempt.server, attempt.client);
  });

  describe('with application protocols', () => {
    for (const [title, listen, connect] of [
      ['have none in common', { alpnProtocols: ['amp'] }, { alpnProtocols: ['echo'] }],
      ['the client names none', { alpnProtocols: ['amp'] }, {}],
    ] as const) {
      it(`fail when the two ${title}`, async () => {
        const attempt = await world.begin(listen, connect);
        await world.until(
          () => attempt.factory.events.includes('stop') && attempt.port.handshakes.pending === 0,
          'the handshake has failed',
        );

        expect(attempt.port.handshakes.lastFailure).to.be.instanceOf(NoCommonAlpn);
        expect(attempt.server.events).to.deep.equal([]);
      });
    }

    it('fail at both ends when the server has none', async () => {
      const attempt = await world.begin({}, { alpnProtocols: ['amp'] });

      expect(await world.bothFailed(attempt)).to.be.instanceOf(NoCommonAlpn);
    });

    it('fail at both ends when they have none in common (RFC 7301 §3.2)', async () => {
      const attempt = await world.begin({ alpnProtocols: ['amp'] }, { alpnProtocols: ['echo'] });

      expect(await world.bothFailed(attempt)).to.be.instanceOf(NoCommonAlpn);
    });
  });
}).timeout(10_000);

function own({ certificate, key }: TestCertificate): object {
  return { certificate, key };
}

function pins({ fingerprint }: TestCertificate): { pin: string } {
  return { pin: fingerprint };
}

function trustsCa(): object {
  return {};
}
