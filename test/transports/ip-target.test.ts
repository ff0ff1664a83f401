import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { hostAndPort, ipFamily, requireLiteral, requirePort } from '../../lib/transports/ip-target.ts';

describe('targets on the Internet', () => {
  it('know the family of literals, and that names have none', () => {
    expect(['127.0.0.1', '::1', 'fe80::1%eth0', 'localhost', '127.1', ''].map(ipFamily)).to.deep.equal([
      'IPv4',
      'IPv6',
      'IPv6',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('are written with IPv6 in brackets', () => {
    expect(hostAndPort('::1', 80)).to.equal('[::1]:80');
    expect(hostAndPort('localhost', 80)).to.equal('localhost:80');
  });

  it('have whole ports from 0 or 1 to 65535', () => {
    for (const port of [1, 65_535]) expect(() => requirePort(port, 1)).not.to.throw();
    expect(() => requirePort(0, 0)).not.to.throw();
    for (const port of [0, 65_536, 1.5, Number.NaN]) expect(() => requirePort(port, 1)).to.throw(UsageError);
    expect(() => requirePort('80' as unknown as number, 1)).to.throw(UsageError, 'not the string "80"');
  });

  it('name the option whose value is no literal', () => {
    expect(() => requireLiteral('localhost', 'bindAddress')).to.throw(UsageError, 'bindAddress');
  });
});
