import { expect } from 'chai';
import { CertificateUntrusted } from '../../lib/errors.ts';
import type { StartTlsOptions } from '../../lib/interfaces/tls.ts';
import { nodeTls } from '../../lib/reactor/node/tls.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { Ends, itCarriesAmp, Sum } from '../support/amp-contract.ts';
import { failureOf } from '../support/amp-pair.ts';
import { testCertificates } from '../support/certificates.ts';
import { type ContractKind, contractWorld, inetKind, namedKind } from '../support/contract.ts';

for (const kind of [namedKind('memory'), inetKind('tcp'), inetKind('ptcp')]) {
  describe(`AMP over ${kind.kind}`, () => {
    itCarriesAmp(
      () => new MemoryReactor(),
      () => kind,
    );
  });
}

for (const kind of [inetKind('tls'), inetKind('ptcp+tls'), namedKind('memory+tls')]) {
  describe(`AMP over ${kind.kind}`, () => {
    let secure: ContractKind;

    before(async () => {
      const { ca, server } = await testCertificates();
      secure = {
        ...kind,
        listenOptions: { certificate: server.certificate, key: server.key },
        connectOptions: { ca: ca.certificate, serverName: 'localhost' },
      };
    });

    itCarriesAmp(
      () => new MemoryReactor({ tls: nodeTls }),
      () => secure,
    );
  });
}

for (const kind of [namedKind('memory'), inetKind('tcp'), inetKind('ptcp')]) {
  describe(`AMP's StartTLS over ${kind.kind}`, () => {
    let reactor: MemoryReactor;
    let certificates: Awaited<ReturnType<typeof testCertificates>>;

    before(async () => {
      certificates = await testCertificates();
    });

    async function connected(tls: StartTlsOptions): Promise<Ends> {
      reactor = new MemoryReactor({ tls: nodeTls });
      const ends = new Ends(contractWorld(reactor, kind), reactor, { tls });
      await ends.connect();
      return ends;
    }

    afterEach(() => {
      expect(reactor.errors).to.deep.equal([]);
      expect(reactor.clock.runUntilIdle(60_000), 'the clock is idle afterwards').to.equal(true);
    });

    it('secures a connection on which boxes went already, and which goes on', async () => {
      const { ca, server } = certificates;
      const {
        client,
        server: peer,
        outcome,
        end,
      } = await connected({ isServer: true, certificate: server.certificate, key: server.key });
      const before = client.callRemote(Sum, { a: 1, b: 2 });

      const secured = client.startTLS({ ca: ca.certificate, serverName: 'localhost' });
      const held = client.callRemote(Sum, { a: 3, b: 4 });

      expect(await outcome(before)).to.deep.equal({ total: 3 });
      expect((await outcome(secured)).version).to.equal('TLSv1.3');
      expect(await outcome(held)).to.deep.equal({ total: 7 });
      expect(await outcome(peer.callRemote(Sum, { a: 5, b: 6 }))).to.deep.equal({ total: 11 });
      expect(client.transport.tls?.peerCertificate?.commonName).to.be.a('string');
      await end();
    });

    it('fails with what is wrong with the certificate, and so does what waited for it', async () => {
      const { server } = certificates;
      const { client, outcome, ended } = await connected({
        isServer: true,
        certificate: server.certificate,
        key: server.key,
      });

      const secured = failureOf(client.startTLS({ serverName: 'localhost' }));
      const held = failureOf(client.callRemote(Sum, { a: 3, b: 4 }));
      const failures = await outcome(Promise.all([secured, held]));
      await ended();

      expect(failures[0]).to.be.instanceOf(CertificateUntrusted);
      expect(failures[1]).to.be.instanceOf(CertificateUntrusted);
    });
  });
}
