import { expect } from 'chai';
import { connectFailure, errnoOf } from '../../lib/transports/connect-error.ts';

describe('connectFailure', () => {
  for (const [errno, code] of [
    ['ECONNREFUSED', 'ERR_CONNECTION_REFUSED'],
    ['ENETUNREACH', 'ERR_NO_ROUTE'],
    ['EHOSTUNREACH', 'ERR_NO_ROUTE'],
    ['ETIMEDOUT', 'ERR_TIMEOUT'],
    ['ENOTFOUND', 'ERR_DNS_LOOKUP'],
    ['EAI_AGAIN', 'ERR_DNS_LOOKUP'],
    ['EADDRNOTAVAIL', 'ERR_CONNECT'],
  ] as const) {
    it(`makes ${code} of ${errno}, and keeps it as the cause`, () => {
      const cause = Object.assign(new Error('by the system'), { code: errno });

      const failure = connectFailure(cause, 'example.org:80');

      expect(failure).to.include({ code, cause });
      expect(failure.message).to.include('example.org:80');
    });
  }

  it('takes errors without errno too', () => {
    expect(connectFailure(new Error('odd'), 'example.org:80').message).to.include('odd');
    expect([errnoOf(new Error('odd')), errnoOf('text')]).to.deep.equal([undefined, undefined]);
  });
});
