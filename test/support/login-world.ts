import type { AnyChecker, AvatarId } from '../../lib/cred/checker.ts';
import { AllowAnonymous, CertificateTable, TokenTable } from '../../lib/cred/checkers.ts';
import { LoginLimiter } from '../../lib/cred/login-limiter.ts';
import { MemoryUsers } from '../../lib/cred/memory-users.ts';
import { Portal } from '../../lib/cred/portal.ts';
import type { Granted, Realm } from '../../lib/cred/realm.ts';
import { StoredUsers } from '../../lib/cred/stored-users.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { connectProtocol, TransportClientEndpoint } from '../../lib/endpoints/endpoint.ts';
import { nodeTls } from '../../lib/reactor/node/tls.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import {
  Amp,
  type CommandLocator,
  defineCommand,
  LocatorTable,
  type RemotePeer,
  unicode,
} from '../../protocols/amp/index.ts';
import { type LoginAmp, type LoginAmpOptions, LoginFactory } from '../../protocols/login/index.ts';
import { testCertificates } from './certificates.ts';
import { CHEAP, promptCryptography } from './logins.ts';
import { PassingTime } from './passing-time.ts';

/** What only who is logged in may call: the answer is who that is. */
export const WhoAmI = defineCommand({ name: 'who-am-i', response: { name: unicode } });
/** What the server calls at who is logged in. */
export const Greet = defineCommand({ name: 'greet', arguments: { text: unicode }, response: {} });

export const TOKEN = 'a-token-that-nobody-guesses';

/** Avatars that answer WhoAmI, and a note of everybody who came and went. */
export class CountingRealm implements Realm<CommandLocator, RemotePeer> {
  readonly events: string[] = [];
  /** What a login waits for before it gets its avatar. */
  gate: Deferred<void> | undefined;

  requestAvatar(avatarId: AvatarId, mind: RemotePeer): Deferred<Granted<CommandLocator>> {
    const name = typeof avatarId === 'string' ? avatarId : 'nobody';
    const avatar = new LocatorTable().respond(WhoAmI, () => ({ name }));
    avatar.respond(Greet, ({ text }) => mind.callRemote(Greet, { text: `${text}, ${name}` }));
    const passed = this.gate ?? Deferred.succeed(undefined);
    return passed.addCallback(() => {
      this.events.push(`in ${name}`);
      return { avatar, logout: () => this.events.push(`out ${name}`) };
    });
  }
}

/** A server that wants a login, and clients, in a simulated network with virtual time. Alice's password is 'secret'. */
export class LoginWorld extends PassingTime {
  readonly reactor: MemoryReactor;
  readonly kind: string;
  readonly cryptography = promptCryptography();
  readonly realm = new CountingRealm();
  readonly servers: LoginAmp[] = [];
  readonly users: MemoryUsers;
  readonly portal: Portal<CommandLocator, RemotePeer>;
  #target = { host: 'server', port: 0 };
  #tls: object = {};

  constructor(kind: string) {
    const reactor = new MemoryReactor({ tls: nodeTls });
    super(reactor);
    this.reactor = reactor;
    this.kind = kind;
    this.users = new MemoryUsers({ cryptography: this.cryptography, cost: CHEAP });
    const limits = new LoginLimiter({ clock: this.reactor });
    this.portal = new Portal<CommandLocator, RemotePeer>(this.realm, this.#checkers(), { limits });
  }

  #checkers(): AnyChecker[] {
    const { cryptography, users } = this;
    return [
      new StoredUsers(users, { cryptography, cost: CHEAP }),
      new TokenTable(cryptography, [[TOKEN, 'robot']]),
      new AllowAnonymous(),
    ];
  }

  /** Listens. */
  async start(options: Partial<LoginAmpOptions> = {}): Promise<void> {
    const { reactor, portal, cryptography } = this;
    await this.users.set('alice', 'secret');
    const factory = new LoginFactory({ portal, cryptography, clock: reactor, ...options });
    const build = factory.buildProtocol.bind(factory);
    factory.buildProtocol = () => {
      const server = build();
      this.servers.push(server);
      return server;
    };
    const isMemory = this.kind.startsWith('memory');
    const place = isMemory ? { host: 'server', port: 0 } : { port: 0 };
    const port = reactor.listen(this.kind, place, factory, await this.#listenOptions());
    await this.until(Deferred.from(port.listening), 'the port is bound');
    const at = port.getHost();
    this.#target = at.type === 'memory' ? { host: at.name, port: 0 } : { host: '127.0.0.1', port: at.port };
  }

  async #listenOptions(): Promise<object> {
    if (!this.kind.endsWith('tls')) return {};
    const { server, client, ca } = await testCertificates();
    this.#tls = {
      ca: ca.certificate,
      serverName: 'localhost',
      certificate: client.certificate,
      key: client.key,
    };
    this.portal.registerChecker(new CertificateTable({ fingerprints: [[client.fingerprint, 'carol']] }));
    return {
      certificate: server.certificate,
      key: server.key,
      ca: ca.certificate,
      clientCertificate: 'ask',
    };
  }

  /** A client that is connected and answers Greet with nothing. */
  async client(): Promise<Amp> {
    const endpoint = new TransportClientEndpoint(this.reactor, this.kind, this.#target, this.#tls);
    return this.until(connectProtocol(endpoint, new Amp({ clock: this.reactor })), 'a client is connected');
  }
}
