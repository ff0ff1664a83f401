import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { itKeepsTheTransportContract, namedKind } from '../support/contract.ts';

describe('the memory transport', () => {
  itKeepsTheTransportContract(
    () => new MemoryReactor(),
    () => namedKind('memory'),
  );
});
