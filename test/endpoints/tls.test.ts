import { expect } from 'chai';
import sinon from 'sinon';
import type { EndpointReactor } from '../../lib/endpoints/endpoint.ts';
import { EndpointRegistry } from '../../lib/endpoints/registry.ts';
import { CancelledError, CannotRead, ConnectingCancelled, UsageError } from '../../lib/errors.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { MemoryDisk, MemoryFiles } from '../support/memory-files.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
const PIN = 'ab'.repeat(32);

describe('endpoints with TLS', () => {
  const registry = EndpointRegistry.withBuiltIns();
  let disk: MemoryDisk;
  let reactor: { listen: sinon.SinonStub; connect: sinon.SinonStub } & EndpointReactor;

  beforeEach(() => {
    disk = new MemoryDisk();
    put('c.pem', CERTIFICATE);
    put('k.pem', KEY);
    reactor = {
      listen: sinon.stub().returns({ listening: Promise.resolve() }),
      connect: sinon.stub(),
      files: new MemoryFiles(disk),
    };
  });

  function put(path: string, text: string): void {
    disk.put(path, new TextEncoder().encode(text));
  }

  /** What the reactor is asked for when `text` is connected to. */
  async function connected(text: string): Promise<unknown[]> {
    const endpoint = await registry.clientFromString(reactor, text);
    const called = new Promise((resolve) => reactor.connect.callsFake(resolve));
    const connecting = endpoint.connect(new ClientFactory());
    await Promise.race([called, connecting]);
    const [kind, target, , options] = reactor.connect.firstCall.args;
    return [kind, target, options];
  }

  /** As `connected`, for listening. */
  async function listened(text: string): Promise<unknown[]> {
    await (await registry.serverFromString(reactor, text)).listen(new Factory());
    const [kind, target, , options] = reactor.listen.firstCall.args;
    return [kind, target, options];
  }

  async function failureOf(work: PromiseLike<unknown>): Promise<Error> {
    return work.then(
      () => expect.fail('it did not fail'),
      (error: unknown) => error as Error,
    );
  }

  it('connect over TCP, and verify what the options leave to be verified', async () => {
    expect(await connected('tls:[::1]:443:timeoutMs=500:bindAddress=[::2]')).to.deep.equal([
      'tls',
      { host: '::1', port: 443 },
      { timeoutMs: 500, bindAddress: '::2' },
    ]);
  });

  it('connect over PTCP with every option', async () => {
    const text = [
      `ptcp+tls:server.example:4915:pin=${PIN.toUpperCase()},${'0'.repeat(64)}:ca=c.pem:certificate=c.pem`,
      'key=k.pem:serverName=other.example:alpn=amp,echo:minVersion=TLSv1.3:handshakeTimeoutMs=7',
      'closeTimeoutMs=8:timeoutMs=9:pseudoPort=10',
    ].join(':');

    expect(await connected(text)).to.deep.equal([
      'ptcp+tls',
      { host: 'server.example', port: 4915 },
      {
        pin: [PIN, '0'.repeat(64)],
        ca: CERTIFICATE,
        certificate: CERTIFICATE,
        key: KEY,
        serverName: 'other.example',
        alpnProtocols: ['amp', 'echo'],
        minVersion: 'TLSv1.3',
        handshakeTimeoutMs: 7,
        closeTimeoutMs: 8,
        timeoutMs: 9,
        pseudoPort: 10,
      },
    ]);
  });

  it('take any certificate where they are told to', async () => {
    expect(await connected('tls:localhost:443:insecure=yes')).to.deep.equal([
      'tls',
      { host: 'localhost', port: 443 },
      { insecure: true },
    ]);
  });

  it('take a pin with quoted colons, as OpenSSL prints it', async () => {
    const quoted = (PIN.match(/../g) ?? []).join('\\:');

    expect((await connected(`tls:localhost:443:pin=${quoted}`))[2]).to.deep.equal({ pin: [PIN] });
  });

  it('listen with certificate, key and authorities from files', async () => {
    const text =
      'ptcp+tls:4915:interface=[::]:certificate=c.pem:key=k.pem:ca=c.pem:clientCertificate=require';

    expect(await listened(text)).to.deep.equal([
      'ptcp+tls',
      { host: '::', port: 4915 },
      { certificate: CERTIFICATE, key: KEY, ca: CERTIFICATE, clientCertificate: 'require' },
    ]);
  });

  it('look for the key in the file of the certificate where no other is named', async () => {
    put('both.pem', KEY + CERTIFICATE);

    expect((await listened('tls:443:certificate=both.pem:backlog=5'))[2]).to.deep.equal({
      certificate: KEY + CERTIFICATE,
      key: KEY + CERTIFICATE,
      backlog: 5,
    });
  });

  it('read their files each time, for a certificate may have been renewed', async () => {
    const endpoint = await registry.serverFromString(reactor, 'tls:443:certificate=c.pem:key=k.pem');
    await endpoint.listen(new Factory());
    put('c.pem', `renewed\n${CERTIFICATE}`);
    await endpoint.listen(new Factory());

    expect(reactor.listen.secondCall.args[3]).to.deep.include({ certificate: `renewed\n${CERTIFICATE}` });
  });

  for (const [options, complaint] of [
    ['certificate=none.pem', 'none.pem cannot be read: there is no such file'],
    ['certificate=k.pem', 'k.pem holds no certificate in PEM'],
    ['certificate=c.pem', 'c.pem holds no private key in PEM; give its file as key=FILE'],
    ['certificate=c.pem:key=none.pem', 'none.pem cannot be read: there is no such file'],
    ['certificate=c.pem:key=locked.pem', /^locked\.pem holds a key that is encrypted; decrypt it/],
    ['certificate=c.pem:key=k.pem:ca=k.pem', 'k.pem holds no certificate in PEM'],
  ] as const) {
    it(`bind nothing with ${options}, and say why`, async () => {
      put('locked.pem', '-----BEGIN ENCRYPTED PRIVATE KEY-----\n');

      const failure = await failureOf(listened(`ptcp+tls:4915:${options}`));

      expect(failure).to.be.instanceOf(CannotRead);
      expect(failure.message).to.match(
        typeof complaint === 'string' ? new RegExp(`^${complaint}$`) : complaint,
      );
      expect(reactor.listen.called).to.equal(false);
    });
  }

  it('connect to nobody when a file is missing', async () => {
    const failure = await failureOf(connected('tls:localhost:443:ca=none.pem'));

    expect(failure).to.be.instanceOf(CannotRead);
    expect(reactor.connect.called).to.equal(false);
  });

  it('say that a reactor without files reads none', async () => {
    const endpoint = await registry.clientFromString(
      { ...reactor, files: undefined },
      'tls:localhost:1:ca=a',
    );

    const failure = await failureOf(endpoint.connect(new ClientFactory()));

    expect(failure).to.be.instanceOf(CannotRead);
    expect(failure.message).to.equal('a cannot be read: this reactor has no files');
  });

  it('connect to nobody when they are cancelled while they read', async () => {
    const client = await registry.clientFromString(reactor, 'tls:localhost:443:ca=c.pem');
    const server = await registry.serverFromString(reactor, 'tls:443:certificate=c.pem:key=k.pem');
    const [connecting, listening] = [client.connect(new ClientFactory()), server.listen(new Factory())];

    connecting.cancel();
    listening.cancel();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));

    expect(await failureOf(connecting)).to.be.instanceOf(ConnectingCancelled);
    expect(await failureOf(listening)).to.be.instanceOf(CancelledError);
    expect([reactor.connect.called, reactor.listen.called]).to.deep.equal([false, false]);
  });

  for (const [text, message] of [
    ['tls:example.org', 'tls:HOST:PORT'],
    ['ptcp+tls:example.org', 'ptcp+tls:HOST:PORT'],
    ['tls:a:1:pin=', 'pin is a list'],
    ['tls:a:1:pin=abc', '64 hexadecimal digits'],
    [`tls:a:1:pin=SHA256\\:${PIN}`, '64 hexadecimal digits'],
    [`tls:a:1:pin=${PIN},`, 'pin is a list'],
    [`tls:a:1:pin=${PIN}:insecure=yes`, 'leave one of them out'],
    ['tls:a:1:insecure=no', 'insecure is yes'],
    ['tls:a:1:key=k.pem', 'key= needs its certificate'],
    ['tls:a:1:ca=', 'ca is the name of a file'],
    ['tls:a:1:minVersion=SSLv3', 'TLSv1.2 or TLSv1.3'],
    ['tls:a:1:handshakeTimeoutMs=0', 'handshakeTimeoutMs'],
    ['tls:a:1:clientCertificate=ask', 'no option clientCertificate'],
    ['tls:a:1:pseudoPort=1', 'no option pseudoPort'],
    ['ptcp+tls:a:1:bindAddress=[::1]', 'no option bindAddress'],
    ['tcp:a:1:pin=1', 'no option pin'],
  ] as const) {
    it(`refuse the client endpoint ${text}, and say why`, async () => {
      const failure = await failureOf(registry.clientFromString(reactor, text));

      expect(failure).to.be.instanceOf(UsageError);
      expect(failure.message).to.include(message);
    });
  }

  for (const [text, message] of [
    ['tls:443:clientCertificate=maybe', 'ask or require'],
    ['tls:443:serverName=a', 'no option serverName'],
    ['ptcp+tls:1:interface=localhost', 'interface is an IP address'],
    ['ptcp+tls:1:backlog=1', 'no option backlog'],
  ] as const) {
    it(`refuse the server endpoint ${text}, and say why`, async () => {
      const failure = await failureOf(registry.serverFromString(reactor, text));

      expect(failure).to.be.instanceOf(UsageError);
      expect(failure.message).to.include(message);
    });
  }
});
