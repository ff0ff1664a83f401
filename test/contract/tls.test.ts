import { nodeTls } from '../../lib/reactor/node/tls.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { testCertificates } from '../support/certificates.ts';
import { type ContractKind, inetKind, itKeepsTheTransportContract, namedKind } from '../support/contract.ts';

for (const kind of [inetKind('tls'), inetKind('ptcp+tls'), namedKind('memory+tls')]) {
  describe(`the ${kind.kind} transport in a simulated network`, () => {
    let secure: ContractKind;

    before(async () => {
      const { ca, server } = await testCertificates();
      const { certificate, key } = server;
      secure = {
        ...kind,
        listenOptions: { certificate, key },
        connectOptions: { ca: ca.certificate, serverName: 'localhost' },
      };
    });

    itKeepsTheTransportContract(
      () => new MemoryReactor({ tls: nodeTls }),
      () => secure,
    );
  }).timeout(10_000);
}
