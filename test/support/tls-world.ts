import { expect } from 'chai';
import type { ConnectorLike } from '../../lib/interfaces/protocol.ts';
import type { TlsClientOptions, TlsFacts, TlsServerOptions } from '../../lib/interfaces/tls.ts';
import { nodeTls } from '../../lib/reactor/node/tls.ts';
import { ListFactory, Recorder, RecordingClientFactory } from '../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import type { TlsPort } from '../../lib/transports/tls/port.ts';
import { testCertificates } from './certificates.ts';
import { Middle } from './tls-middle.ts';

const STEP_MS = 1;
const LIMIT_MS = 30_000;

/** Notes what was known of TLS in connectionMade. */
export class SecureRecorder extends Recorder {
  facts: TlsFacts | undefined = undefined;

  override connectionMade(): void {
    this.facts = this.transport.tls;
    super.connectionMade();
  }
}

/** Both ends of one attempt to connect. `server` has no events when its factory was not asked for a protocol. */
export interface TlsAttempt {
  readonly server: SecureRecorder;
  readonly client: SecureRecorder;
  readonly factory: RecordingClientFactory;
  readonly port: TlsPort;
}

/** A reactor whose connections are in memory, with TLS of the real kind. Without `over` they are so too. */
export class TlsWorld {
  readonly reactor: MemoryReactor;
  readonly kind: string;
  #portCount = 0;

  constructor(kind = 'memory+tls', reactor = new MemoryReactor({ tls: nodeTls })) {
    this.kind = kind;
    this.reactor = reactor;
  }

  /** Lets things happen, in virtual time and in turns of the event loop, until `isDone`. */
  async until(isDone: () => boolean, what: string): Promise<void> {
    for (let waitedMs = 0; !isDone(); waitedMs += STEP_MS) {
      expect(waitedMs, `ms in which ${what}`).to.be.lessThan(LIMIT_MS);
      await this.turn(STEP_MS);
    }
  }

  /** `ms` of virtual time, and one turn of the event loop. */
  async turn(ms: number): Promise<void> {
    this.reactor.advance(ms);
    await new Promise(setImmediate);
  }

  /** Enough of both for whatever is under way without a timer. */
  async settle(): Promise<void> {
    for (let count = 0; count < 30; count++) await this.turn(STEP_MS);
  }

  /** Listens and begins to connect; nothing has happened yet. Options that are left out are those of good ends. */
  async begin(listen: object = {}, connect: object = {}): Promise<TlsAttempt> {
    const { server: good, ca } = await testCertificates();
    const server = new SecureRecorder();
    const port = await this.listen(new ListFactory(server), {
      certificate: good.certificate,
      key: good.key,
      ...(listen as TlsServerOptions),
    });
    const client = new SecureRecorder();
    const factory = new RecordingClientFactory(client);
    this.connect(port, factory, {
      ca: ca.certificate,
      serverName: 'localhost',
      ...(connect as TlsClientOptions),
    });
    return { server, client, factory, port };
  }

  /** As `begin`, with a stranger between the two. In memory only. */
  async beginThrough(
    listen: object = {},
    connect: object = {},
    prepare: (middle: Middle) => void = () => {},
  ): Promise<TlsAttempt & { readonly middle: Middle; readonly connector: ConnectorLike }> {
    const { server: good, ca } = await testCertificates();
    const server = new SecureRecorder();
    const port = await this.listen(new ListFactory(server), {
      certificate: good.certificate,
      key: good.key,
      ...(listen as TlsServerOptions),
    });
    const middle = new Middle(this.reactor, (port.getHost() as { name: string }).name);
    prepare(middle);
    await this.turn(STEP_MS);
    const client = new SecureRecorder();
    const factory = new RecordingClientFactory(client);
    const options = { ca: ca.certificate, serverName: 'localhost', ...(connect as TlsClientOptions) };
    const target = { host: middle.name, port: 0 };
    const connector = this.reactor.connect('memory+tls', target, factory, options);
    return { server, client, factory, port, middle, connector };
  }

  async listen(factory: ListFactory, options: TlsServerOptions): Promise<TlsPort> {
    this.#portCount += 1;
    const target = this.kind === 'memory+tls' ? { host: `port-${this.#portCount}`, port: 0 } : { port: 0 };
    const port = this.reactor.listen(this.kind as 'tls', target, factory, options);
    let isBound = false;
    port.listening.addCallback((bound) => {
      isBound = true;
      return bound;
    });
    await this.until(() => isBound, 'the port is bound');
    return port;
  }

  connect(
    port: TlsPort,
    factory: RecordingClientFactory,
    options: TlsClientOptions,
  ): ReturnType<MemoryReactor['connect']> {
    const at = port.getHost();
    const target = at.type === 'memory' ? { host: at.name, port: 0 } : { host: '127.0.0.1', port: at.port };
    return this.reactor.connect(this.kind as 'tls', target, factory, options);
  }

  /** Waits until both ends have heard connectionMade. */
  async bothMade({ server, client }: TlsAttempt): Promise<void> {
    await this.until(() => server.count('made') + client.count('made') === 2, 'both ends are made');
  }

  /** Waits until both ends have heard connectionLost. */
  async bothLost(server: Recorder, client: Recorder): Promise<void> {
    await this.until(() => server.count('lost') + client.count('lost') === 2, 'both ends are lost');
  }

  /** Waits until the attempt has failed at both ends, and nobody but the client's factory was told. */
  async bothFailed({ server, client, factory, port }: TlsAttempt): Promise<Error> {
    await this.until(
      () => factory.events.includes('stop') && port.handshakes.pending === 0,
      'the handshake has failed at both ends',
    );
    expect([server.events, client.events], 'protocols are not told').to.deep.equal([[], []]);
    expect(factory.events).to.deep.equal(['start', 'failed', 'stop']);
    return factory.reason as Error;
  }

  /** To be called after each test: nothing is left behind, and nothing was reported. */
  async over(): Promise<void> {
    await this.settle();
    expect(this.reactor.clock.runUntilIdle(60_000), 'the clock is idle afterwards').to.equal(true);
    expect(this.reactor.errors.map(({ error }) => error)).to.deep.equal([]);
  }
}
