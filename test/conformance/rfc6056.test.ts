import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { UsageError } from '../../lib/errors.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';

const FIRST = 49_152;
const LAST = 65_535;

describe('RFC 6056: the choice of a pseudo-port', () => {
  it('takes ports of the dynamic range, spread over all of it (RFC 6056 §3.2)', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('ports') });

    const ports = Array.from({ length: 1_600 }, () => endpoint.connect(0, 50_000).localPseudoPort);

    expect(new Set(ports).size, 'none twice').to.equal(1_600);
    const sixteenths = new Array<number>(16).fill(0);
    for (const port of ports) {
      expect(port).to.be.within(FIRST, LAST);
      sixteenths[(port - FIRST) >> 10]! += 1;
    }
    for (const count of sixteenths) expect(count).to.be.within(60, 140);
  });

  it('is not the same for different entropy, nor one after the other (RFC 6056 §2.2)', () => {
    const portOf = (seed: string): number =>
      new PtcpEndpoint({ entropy: new Prng(seed) }).connect(0, 50_000).localPseudoPort;
    const endpoint = new PtcpEndpoint({ entropy: new Prng('ports') });
    const ports = Array.from({ length: 50 }, () => endpoint.connect(0, 50_000).localPseudoPort);

    expect(portOf('a')).not.to.equal(portOf('b'));
    const steps = ports.slice(1).map((port, i) => port - ports[i]!);
    expect(new Set(steps).size).to.be.above(45);
  });

  it('keeps away from the ports of listeners (RFC 6056 §3.2)', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('ports') });
    for (let port = FIRST; port <= LAST; port += 1) if (port !== 60_123) endpoint.listen(port);

    expect(endpoint.connect(0, 50_000).localPseudoPort).to.equal(60_123);
    expect(() => endpoint.connect(0, 50_000)).to.throw(UsageError);
    expect(endpoint.connect(0, 50_001).localPseudoPort, 'to another port').to.equal(60_123);
    expect(endpoint.connect(1, 50_000).localPseudoPort, 'on another path').to.equal(60_123);
  });
});
