import { expect } from 'chai';
import { ChatClient } from '../../examples/chat/client.ts';
import { ChatServer } from '../../examples/chat/server.ts';
import { LoginLimiter } from '../../lib/cred/login-limiter.ts';
import { MemoryUsers } from '../../lib/cred/memory-users.ts';
import { StoredUsers } from '../../lib/cred/stored-users.ts';
import { connectProtocol } from '../../lib/endpoints/endpoint.ts';
import { EndpointRegistry } from '../../lib/endpoints/registry.ts';
import { nodeTls } from '../../lib/reactor/node/tls.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import type { Amp } from '../../protocols/amp/index.ts';
import { testCertificates } from './certificates.ts';
import { CHEAP, promptCryptography } from './logins.ts';
import { PassingTime } from './passing-time.ts';

export const SERVER = '10.0.0.1';
const PORT = 4916;
const MAX_ENTRIES = 8;

/** Passwords by names. */
export const PASSWORDS = { alice: 'sesame', bob: 'swordfish', carol: 'mellon' } as const;
export type Name = keyof typeof PASSWORDS;

/** A client, what it has shown, and why its connection ended. */
export class Guest {
  readonly shown: string[] = [];
  readonly chat: ChatClient;
  readonly #cryptography = promptCryptography();
  reason: Error | undefined = undefined;

  constructor(clock: VirtualClock) {
    this.chat = new ChatClient({
      clock,
      show: (line) => this.shown.push(line),
      ended: (reason) => {
        expect(this.reason, 'it ends once').to.equal(undefined);
        this.reason = reason;
      },
    });
  }

  logIn(username: string, password: string): ReturnType<ChatClient['logIn']> {
    return this.chat.logIn(username, password, this.#cryptography);
  }
}

/** The chat server of the example and guests of it, over ptcp+tls in a simulated network with virtual time. */
export class ChatWorld extends PassingTime {
  readonly network: SimulatedNetwork;
  readonly clock: VirtualClock;
  readonly reactor: MemoryReactor;
  /** The server's own: what it was asked for. */
  readonly cryptography = promptCryptography();
  readonly users: MemoryUsers;
  readonly limits: LoginLimiter;
  readonly server: ChatServer;
  readonly log: string[] = [];
  /** The server's end of the connection of each user, the last one of theirs. */
  readonly connections = new Map<string, Amp>();
  readonly #reactors = new Map<string, MemoryReactor>();
  #place = '';

  constructor() {
    const clock = new VirtualClock();
    super(clock);
    this.clock = clock;
    this.network = new SimulatedNetwork({ clock });
    this.reactor = this.#reactorAt(SERVER);
    this.users = new MemoryUsers({ cryptography: this.cryptography, cost: CHEAP });
    this.limits = new LoginLimiter({ clock, maxEntries: MAX_ENTRIES });
    this.server = new ChatServer({
      clock: this.reactor,
      cryptography: this.cryptography,
      checker: new StoredUsers(this.users, { cryptography: this.cryptography, cost: CHEAP }),
      limits: this.limits,
      log: (line) => this.log.push(line),
    });
    const requestAvatar = this.server.requestAvatar.bind(this.server);
    this.server.requestAvatar = (name, mind) => {
      this.connections.set(String(name), mind);
      return requestAvatar(name, mind);
    };
  }

  async start(): Promise<void> {
    for (const [name, password] of Object.entries(PASSWORDS)) await this.users.set(name, password);
    const { certificate, key, fingerprint } = (await testCertificates()).selfSigned;
    const options = { over: 'ptcp', certificate, key } as const;
    const port = this.reactor.listenTLS(PORT, this.server.factory, options);
    await this.until(port.listening, 'the port is bound');
    this.#place = `ptcp+tls:${SERVER}:${PORT}:pin=${fingerprint.replaceAll(':', '')}`;
  }

  /** To be called after each test: nothing was reported, and nothing is left behind. */
  async over(): Promise<void> {
    for (const { errors } of this.#reactors.values()) expect(errors).to.deep.equal([]);
    expect(this.server.room.seatCount, 'seats that are taken').to.equal(0);
  }

  /** Somebody who is connected from `address`. */
  async guest(address = '10.0.0.2'): Promise<Guest> {
    const guest = new Guest(this.clock);
    const place = EndpointRegistry.withBuiltIns().clientFromString(this.#reactorAt(address), this.#place);
    await this.until(
      place.addCallback((endpoint) => connectProtocol(endpoint, guest.chat)),
      'a guest is connected',
    );
    return guest;
  }

  /** Somebody who is in the room. */
  async member(name: Name, address?: string): Promise<Guest> {
    const guest = await this.guest(address);
    await this.until(guest.logIn(name, PASSWORDS[name]), `${name} is in`);
    return guest;
  }

  /** Ends the connections of all of them, and waits until the server has noticed. */
  async leave(...guests: readonly Guest[]): Promise<void> {
    for (const { chat } of guests) chat.transport.abortConnection();
    await this.happens(() => this.server.room.seatCount === 0, 'all have left');
  }

  #reactorAt(address: string): MemoryReactor {
    let reactor = this.#reactors.get(address);
    if (reactor === undefined) {
      reactor = new MemoryReactor({ network: this.network, address, seed: address, tls: nodeTls });
      this.#reactors.set(address, reactor);
    }
    return reactor;
  }
}
