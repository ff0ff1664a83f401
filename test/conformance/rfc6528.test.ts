import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { decodeLiteral } from '../support/literal-segment.ts';

const out = new Uint8Array(2_000);

/** Who speaks to whom, and over what. */
interface Pair {
  readonly path?: number;
  readonly local?: number;
  readonly remote?: number;
}

/** The ISN that the SYN of a new connection carries; the connection is forgotten again. */
function isnOf(endpoint: PtcpEndpoint, now: number, pair: Pair = {}): number {
  const { path = 0, local = 50_000, remote = 50_001 } = pair;
  const connection = endpoint.connect(path, remote, { localPseudoPort: local });
  const burst = endpoint.pollTransmit(now, { out });
  const { seq } = decodeLiteral(out.subarray(0, burst?.lastBytes));
  connection.abort();
  while (endpoint.pollTransmit(now, { out }) !== undefined);
  return seq;
}

describe('RFC 6528: initial sequence numbers', () => {
  it('tick every 4 µs for one pair of addresses and ports (RFC 6528 §3, RFC 9293 §3.4.1, MUST-8)', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('isn') });
    endpoint.handleTimeout(1_000);
    const first = isnOf(endpoint, 1_000);

    endpoint.handleTimeout(1_060.5);
    const second = isnOf(endpoint, 1_060.5);

    expect((second - first) >>> 0).to.equal(60.5 * 250);
  });

  it('wrap with the clock', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('isn') });
    const first = isnOf(endpoint, 0);
    const wrapMs = 2 ** 32 / 250;

    endpoint.handleTimeout(3 * wrapMs + 1);

    expect((isnOf(endpoint, 3 * wrapMs + 1) - first) >>> 0).to.equal(250);
  });

  it('of an accepted connection come from the same source (RFC 9293 §3.4.1, SHLD-1)', () => {
    const isnAt = (seed: string): number => {
      const server = new PtcpEndpoint({ entropy: new Prng(seed) });
      server.listen(50_001);
      const client = new PtcpEndpoint({ entropy: new Prng('client') });
      client.connect(0, 50_001, { localPseudoPort: 50_000 });
      const syn = client.pollTransmit(0, { out });
      server.handleDatagram(0, out.slice(0, syn?.lastBytes), 0);
      const synAck = server.pollTransmit(0, { out });
      return decodeLiteral(out.subarray(0, synAck?.lastBytes)).seq;
    };

    expect(isnAt('a')).to.equal(isnAt('a'));
    expect(isnAt('a')).not.to.equal(isnAt('b'));
  });

  it('differ for every path, port and key as if by chance (RFC 6528 §3, MUST-9)', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('isn') });
    const other = new PtcpEndpoint({ entropy: new Prng('another key') });
    const reference = isnOf(endpoint, 0);

    expect(isnOf(endpoint, 0)).to.equal(reference);
    expect(isnOf(endpoint, 0, { path: 1 })).not.to.equal(reference);
    expect(isnOf(endpoint, 0, { local: 50_002 })).not.to.equal(reference);
    expect(isnOf(endpoint, 0, { remote: 50_003 })).not.to.equal(reference);
    expect(isnOf(other, 0)).not.to.equal(reference);
  });

  it('are spread evenly in every byte, for neighbouring ports and in their differences (RFC 6528 §3)', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('isn') });
    const isns = Array.from({ length: 2_048 }, (_, i) => isnOf(endpoint, 0, { local: 49_152 + i }));

    const differences = isns.slice(1).map((isn, i) => (isn - isns[i]!) >>> 0);

    for (const numbers of [isns, differences]) {
      for (const shift of [0, 8, 16, 24]) expect(chiSquare(numbers, shift)).to.be.below(LIMIT);
    }
  });

  it('are what the profile says when it says one', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('isn'), profile: { iss: 4_242 } });

    expect(isnOf(endpoint, 77)).to.equal(4_242);
  });
});

/** Of 255 degrees of freedom, one in a million is above this. */
const LIMIT = 377;

function chiSquare(numbers: readonly number[], shift: number): number {
  const counts = new Array<number>(256).fill(0);
  for (const number of numbers) counts[(number >>> shift) & 0xff]! += 1;
  const mean = numbers.length / 256;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}
