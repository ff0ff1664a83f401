import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { type ContractKind, itKeepsTheTransportContract } from '../support/contract.ts';

function tcpKind(): ContractKind {
  return {
    kind: 'tcp',
    listenTarget: () => ({ host: '127.0.0.1', port: 0 }),
    connectTarget: (port) => ({ host: '127.0.0.1', port: (port.getHost() as { port: number }).port }),
  };
}

describe('the tcp transport in a simulated network', () => {
  itKeepsTheTransportContract(() => new MemoryReactor(), tcpKind);
});
