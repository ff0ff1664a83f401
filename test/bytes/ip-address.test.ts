import { isIP, isIPv6 } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatIpAddress,
  isBroadcast,
  isLoopback,
  isMulticast,
  isUnspecified,
  parseIpAddress,
} from '../../lib/bytes/ip-address.ts';

function bytesOf(text: string): Uint8Array {
  const address = parseIpAddress(text);
  expect(address, text).to.not.equal(undefined);
  return address!.bytes;
}

function hex(text: string): string {
  return Array.from(bytesOf(text), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Those of `texts` whose address is what `predicate` says. */
function which(predicate: (bytes: Uint8Array) => boolean, texts: readonly string[]): string[] {
  return texts.filter((text) => predicate(bytesOf(text)));
}

const SAMPLES = [
  '0.0.0.0',
  '0.0.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '128.0.0.1',
  '223.255.255.255',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '192.168.1.255',
  '::',
  '::1',
  '::2',
  '::127.0.0.1',
  'fe80::1',
  'ff02::1',
  '::ffff:0.0.0.0',
  '::ffff:127.0.0.1',
  '::ffff:224.0.0.1',
  '::ffff:255.255.255.255',
  '::ffff:10.0.0.1',
];

describe('parseIpAddress', () => {
  it('reads IPv4 addresses', () => {
    expect(parseIpAddress('192.0.2.255')?.family).to.equal('IPv4');
    expect([...bytesOf('192.0.2.255')]).to.deep.equal([192, 0, 2, 255]);
  });

  it('reads IPv6 addresses in all their forms (RFC 4291 §2.2)', () => {
    expect(parseIpAddress('::')?.family).to.equal('IPv6');
    expect(hex('2001:DB8:0:0:8:800:200C:417A')).to.equal('20010db80000000000080800200c417a');
    expect(hex('2001:db8::8:800:200c:417a')).to.equal('20010db80000000000080800200c417a');
    expect(hex('::')).to.equal('0'.repeat(32));
    expect(hex('::1')).to.equal(`${'0'.repeat(31)}1`);
    expect(hex('1::')).to.equal(`0001${'0'.repeat(28)}`);
    expect(hex('1:2:3:4:5:6:7::')).to.equal('00010002000300040005000600070000');
    expect(hex('::ffff:129.144.52.38')).to.equal('00000000000000000000ffff81903426');
    expect(hex('1:2:3:4:5:6:1.2.3.4')).to.equal('00010002000300040005000601020304');
  });

  it('keeps the scope of an IPv6 address (RFC 4007 §11, RFC 6874 §2)', () => {
    expect(parseIpAddress('fe80::1%eth0.100')).to.deep.include({ family: 'IPv6', scope: 'eth0.100' });
    expect(parseIpAddress('fe80::1')).to.not.have.property('scope');
  });

  it('refuses everything else', () => {
    const texts = [
      ...['', 'localhost', '1.2.3', '127.1', '1.2.3.4.5', '1.2.3.256', '1.2.3.04', '01.2.3.4', '1.2.3.-4'],
      ...['0x7f.0.0.1', '1.2.3.4 ', ' 1.2.3.4', '1.2.3.4%eth0', '1..2.3', '1.2.3.', '١.2.3.4', '2130706433'],
      ...[':', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '1:2:3:4:5:6:7::8', '12345::', 'g::'],
      ...[':1::2', '1::2:', '::1:', '[::1]', '::1 ', '1.2.3.4::', '::1.2.3.4:5', '::1.2.3', '::01.2.3.4'],
      ...['1:2:3:4:5:6:7:1.2.3.4', 'fe80::1%', 'fe80::1%a%b', 'fe80::1%a b', '%eth0', '::1/64'],
    ];

    expect(texts.filter((text) => parseIpAddress(text) !== undefined)).to.deep.equal([]);
  });

  it('takes what Node takes for an address, and nothing else', () => {
    const addressLike = fc.stringMatching(/^[0-9a-f:.]{2,24}$/);
    const anyBytes = fc.uint8Array({ minLength: 16, maxLength: 16 });

    fc.assert(
      fc.property(fc.oneof(addressLike, fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        fc.pre(!text.includes('%'));
        const family = parseIpAddress(text)?.family;
        expect({ IPv4: 4, IPv6: 6, none: 0 }[family ?? 'none'], text).to.equal(isIP(text));
      }),
    );
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(isIPv6(formatIpAddress({ family: 'IPv6', bytes }))).to.equal(true);
      }),
    );
  });
});

describe('formatIpAddress', () => {
  it('spells an address as recommended (RFC 5952 §4, §4.2.2, §4.2.3, §5; RFC 4291 §2.5.5.2)', () => {
    const spelled = {
      '192.0.2.1': '192.0.2.1',
      '2001:0DB8::0001': '2001:db8::1',
      '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:db8::1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '0:0:0:0:0:0:0:0': '::',
      '1:0:0:0:0:0:0:0': '1::',
      '::ffff:c000:201': '::ffff:192.0.2.1',
      'FE80::1%eth0': 'fe80::1%eth0',
    };

    for (const [text, expected] of Object.entries(spelled)) {
      expect(formatIpAddress(parseIpAddress(text)!)).to.equal(expected);
    }
  });

  it('spells any address so that it is read as the same', () => {
    // Groups of zeros are what the spelling is about.
    const anyGroup = fc.oneof(fc.constant([0, 0]), fc.tuple(fc.nat(255), fc.nat(255)));
    const anyGroups = fc.array(anyGroup, { minLength: 8, maxLength: 8 });

    fc.assert(
      fc.property(anyGroups, (groups) => {
        const bytes = Uint8Array.from(groups.flat());
        expect([...bytesOf(formatIpAddress({ family: 'IPv6', bytes }))]).to.deep.equal([...bytes]);
      }),
    );
  });
});

describe('the kinds of an IP address, IPv4-mapped ones as their IPv4 address', () => {
  it('knows the unspecified address', () => {
    expect(which(isUnspecified, SAMPLES)).to.deep.equal(['0.0.0.0', '::', '::ffff:0.0.0.0']);
  });

  it('knows multicast addresses', () => {
    expect(which(isMulticast, SAMPLES)).to.deep.equal([
      '224.0.0.1',
      '239.255.255.250',
      'ff02::1',
      '::ffff:224.0.0.1',
    ]);
  });

  it('knows the limited broadcast address', () => {
    expect(which(isBroadcast, SAMPLES)).to.deep.equal(['255.255.255.255', '::ffff:255.255.255.255']);
  });

  it('knows loopback addresses', () => {
    expect(which(isLoopback, SAMPLES)).to.deep.equal([
      '127.0.0.1',
      '127.255.255.254',
      '::1',
      '::ffff:127.0.0.1',
    ]);
  });
});
