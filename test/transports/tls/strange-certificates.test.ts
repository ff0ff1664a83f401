import { expect } from 'chai';
import { type TestCertificate, type TestCertificates, testCertificates } from '../../support/certificates.ts';
import { TlsWorld } from '../../support/tls-world.ts';

function own({ certificate, key }: TestCertificate): object {
  return { certificate, key };
}

describe('a certificate that names nobody', () => {
  let made: TestCertificates;
  let world: TlsWorld;

  before(async () => {
    made = await testCertificates();
  });

  beforeEach(() => {
    world = new TlsWorld();
  });

  afterEach(() => world.over());

  it('is shown without names where a server takes any certificate', async () => {
    const { server } = await world.begin({ clientCertificate: 'ask', insecure: true }, own(made.nameless));

    await world.until(() => server.facts !== undefined, 'the server is connected');

    expect(server.facts?.peerCertificate).to.include({
      commonName: '',
      issuer: '',
      fingerprint: made.nameless.fingerprint,
    });
  });

  it('is shown without names where a client takes any certificate', async () => {
    const { client } = await world.begin(own(made.nameless), {
      ca: undefined,
      serverName: undefined,
      insecure: true,
    });

    await world.until(() => client.facts !== undefined, 'the client is connected');

    expect(client.facts?.peerCertificate).to.include({ commonName: '', issuer: '' });
  });
});
