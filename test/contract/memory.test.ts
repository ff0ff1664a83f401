import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { type ContractKind, itKeepsTheTransportContract } from '../support/contract.ts';

function memoryKind(): ContractKind {
  let count = 0;
  return {
    kind: 'memory',
    listenTarget: () => ({ host: `name-${count++}`, port: 0 }),
    connectTarget: (port) => ({ host: (port.getHost() as { name: string }).name, port: 0 }),
  };
}

describe('the memory transport', () => {
  itKeepsTheTransportContract(() => new MemoryReactor(), memoryKind);
});
