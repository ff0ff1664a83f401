import { expect } from 'chai';
import type { ContractWorld } from '../../lib/testing/contract-world.ts';
import type { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { TRANSPORT_CONTRACT } from '../../lib/testing/transport-contract.ts';

/** What differs from one kind of transport to the other. */
export type ContractKind = Omit<ContractWorld, 'reactor' | 'until' | 'errors'>;

/** A kind of transport whose ports have numbers, on 127.0.0.1. */
export function inetKind(kind: string): ContractKind {
  return {
    kind,
    listenTarget: () => ({ host: '127.0.0.1', port: 0 }),
    connectTarget: (port) => ({ host: '127.0.0.1', port: (port.getHost() as { port: number }).port }),
  };
}

/** A kind of transport whose ports have names. */
export function namedKind(kind: string): ContractKind {
  let count = 0;
  return {
    kind,
    listenTarget: () => ({ host: `name-${count++}`, port: 0 }),
    connectTarget: (port) => ({ host: (port.getHost() as { name: string }).name, port: 0 }),
  };
}

const STEP_MS = 1;
const LIMIT_MS = 60_000;

/** A world in which the tests of the contract, and others like them, run in virtual time. */
export function contractWorld(reactor: MemoryReactor, kind: ContractKind): ContractWorld {
  const until = async (isDone: () => boolean, what: string): Promise<void> => {
    for (let waitedMs = 0; !isDone(); waitedMs += STEP_MS) {
      expect(waitedMs, `ms in which ${what}`).to.be.lessThan(LIMIT_MS);
      reactor.advance(STEP_MS);
      // Promises of the code under test go on in between, and so does OpenSSL.
      await new Promise(setImmediate);
    }
  };
  return { reactor, ...kind, until, errors: reactor.errors };
}

/** Runs the transport contract in virtual time, each test in a reactor of its own. */
export function itKeepsTheTransportContract(
  makeReactor: () => MemoryReactor,
  makeKind: () => ContractKind,
): void {
  for (const { title, run } of TRANSPORT_CONTRACT) {
    it(title, async () => {
      const reactor = makeReactor();

      await run(contractWorld(reactor, makeKind()));

      expect(reactor.clock.runUntilIdle(LIMIT_MS), 'the clock is idle afterwards').to.equal(true);
    });
  }
}
