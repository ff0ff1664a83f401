import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { ConnectionDone } from '../../../lib/errors.ts';
import { nodeTls } from '../../../lib/reactor/node/tls.ts';
import { ListFactory, Recorder, RecordingClientFactory } from '../../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts';
import { testCertificates } from '../../support/certificates.ts';
import { TlsWorld } from '../../support/tls-world.ts';

const CHUNK_BYTES = 65_536;

describe('TLS', () => {
  it('carries 10 MiB over PTCP that loses 1 % of its datagrams', async () => {
    const clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock, seed: 7, link: { latencyMs: 5, loss: 0.01 } });
    const world = new TlsWorld('ptcp+tls', new MemoryReactor({ tls: nodeTls, network }));
    const attempt = await world.begin();
    await world.bothMade(attempt);
    const { server, client } = attempt;
    const sent = createHash('sha256');
    const received = createHash('sha256');
    server.onData = (bytes) => received.update(bytes);
    const total = 10 * 1024 * 1024;

    let written = 0;
    client.transport.registerProducer(
      {
        resumeProducing: () => {
          const chunk = new Uint8Array(CHUNK_BYTES).fill(written / CHUNK_BYTES);
          sent.update(chunk);
          written += chunk.length;
          client.transport.write(chunk);
          if (written < total) return;
          client.transport.unregisterProducer();
          client.transport.loseConnection();
        },
        stopProducing: () => {},
      },
      false,
    );
    await world.bothLost(server, client);

    expect(server.receivedBytes).to.equal(total);
    expect(received.digest('hex')).to.equal(sent.digest('hex'));
    expect([server.reason?.constructor, client.reason?.constructor]).to.deep.equal([
      ConnectionDone,
      ConnectionDone,
    ]);
    await world.over();
  }).timeout(20_000);

  for (const kind of ['tls', 'ptcp+tls', 'memory+tls']) {
    it(`holds a writer back while the peer does not read, over ${kind}`, async () => {
      const world = new TlsWorld(kind);
      const attempt = await world.begin();
      await world.bothMade(attempt);
      const { server, client } = attempt;
      server.transport.pauseProducing();

      let written = 0;
      for (let turn = 0; turn < 400; turn++) {
        while (client.transport.write(new Uint8Array(CHUNK_BYTES)) && written < 1e9) written += CHUNK_BYTES;
        written += CHUNK_BYTES;
        const before = client.transport.bufferedBytes;
        await world.turn(5);
        if (client.transport.bufferedBytes === before) break;
      }
      const held = written - client.transport.bufferedBytes;
      server.transport.resumeProducing();
      await world.until(() => server.receivedBytes === written, 'all has arrived');

      expect(held).to.be.lessThan(20 * 1024 * 1024);
      client.transport.loseConnection();
      await world.bothLost(server, client);
      await world.over();
    }).timeout(10_000);
  }

  it('leaves nothing behind after many handshakes, good ones and bad', async () => {
    const { ca, server, untrusted } = await testCertificates();
    const world = new TlsWorld();
    const count = 100;
    const servers = Array.from({ length: 2 * count }, () => new Recorder());
    const { certificate, key } = server;
    const port = await world.listen(new ListFactory(...servers), { certificate, key });
    let ended = 0;
    for (let index = 0; index < count; index++) {
      const client = new Recorder();
      client.onMade = () => client.transport.loseConnection();
      const factory = new RecordingClientFactory(client);
      factory.stopFactory = () => {
        ended += 1;
      };
      const isBad = index % 4 === 0;
      world.connect(port, factory, {
        ca: isBad ? untrusted.certificate : ca.certificate,
        serverName: 'localhost',
      });
    }

    await world.until(() => ended === count && port.handshakes.pending === 0, 'all are over');
    await world.until(
      () => servers.every((each) => each.count('made') === each.count('lost')),
      'all are lost',
    );
    await world.over();

    expect(port.handshakes).to.deep.include({ secured: 75, failed: 25 });
    expect(world.reactor.clock.pending).to.equal(0);
    let isStopped = false;
    world.reactor.run().addCallback(() => {
      isStopped = true;
    });
    world.reactor.stop();
    await world.until(() => isStopped, 'nothing keeps the reactor from its end');
  }).timeout(10_000);
});
