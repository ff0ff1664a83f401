import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { ConnectionDone, ConnectionReset, TlsError, TlsTruncated } from '../../../lib/errors.ts';
import { ascii, HalfCloser, ListFactory } from '../../../lib/testing/contract-world.ts';
import { testCertificates } from '../../support/certificates.ts';
import { connectPlainly } from '../../support/tls-plain.ts';
import { TlsWorld } from '../../support/tls-world.ts';

describe('a TLS connection', () => {
  let world: TlsWorld;

  beforeEach(() => {
    world = new TlsWorld();
  });

  afterEach(() => world.over());

  it('is lost with TlsTruncated when it ends without close_notify (RFC 8446 §6.1)', async () => {
    const attempt = await world.beginThrough();
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    server.transport.write(ascii('pay 100'));
    client.transport.write(ascii('yes'));
    await world.until(() => client.text !== '' && server.text !== '', 'both have heard something');

    middle.vanish();
    await world.bothLost(server, client);

    for (const end of [client, server]) {
      expect(end.reason).to.be.instanceOf(TlsTruncated);
      expect(end.reason).to.not.be.instanceOf(ConnectionDone);
      expect(end.events).to.deep.equal(['made', 'data', 'lost']);
    }
  });

  it('tells a paused reader that it was cut off once it resumes, after all that came before', async () => {
    const attempt = await world.beginThrough();
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    client.transport.pauseProducing();

    server.transport.write(new Uint8Array(100_000));
    await world.settle();
    middle.end('client');
    await world.settle();
    const whilePaused = [...client.events];
    client.transport.resumeProducing();
    await world.until(() => client.count('lost') === 1, 'the client is lost');

    expect(whilePaused).to.deep.equal(['made']);
    expect(client.receivedBytes).to.equal(100_000);
    expect(client.reason).to.be.instanceOf(TlsTruncated);
    middle.reset('server');
    await world.until(() => server.count('lost') === 1, 'the server is lost');
  });

  it('is lost when somebody changes what it carries, and tells the peer by an alert', async () => {
    const attempt = await world.beginThrough();
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    await world.settle();
    const pass = middle.onBytes;
    middle.onBytes = (from, bytes) => {
      if (from === 'server') bytes[10] = (bytes[10] as number) ^ 1;
      pass(from, bytes);
    };

    server.transport.write(ascii('pay 100 to alice'));
    await world.bothLost(server, client);

    expect([client.text, client.reason?.constructor]).to.deep.equal(['', TlsError]);
    expect(server.reason).to.be.instanceOf(TlsError);
    expect(server.reason?.message).to.contain('alert');
  });

  it('is lost as the one below when that is reset', async () => {
    const attempt = await world.beginThrough();
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    await world.settle();

    middle.reset('client');
    middle.reset('server');
    await world.bothLost(server, client);

    expect(client.reason).to.be.instanceOf(ConnectionReset);
    expect(server.reason).to.be.instanceOf(ConnectionReset);
  });

  it('waits closeTimeoutMs for the close_notify of the peer, and has then ended well', async () => {
    const attempt = await world.beginThrough({}, { closeTimeoutMs: 700 });
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    middle.onBytes = (from, bytes) => {
      if (from === 'client') middle.send('server', bytes);
    };
    middle.onEnd = (from) => {
      if (from === 'client') middle.end('server');
    };
    client.transport.write(ascii('bye'));
    const began = world.reactor.now();

    client.transport.loseConnection();
    await world.until(() => client.count('lost') === 1, 'the client is lost');

    expect(client.reason).to.be.instanceOf(ConnectionDone);
    expect(world.reactor.now() - began).to.be.within(690, 720);
    expect(server.text).to.equal('bye');
    middle.reset('server');
    await world.until(() => server.count('lost') === 1, 'the server is lost');
  });

  it('ends well when the peer answers close_notify with the end of the connection below', async () => {
    const attempt = await world.beginThrough();
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    middle.onEnd = () => middle.vanish();
    middle.onBytes = (from, bytes) => {
      if (from === 'client') middle.send('server', bytes);
    };

    client.transport.loseConnection();
    await world.bothLost(server, client);

    expect(client.reason).to.be.instanceOf(ConnectionDone);
  });

  it('ends well when the peer has closed with its close_notify, and resets on ours', async () => {
    const attempt = await world.beginThrough();
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    await world.settle();
    middle.onEnd = (from) => {
      if (from === 'client') middle.end('server');
    };
    middle.onBytes = (from, bytes) => {
      if (from === 'client') middle.send('server', bytes);
      else middle.reset('server');
    };

    client.transport.loseConnection();
    await world.bothLost(server, client);

    expect(server.reason).to.be.instanceOf(ConnectionDone);
  });

  it('ends each direction on its own with a peer of TLS 1.2', async () => {
    const { ca } = await testCertificates();
    const { server: good } = await testCertificates();
    const server = new HalfCloser();
    const port = await world.listen(new ListFactory(server), {
      certificate: good.certificate,
      key: good.key,
    });
    const stream = await connectPlainly(world, port);
    const how = { ca: ca.certificate, servername: 'localhost', maxVersion: 'TLSv1.2' } as const;
    const client = connectTls({ socket: stream, ...how });
    let text = '';
    client.setEncoding('latin1').on('data', (part) => {
      text += part;
    });

    client.end('question');
    await world.until(() => server.count('read-lost') === 1, 'the server has heard all');
    server.transport.write(ascii('answer'));
    server.transport.loseConnection();
    await world.until(() => client.closed && server.count('lost') === 1, 'both are closed');

    expect([server.text, text]).to.deep.equal(['question', 'answer']);
    expect(server.reason).to.be.instanceOf(ConnectionDone);
    port.stopListening();
  });

  it('puts what is written in one turn into one record', async () => {
    const attempt = await world.beginThrough();
    await world.bothMade(attempt);
    const { client, server, middle } = attempt;
    await world.settle();
    const before = middle.seenBytes.client;

    for (let count = 0; count < 100; count++) client.transport.write(ascii('0123456789'));
    await world.until(() => server.receivedBytes === 1_000, 'all has arrived');

    // RFC 8446 §5.2: 5 bytes of header, 1 of type, 16 of the tag.
    expect(middle.seenBytes.client - before).to.equal(1_022);
    client.transport.loseConnection();
    await world.bothLost(server, client);
  });

  it('cuts nothing off when both ends close at the same time', async () => {
    const attempt = await world.begin();
    await world.bothMade(attempt);
    const { client, server } = attempt;

    client.transport.loseConnection();
    server.transport.loseConnection();
    await world.bothLost(server, client);

    expect([client.reason?.constructor, server.reason?.constructor]).to.deep.equal([
      ConnectionDone,
      ConnectionDone,
    ]);
  });
}).timeout(10_000);
