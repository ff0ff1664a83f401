import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import type { StartTlsOptions } from '../../../lib/interfaces/tls.ts';
import { nodeTls } from '../../../lib/reactor/node/tls.ts';
import { type TestCertificates, testCertificates } from '../../support/certificates.ts';

const PIN = 'AB'.repeat(32);

describe('nodeTls.prepare', () => {
  let made: TestCertificates;

  before(async () => {
    made = await testCertificates();
  });

  /** What is thrown for the options of a server that would be good without `wrong`. */
  function asServer(wrong: object): () => void {
    const { certificate, key } = made.server;
    return () => nodeTls.prepare({ isServer: true, certificate, key, ...wrong } as StartTlsOptions);
  }

  /** The same for a client. */
  function asClient(wrong: object): () => void {
    return () => nodeTls.prepare({ serverName: 'localhost', ...wrong } as StartTlsOptions);
  }

  it('gives the same context for the same options', () => {
    const options = { pin: PIN };

    expect(nodeTls.prepare(options)).to.equal(nodeTls.prepare(options));
    expect(nodeTls.prepare(options)).to.deep.include({ isServer: false, hasCertificate: false });
    expect(nodeTls.prepare({ pin: PIN })).to.not.equal(nodeTls.prepare(options));
  });

  it('takes keys with a passphrase, and chains', () => {
    const { certificate, key } = made.chained;

    expect(asServer({ certificate, key })).to.not.throw();
    expect(
      asServer({ certificate: Buffer.from(certificate), key: new TextEncoder().encode(key) }),
    ).to.not.throw();
    expect(asClient({ certificate, key, passphrase: 'not needed' })).to.not.throw();
  });

  it('refuses certificates and keys that cannot work', () => {
    const { certificate } = made.otherServer;

    expect(asServer({ certificate })).to.throw(UsageError, 'the key is not that of the certificate');
    expect(asServer({ certificate: 'garbage' })).to.throw(UsageError, 'cannot be used');
    expect(asServer({ key: 'garbage' })).to.throw(UsageError, 'cannot be used');
    expect(asServer({ key: undefined })).to.throw(UsageError, 'given together');
    expect(asClient({ certificate })).to.throw(UsageError, 'given together');
    expect(asServer({ certificate: undefined, key: undefined })).to.throw(
      UsageError,
      'needs certificate and key',
    );
    expect(asServer({ hosts: { 'a.example': { certificate } } })).to.throw(UsageError, 'a.example');
    expect(asServer({ hosts: { 'a.example': { certificate, key: made.server.key } } })).to.throw(
      UsageError,
      'not that',
    );
    expect(asServer({ hosts: { 'a.example': { certificate, kye: '' } } })).to.throw(
      UsageError,
      'no option kye',
    );
  });

  it('refuses authorities that are none, rather than trust nobody', () => {
    const broken = made.ca.certificate.replace(/\n[^-]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');

    for (const ca of ['', 'garbage', [], ['garbage'], made.ca.key]) {
      expect(asClient({ ca }), String(ca)).to.throw(UsageError, 'no certificate in PEM');
    }
    expect(asClient({ ca: broken })).to.throw(UsageError, 'cannot be read');
    expect(asClient({ ca: [made.ca.certificate, broken] })).to.throw(UsageError, 'cannot be read');
  });

  it('refuses pins that are no fingerprints', () => {
    for (const pin of ['', 'AB', [], `${PIN}AB`, PIN.replace('A', 'G'), [PIN, 'AB']]) {
      expect(asClient({ pin }), String(pin)).to.throw(UsageError, '64 hexadecimal digits');
    }
    expect(asClient({ pin: PIN, insecure: true })).to.throw(UsageError, 'insecure');
  });

  it('refuses a client that would verify no name', () => {
    expect(asClient({ serverName: undefined })).to.throw(UsageError, 'serverName');
    expect(asClient({ serverName: undefined, ca: made.ca.certificate })).to.throw(UsageError, 'serverName');
    expect(asClient({ serverName: '' })).to.throw(UsageError, 'serverName');
    expect(asClient({ serverName: 'not a name' })).to.throw(UsageError, 'serverName');
    expect(asClient({ serverName: '.localhost' })).to.throw(UsageError, 'serverName');
    expect(asClient({ serverName: '*.localhost' })).to.throw(UsageError, 'serverName');
    expect(asClient({ serverName: 'localhost.' })).to.not.throw();
    expect(asClient({ serverName: undefined, pin: PIN })).to.not.throw();
    expect(asClient({ serverName: undefined, insecure: true })).to.not.throw();
    expect(asClient({ serverName: 'bücher.example' })).to.not.throw();
  });

  it('refuses what would be of no use', () => {
    expect(asServer({ pin: PIN })).to.throw(UsageError, 'clientCertificate');
    expect(asServer({ ca: made.ca.certificate })).to.throw(UsageError, 'clientCertificate');
    expect(asServer({ insecure: true })).to.throw(UsageError, 'clientCertificate');
    expect(asServer({ serverName: 'localhost' })).to.throw(UsageError, 'no option serverName');
    expect(asClient({ clientCertificate: 'ask' })).to.throw(UsageError, 'no option clientCertificate');
    expect(asClient({ rejectUnauthorized: false })).to.throw(UsageError, 'no option rejectUnauthorized');
  });

  it('refuses values that are none of those there are (RFC 7301 §3.1)', () => {
    expect(asServer({ clientCertificate: 'maybe' })).to.throw(UsageError, 'ask or require');
    expect(asClient({ minVersion: 'TLSv1.1' })).to.throw(UsageError, 'TLSv1.2');
    expect(asClient({ insecure: false })).to.throw(UsageError, 'insecure');
    for (const alpnProtocols of [[], [''], 'amp', ['x'.repeat(256)], [1]]) {
      expect(asClient({ alpnProtocols }), String(alpnProtocols)).to.throw(UsageError, 'alpnProtocols');
    }
    for (const handshakeTimeoutMs of [0, -1, Number.NaN, '5']) {
      expect(asClient({ handshakeTimeoutMs }), String(handshakeTimeoutMs)).to.throw(UsageError, 'above 0');
    }
    expect(asClient({ handshakeTimeoutMs: Number.POSITIVE_INFINITY, closeTimeoutMs: 1 })).to.not.throw();
  });
});
