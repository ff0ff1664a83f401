import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { resolveProfile } from '../../../lib/ptcp/core/config.ts';
import type { Connection } from '../../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import type { HalfOpen } from '../../../lib/ptcp/core/half-open.ts';
import { FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT, Secrets } from '../../../lib/ptcp/core/isn.ts';
import { Mux } from '../../../lib/ptcp/core/mux.ts';
import { MAX_PATH_ID } from '../../../lib/ptcp/core/path.ts';
import { NEVER } from '../../../lib/time/clock.ts';

function connections(count: number): Connection[] {
  const endpoint = new PtcpEndpoint({ entropy: new Prng('mux') });
  return Array.from({ length: count }, (_entry, i) => endpoint.connect(1, 1000 + i));
}

describe('Mux', () => {
  it('tells connections apart by path and by either port', () => {
    const mux = new Mux(0x1234_5678);
    const keys = [
      [0, 1, 1],
      [0, 1, 2],
      [0, 2, 1],
      [1, 1, 1],
      [MAX_PATH_ID, 65_535, 65_535],
      [MAX_PATH_ID, 65_535, 65_534],
    ].map(([path, local, remote]) => mux.keyOf(path!, local!, remote!));
    const all = connections(keys.length);
    for (const [index, key] of keys.entries()) mux.add(key, all[index]!);

    expect(new Set(keys).size).to.equal(keys.length);
    expect(keys.every(Number.isSafeInteger)).to.equal(true);
    expect(keys.map((key) => mux.find(key))).to.deep.equal(all);
    expect(mux.connectionCount).to.equal(keys.length);
  });

  it('knows which paths are in use and which pairs of ports, until the last connection is gone', () => {
    const mux = new Mux(0x1234_5678);
    const [first, second] = connections(2);
    const [onOne, onTwo] = [mux.keyOf(1, 50_000, 7), mux.keyOf(2, 50_000, 7)];
    mux.add(onOne, first!);
    mux.add(onTwo, second!);

    mux.remove(onOne);
    expect([mux.isPathInUse(1), mux.isPathInUse(2), mux.hasPair(50_000, 7)]).to.deep.equal([
      false,
      true,
      true,
    ]);
    mux.remove(onTwo);
    mux.remove(onTwo);

    expect([mux.isPathInUse(2), mux.hasPair(50_000, 7), mux.connectionCount]).to.deep.equal([
      false,
      false,
      0,
    ]);
  });

  it('finds free ports in the dynamic range, none twice and none that listens (RFC 6056 §3.3.1)', () => {
    const mux = new Mux(0x1234_5678);
    const secrets = new Secrets(new Prng('ports'));
    mux.addListener({
      pseudoPort: 50_000,
      profile: resolveProfile(),
      halfOpen: new Set<HalfOpen>(),
      cookieSentAt: -NEVER,
    });
    const [connection] = connections(1);
    const seen = new Set<number>();
    for (let i = 0; i < 200; i += 1) {
      const port = mux.freePort(3, 9, secrets)!;
      seen.add(port);
      mux.add(mux.keyOf(3, port, 9), connection!);
    }

    expect(seen.size).to.equal(200);
    expect([...seen].every((port) => port >= FIRST_DYNAMIC_PORT && port <= LAST_DYNAMIC_PORT)).to.equal(true);
    expect(seen.has(50_000)).to.equal(false);
  });

  it('has no free port when all are taken, on that path to that port', () => {
    const mux = new Mux(0x1234_5678);
    const secrets = new Secrets(new Prng('ports'));
    const [connection] = connections(1);
    for (let port = FIRST_DYNAMIC_PORT; port <= LAST_DYNAMIC_PORT; port += 1)
      mux.add(mux.keyOf(3, port, 9), connection!);

    expect(mux.freePort(3, 9, secrets)).to.equal(undefined);
    expect(mux.freePort(4, 9, secrets)).not.to.equal(undefined);
    expect(mux.freePort(3, 10, secrets)).not.to.equal(undefined);
  });

  it('holds one listener for a port until it is removed', () => {
    const mux = new Mux(0x1234_5678);
    const listener = {
      pseudoPort: 50_000,
      profile: resolveProfile(),
      halfOpen: new Set<HalfOpen>(),
      cookieSentAt: -NEVER,
    };
    mux.addListener(listener);

    expect(mux.listener(50_000)).to.equal(listener);
    mux.removeListener(listener);
    expect(mux.listener(50_000)).to.equal(undefined);
  });

  it('puts the same connections elsewhere in each endpoint, so that nobody can make them crowd together', () => {
    const [one, other] = [new Mux(0x1234_5678), new Mux(0x8765_4321)];
    const keysOf = (mux: Mux): number[] => [7, 8, 9].map((port) => mux.keyOf(1, 50_000, port));

    expect(keysOf(one)).not.to.deep.equal(keysOf(other));
    expect(new PtcpEndpoint({ entropy: new Prng(1) }).connect(1, 7).key % 2 ** 32).not.to.equal(
      new PtcpEndpoint({ entropy: new Prng(2) }).connect(1, 7).key % 2 ** 32,
    );
  });

  it('finds one of 10^5 connections as fast as one of a thousand, whatever their ports', () => {
    const [entry] = connections(1);
    const msFor = (count: number, stepOf: (index: number) => number): number => {
      const mux = new Mux(0x1234_5678);
      const keys = Array.from({ length: count }, (_key, index) =>
        mux.keyOf(stepOf(index), 50_000, index & 0xff00),
      );
      for (const key of keys) mux.add(key, entry!);
      const startedAt = performance.now();
      for (let round = 0; round < 200_000; round += 1) mux.find(keys[round % count]!);
      return performance.now() - startedAt;
    };
    const least = (count: number): number =>
      Math.min(...[1, 2, 3].map(() => msFor(count, (index) => (index >> 8) + 1)));

    // Ten times as slow would still be far from the hundred times of a table that has become a list.
    expect(least(100_000)).to.be.below(20 * least(1000) + 5);
  });

  it('keeps what speaks with the header of Vertex apart from what has the same path and ports', () => {
    const mux = new Mux(0x1234_5678);
    const [entry, other] = [{} as Connection, {} as Connection];
    const far = mux.keyOf(MAX_PATH_ID, 65_535, 65_535, true);
    mux.add(mux.keyOf(7, 1, 8), entry);
    mux.add(mux.keyOf(7, 1, 8, true), other);
    mux.add(far, other);

    expect(mux.find(mux.keyOf(7, 1, 8))).to.equal(entry);
    expect(mux.find(mux.keyOf(7, 1, 8, true))).to.equal(other);
    expect(far).to.be.lessThan(2 ** 53);
    mux.remove(mux.keyOf(7, 1, 8));
    expect(mux.isPathInUse(7), 'the other is still there').to.equal(true);
    mux.remove(mux.keyOf(7, 1, 8, true));
    expect(mux.isPathInUse(7)).to.equal(false);
    expect(mux.isPathInUse(MAX_PATH_ID)).to.equal(true);
  });
});
