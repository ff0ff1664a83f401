import { expect } from 'chai';
import { heapUsedBytes } from '../support/heap-used.ts';
import { playFlood } from '../support/syn-flood.ts';

describe('10^6 forged SYNs', () => {
  it('leave memory flat and honest clients served within two round trips (RFC 4987 §3.7)', () => {
    const before = heapUsedBytes();
    const startedAt = performance.now();
    const report = playFlood({ synCount: 1_000_000, perMs: 100, clientCount: 100 });
    const seconds = (performance.now() - startedAt) / 1000;
    const grown = heapUsedBytes() - before;

    expect(report.openedInRounds).to.have.length(100);
    expect(Math.max(...report.openedInRounds)).to.be.below(2);
    expect(report.mostConnections).to.be.at.most(1024 + 100);
    expect(report.bytesOut).to.be.at.most(3 * report.bytesIn);
    expect(grown).to.be.below(8 * 1024 * 1024);
    const { synCookiesSent } = report.stats;
    console.log(
      `      ${synCookiesSent} cookies; clients in ${Math.max(...report.openedInRounds)} round trips at most; ` +
        `heap ${(grown / 1024).toFixed(0)} KiB more; ${(report.bytesOut / report.bytesIn).toFixed(2)} bytes out for each in; ` +
        `${(1_000_000 / seconds).toFixed(0)} SYNs/s`,
    );
  });
});
