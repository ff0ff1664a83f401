import { expect } from 'chai';
import {
  CertificateUntrusted,
  ConnectionAborted,
  ConnectionDone,
  OnlyOneTls,
  TlsError,
  UsageError,
} from '../../../lib/errors.ts';
import type { StartTlsOptions, TlsFacts } from '../../../lib/interfaces/tls.ts';
import { nodeTls } from '../../../lib/reactor/node/tls.ts';
import {
  ascii,
  type ContractWorld,
  connectedPair,
  HalfCloser,
  Recorder,
} from '../../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { testCertificates } from '../../support/certificates.ts';
import { contractWorld, inetKind, namedKind } from '../../support/contract.ts';

for (const kind of [namedKind('memory'), inetKind('tcp'), inetKind('ptcp')]) {
  describe(`startTLS over ${kind.kind}`, () => {
    let reactor: MemoryReactor;
    let world: ContractWorld;
    let asServer: StartTlsOptions;
    let asClient: StartTlsOptions;

    beforeEach(async () => {
      const { server, ca } = await testCertificates();
      asServer = { isServer: true, certificate: server.certificate, key: server.key };
      asClient = { ca: ca.certificate, serverName: 'localhost' };
      reactor = new MemoryReactor({ tls: nodeTls });
      world = contractWorld(reactor, kind);
    });

    afterEach(async () => {
      for (let turn = 0; turn < 10; turn++) {
        reactor.advance(1);
        await new Promise(setImmediate);
      }
      expect(reactor.clock.runUntilIdle(60_000), 'the clock is idle afterwards').to.equal(true);
      expect(reactor.errors).to.deep.equal([]);
    });

    /** What startTLS answers, as far as it has. */
    function start(end: Recorder, options: StartTlsOptions): { facts?: TlsFacts; error?: unknown } {
      const seen: { facts?: TlsFacts; error?: unknown } = {};
      end.transport.startTLS?.(options).then(
        (facts) => {
          seen.facts = facts;
        },
        (error: unknown) => {
          seen.error = error;
        },
      );
      return seen;
    }

    it('sends what was written before in clear, and what is written after it encrypted', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const answers: { facts?: TlsFacts }[] = [];
      server.onData = () => {
        if (!server.text.endsWith('GO\n')) return;
        server.onData = () => {};
        server.transport.write(ascii('OK\n'));
        answers.push(start(server, asServer));
        server.transport.write(ascii('from the server'));
      };
      client.onData = () => {
        if (!client.text.endsWith('OK\n')) return;
        client.onData = () => {};
        answers.push(start(client, asClient));
        client.transport.write(ascii('from the client'));
      };

      client.transport.write(ascii('GO\n'));
      await world.until(
        () => server.text.endsWith('client') && client.text.endsWith('server'),
        'all has arrived',
      );

      expect([server.text, client.text]).to.deep.equal(['GO\nfrom the client', 'OK\nfrom the server']);
      expect(answers.map(({ facts }) => facts?.version)).to.deep.equal(['TLSv1.3', 'TLSv1.3']);
      expect(client.transport.tls?.peerCertificate?.commonName).to.equal('server');
      client.transport.loseConnection();
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');
      expect([client.reason, server.reason].map((reason) => reason?.constructor)).to.deep.equal([
        ConnectionDone,
        ConnectionDone,
      ]);
    });

    it('takes either end as the server', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      const answers = [start(server, asClient), start(client, asServer)];
      await world.until(() => answers.every(({ facts }) => facts !== undefined), 'both are secure');

      expect(server.transport.tls?.peerCertificate?.commonName).to.equal('server');
      client.transport.abortConnection();
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');
    });

    it('takes what was held back while paused, and what the protocol has read too much, for the handshake', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      let unread = new Uint8Array(0);
      server.onData = (bytes) => {
        // The command, and some of the handshake behind it.
        unread = bytes.slice(3);
        server.transport.pauseProducing();
      };
      client.transport.write(ascii('GO\n'));
      start(client, asClient);
      client.transport.write(ascii('hello'));
      await world.until(() => server.count('data') === 1, 'the command is there');
      for (let turn = 0; turn < 20; turn++) reactor.advance(5);

      const answer = start(server, { ...asServer, unread });
      await world.until(() => answer.facts !== undefined, 'it is secure');
      for (let turn = 0; turn < 20; turn++) {
        reactor.advance(5);
        await new Promise(setImmediate);
      }
      const whilePaused = server.count('data');
      server.onData = () => {};
      server.transport.resumeProducing();
      await world.until(() => server.text.endsWith('hello'), 'the rest has arrived');

      expect(whilePaused).to.equal(1);
      client.transport.loseConnection();
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');
    });

    it('goes on with the producers that are registered', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const calls: string[] = [];
      const producer = {
        pauseProducing: () => calls.push('pause'),
        resumeProducing: () => {
          calls.push('resume');
          client.transport.write(ascii('more'));
          client.transport.unregisterProducer();
        },
        stopProducing: () => calls.push('stop'),
      };
      client.transport.registerProducer(producer, true);

      start(client, asClient);
      const hasRoom = client.transport.write(ascii('some '));
      start(server, asServer);
      await world.until(() => server.text === 'some more', 'all has arrived');

      expect([hasRoom, calls]).to.deep.equal([false, ['pause', 'resume']]);
      client.transport.loseConnection();
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');
    });

    it('loses the connection when the handshake fails, and fails with the same reason', async () => {
      const { untrusted } = await testCertificates();
      const { certificate, key } = untrusted;
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      const there = start(server, { isServer: true, certificate, key });
      const here = start(client, asClient);
      client.transport.write(ascii('secret'));
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');

      expect(here.error).to.be.instanceOf(CertificateUntrusted).and.to.equal(client.reason);
      expect(there.error).to.be.instanceOf(TlsError).and.to.equal(server.reason);
      expect(server.text).to.equal('');
    });

    it('fails where the peer goes on in clear', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      const here = start(client, asClient);
      server.transport.write(ascii('what do you mean?\n'));
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');

      expect(here.error).to.have.property('code', 'ERR_NOT_TLS');
      expect(client.reason).to.equal(here.error);
      expect(client.events).to.deep.equal(['made', 'lost']);
    });

    it('fails where the peer has ended its direction', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new HalfCloser());
      server.transport.loseWriteConnection();
      await world.until(() => client.count('read-lost') === 1, 'the peer has ended');

      const here = start(client, asClient);
      await world.until(() => client.count('lost') === 1, 'it is lost');

      expect(here.error).to.be.instanceOf(TlsError).and.to.equal(client.reason);
      server.transport.abortConnection();
      await world.until(() => server.count('lost') === 1, 'the peer is lost');
    });

    for (const how of ['loseConnection', 'abortConnection'] as const) {
      it(`is given up by ${how}`, async () => {
        const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
        const here = start(client, asClient);

        client.without(() => client.transport[how]());
        await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');

        expect(client.reason).to.be.instanceOf(
          how === 'abortConnection' ? ConnectionAborted : ConnectionDone,
        );
        expect(here.error).to.equal(client.reason);
      });
    }

    it('is given up when its Deferred is cancelled', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const starting = client.transport.startTLS?.(asClient) as unknown as { cancel(): void };

      starting.cancel();
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');

      expect(client.reason).to.be.instanceOf(ConnectionAborted);
    });

    it('sends what was written during the handshake before it closes', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      start(client, asClient);
      client.transport.writeSequence([ascii('last '), ascii('words')]);
      client.transport.loseConnection();
      start(server, asServer);
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');

      expect(server.text).to.equal('last words');
      expect(client.reason).to.be.instanceOf(ConnectionDone);
    });

    it('is refused where it cannot be', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new HalfCloser());
      const begin = (options: object): unknown => client.transport.startTLS?.(options as StartTlsOptions);

      expect(() => begin({})).to.throw(UsageError, 'serverName');
      expect(() => begin({ isServer: true })).to.throw(UsageError, 'certificate and key');
      expect(() => begin({ ...asClient, sreverName: 'x' })).to.throw(UsageError, 'no option sreverName');
      begin(asClient);
      expect(() => begin(asClient)).to.throw(OnlyOneTls);
      server.transport.loseWriteConnection();
      expect(() => server.transport.startTLS?.(asServer)).to.throw(UsageError, 'closed');
      client.transport.abortConnection();
      server.transport.abortConnection();
      await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');
      expect(client.transport.tls).to.equal(undefined);
    });
  });
}

describe('startTLS', () => {
  it('is refused where the reactor has no TLS', async () => {
    const world = contractWorld(new MemoryReactor(), namedKind('memory'));
    const { client, server } = await connectedPair(world, new Recorder(), new Recorder());

    expect(() => client.transport.startTLS?.({ insecure: true })).to.throw(UsageError, 'no TLS');
    expect(() =>
      world.reactor.listen(
        'memory+tls',
        { port: 0 },
        { doStart() {}, doStop() {}, buildProtocol: () => undefined },
      ),
    ).to.throw(UsageError, 'no TLS');
    client.transport.loseConnection();
    await world.until(() => client.count('lost') + server.count('lost') === 2, 'both are lost');
  });
});
