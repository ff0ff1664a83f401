import { expect } from 'chai';
import { explainTls, explainTurnedAway } from '../../lib/cli/tls-advice.ts';
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
  NoCommonAlpn,
  NoCommonTlsVersion,
  NotTls,
  TlsError,
  TlsTimeout,
} from '../../lib/errors.ts';

describe('explainTls', () => {
  const cases: [TlsError, RegExp][] = [
    [new CertificateSelfSigned('x'), /nobody trusted here vouches for .*; write pin= or ca=$/],
    [
      new CertificateUntrusted('x', { fingerprint: '0A:FF' }),
      /prints the pin 0aff, send to tls:h:1:pin=0aff$/,
    ],
    [new CertificateExpired('x'), /has ended; it needs a new one/],
    [new CertificateNotYetValid('x'), /not good yet; check the clocks/],
    [new CertificateNameMismatch('x'), /for other names; check the host, or write serverName= or pin=/],
    [new CertificateWrongPurpose('x'), /not made for servers/],
    [new CertificateMissing('x'), /shows no certificate/],
    [new CertificateRejected('x'), /refuses our certificate.*write certificate=FILE:key=FILE/],
    [new NoCommonAlpn('x'), /alpn=/],
    [new NoCommonTlsVersion('x'), /minVersion=/],
    [new TlsTimeout('x'), /took too long/],
    [new NotTls('x'), /speaks no TLS; start the receiver with tls: or ptcp\+tls:/],
  ];
  for (const [error, line] of cases) {
    it(`says in one line what to do about ${error.name}`, () => {
      const text = explainTls('tls:h:1', error);

      expect(text).to.match(/^tls:h:1: /);
      expect(text).to.match(line);
      expect(text).not.to.contain('\n');
    });
  }

  it('warns that somebody may be in the middle when another certificate than the pinned one is shown', () => {
    const error = new CertificatePinMismatch('x', { fingerprint: 'AB:CD' });

    expect(explainTls('tls:h:1', error)).to.equal(
      'WARNING: tls:h:1 shows another certificate than the pinned one (its pin is abcd): somebody may be in the middle; ' +
        'nothing was sent; compare with the pin that the receiver prints',
    );
  });

  it('shows what it does not know, made printable', () => {
    expect(explainTls('tls:h:1', new TlsError('decode error\u001b'))).to.equal(
      'tls:h:1: TLS failed: decode error\\u{1b}',
    );
  });
});

describe('explainTurnedAway', () => {
  for (const [error, line] of [
    [new NotTls('x'), /it speaks no TLS; it must send to tls: or ptcp\+tls:/],
    [new CertificateMissing('x'), /shows no certificate; it must send with certificate=/],
    [
      new CertificateUntrusted('nobody vouches', { fingerprint: 'AB:CD' }),
      /nobody vouches \(its pin is abcd\)$/,
    ],
    [new CertificateRejected('x'), /does not believe our certificate; give it the pin/],
    [new TlsError('it ended'), /it ended; if it was a sender, give it the pin$/],
    [new TlsTimeout('took too long'), /took too long$/],
  ] as const) {
    it(`says why a sender came no further: ${error.name}`, () => {
      const text = explainTurnedAway('10.0.0.1:5', error);

      expect(text).to.match(/^10\.0\.0\.1:5 was turned away: /);
      expect(text).to.match(line);
    });
  }
});
