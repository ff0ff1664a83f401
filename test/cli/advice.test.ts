import { expect } from 'chai';
import { explainNetwork, explainSession, explainTransfer } from '../../lib/cli/advice.ts';
import {
  CannotListen,
  CannotRead,
  CertificateRejected,
  CertificateUntrusted,
  ConnectionRefused,
  DnsLookupError,
  TimeoutError,
  UsageError,
} from '../../lib/errors.ts';
import { TransferError } from '../../protocols/file-transfer/index.ts';

describe('explainTransfer', () => {
  it('says what, why and what to do in one line, whatever the name is', () => {
    const cause = Object.assign(new Error(), { code: 'ENOSPC' });

    const line = explainTransfer('a\x1b[2J\n', new TransferError('no-space', { cause }), 'receiver');

    expect(line).to.equal(
      "a\\u{1b}[2J\\u{a} was not received: the receiver's disk is full (ENOSPC); " +
        'make room and have it sent again: it goes on where it stopped',
    );
  });
});

describe('explainSession', () => {
  it('tells the sender that the receiver refused its certificate, which it learns late (RFC 8446 §4.4.2.4)', () => {
    const error = new TransferError('closed', { cause: new CertificateRejected('bad certificate') });

    expect(explainSession('tls:h:1', error, 'sender')).to.match(
      /^tls:h:1: the receiver refuses our certificate.*; write certificate=FILE:key=FILE/,
    );
  });
});

describe('explainNetwork', () => {
  const errno = (code: string): Error => Object.assign(new Error(code), { code });
  const cases: [string, Error, RegExp, number][] = [
    ['a refusal', new ConnectionRefused(), /nobody listens on tcp:h:1; start 'hawser receive'/, 3],
    ['a timeout', new TimeoutError(), /no answer from tcp:h:1; check host and port/, 3],
    ['an unknown host', new DnsLookupError('x'), /no address; check its spelling/, 3],
    [
      'a port that is taken',
      new CannotListen('x', { cause: errno('EADDRINUSE') }),
      /choose another with --listen/,
      3,
    ],
    ['a port for root', new CannotListen('x', { cause: errno('EACCES') }), /below 1024/, 3],
    ['a foreign address', new CannotListen('x', { cause: errno('EADDRNOTAVAIL') }), /check --interface/, 3],
    ['a file that is missing', new CannotRead('c.pem cannot be read'), /^tcp:h:1: c\.pem cannot be read$/, 2],
    ['a mistake', new UsageError('no such option'), /no such option/, 2],
  ];
  for (const [what, error, message, status] of cases) {
    it(`says what to do about ${what}`, () => {
      const failure = explainNetwork('tcp:h:1', error);

      expect(failure.message).to.match(message);
      expect(failure.status).to.equal(status);
      expect(failure.cause).to.equal(error);
    });
  }

  it('explains what TLS refuses', () => {
    const failure = explainNetwork('tls:h:1', new CertificateUntrusted('x', { fingerprint: 'AB:CD' }));

    expect(failure.message).to.match(/; if the receiver prints the pin abcd, send to tls:h:1:pin=abcd$/);
    expect(failure.status).to.equal(3);
  });

  it('shows endpoints without the digits of their pins', () => {
    const failure = explainNetwork(`tls:h:1:pin=${'0'.repeat(64)}:ca=a`, new ConnectionRefused());

    expect(failure.message).to.match(/^nobody listens on tls:h:1:ca=a; /);
  });

  it('does not explain what it does not know', () => {
    const bug = new TypeError('x is not a function');

    expect(() => explainNetwork('tcp:h:1', bug)).to.throw(bug);
  });
});
