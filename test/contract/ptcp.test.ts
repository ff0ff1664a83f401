import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { inetKind, itKeepsTheTransportContract } from '../support/contract.ts';

describe('the ptcp transport in a simulated network', () => {
  itKeepsTheTransportContract(
    () => new MemoryReactor(),
    () => inetKind('ptcp'),
  );
});
