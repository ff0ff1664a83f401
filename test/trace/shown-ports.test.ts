import { expect } from 'chai';
import { ShownPorts } from '../../lib/trace/shown-ports.ts';

const THERE = { fromHost: '192.0.2.1', fromPort: 50_000, toHost: '192.0.2.2', toPort: 49_153 };
const BACK = { fromHost: '192.0.2.2', fromPort: 49_153, toHost: '192.0.2.1', toPort: 50_000 };

describe('ShownPorts', () => {
  it('shows the first conversation as it is, in both directions', () => {
    const ports = new ShownPorts(10);

    expect(ports.of(THERE, 0)).to.include({ fromPort: 50_000, toPort: 49_153 });
    expect(ports.of(BACK, 0)).to.include({ fromPort: 49_153, toPort: 50_000 });
  });

  it('shows the same pseudo-ports on another path with another port for who was seen sending first', () => {
    const ports = new ShownPorts(10);
    ports.of(THERE, 0);

    expect(ports.of(THERE, 1)).to.include({ fromPort: 50_001, toPort: 49_153 });
    expect(ports.of(BACK, 1)).to.include({ fromPort: 49_153, toPort: 50_001 });
    expect(ports.of(THERE, 0)).to.include({ fromPort: 50_000, toPort: 49_153 });
  });

  it('takes no port that another conversation has', () => {
    const ports = new ShownPorts(10);
    ports.of(THERE, 0);
    ports.of({ ...THERE, fromPort: 50_001 }, 0);

    expect(ports.of(THERE, 1).fromPort).to.equal(50_002);
  });

  it('goes from the last port to the first', () => {
    const ports = new ShownPorts(10);
    ports.of({ ...THERE, fromPort: 65_535 }, 0);

    expect(ports.of({ ...THERE, fromPort: 65_535 }, 1).fromPort).to.equal(1);
  });

  it('shows conversations beyond its limit as they are', () => {
    const ports = new ShownPorts(1);
    ports.of(THERE, 0);
    ports.of(THERE, 1);

    expect(ports.of(THERE, 2).fromPort).to.equal(50_000);
  });
});
