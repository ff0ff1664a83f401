import { expect } from 'chai';
import type { ContractWorld } from '../../lib/testing/contract-world.ts';
import type { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { TRANSPORT_CONTRACT } from '../../lib/testing/transport-contract.ts';

/** What differs from one kind of transport to the other. */
export type ContractKind = Pick<ContractWorld, 'kind' | 'listenTarget' | 'connectTarget'>;

const STEP_MS = 1;
const LIMIT_MS = 60_000;

/** Runs the transport contract in virtual time, each test in a reactor of its own. */
export function itKeepsTheTransportContract(
  makeReactor: () => MemoryReactor,
  makeKind: () => ContractKind,
): void {
  for (const { title, run } of TRANSPORT_CONTRACT) {
    it(title, async () => {
      const reactor = makeReactor();
      const until = async (isDone: () => boolean, what: string): Promise<void> => {
        for (let waitedMs = 0; !isDone(); waitedMs += STEP_MS) {
          expect(waitedMs, `ms in which ${what}`).to.be.lessThan(LIMIT_MS);
          reactor.advance(STEP_MS);
          // Promises of the code under test go on in between.
          await new Promise(setImmediate);
        }
      };

      await run({ reactor, ...makeKind(), until, errors: reactor.errors });

      expect(reactor.clock.runUntilIdle(LIMIT_MS), 'the clock is idle afterwards').to.equal(true);
    });
  }
}
