import { expect } from 'chai';
import sinon from 'sinon';
import { CertificateLender, lacksCertificate, pinOfPem } from '../../lib/cli/shown-certificate.ts';
import { Factory } from '../../lib/protocol/factory.ts';
import { type TestCertificate, testCertificates } from '../support/certificates.ts';
import { hashes } from '../support/transfer.ts';

describe('the certificate that a receiver shows', () => {
  let server: TestCertificate;
  let chained: TestCertificate;

  before(async () => {
    ({ server, chained } = await testCertificates());
  });

  for (const [endpoint, isLacking] of [
    ['ptcp+tls:4915', true],
    ['tls:0:interface=[::1]', true],
    ['tls:0:certificate=c.pem', false],
    ['tcp:4915', false],
    ['ptcp:4915', false],
    ['notls:1', false],
    ['nonsense', false],
    ['tls:[', false],
  ] as const) {
    it(`is ${isLacking ? 'missing from' : 'no matter of'} ${endpoint}`, () => {
      expect(lacksCertificate(endpoint)).to.equal(isLacking);
    });
  }

  it('has the pin that Node computes, also when others are behind it', () => {
    expect(pinOfPem(server.certificate, hashes)).to.equal(pinOf(server));
    expect(pinOfPem(chained.certificate, hashes)).to.equal(pinOf(chained));
    expect(pinOfPem(server.key, hashes)).to.equal(undefined);
    expect(pinOfPem(server.certificate.replace(/^M/m, '?'), hashes)).to.equal(undefined);
  });

  it('is lent to an endpoint that has none', () => {
    const listen = sinon.stub();
    const lender = new CertificateLender({ listen, connect: sinon.stub() }, hashes, server);

    lender.listen('tls', { port: 0 }, new Factory(), { alpnProtocols: ['a'] });

    const { certificate, key } = server;
    expect(listen.firstCall.args[3]).to.deep.equal({ alpnProtocols: ['a'], certificate, key });
    expect(lender.pin).to.equal(pinOf(server));
  });

  it('is the one that the endpoint brings, where it brings one', () => {
    const listen = sinon.stub();
    const lender = new CertificateLender({ listen, connect: sinon.stub() }, hashes, undefined);
    const { certificate, key } = chained;

    lender.listen('tls', { port: 0 }, new Factory(), { certificate, key });

    expect(listen.firstCall.args[3]).to.deep.equal({ certificate, key });
    expect(lender.pin).to.equal(pinOf(chained));
  });
});

function pinOf({ fingerprint }: TestCertificate): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}
