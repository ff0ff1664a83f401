import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { type ContractKind, itKeepsTheTransportContract } from '../support/contract.ts';

function ptcpKind(): ContractKind {
  return {
    kind: 'ptcp',
    listenTarget: () => ({ host: '127.0.0.1', port: 0 }),
    connectTarget: (port) => ({ host: '127.0.0.1', port: (port.getHost() as { port: number }).port }),
  };
}

describe('the ptcp transport in a simulated network', () => {
  itKeepsTheTransportContract(() => new MemoryReactor(), ptcpKind);
});
