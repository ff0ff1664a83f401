// npx tsx --conditions=@hawser/source examples/login.ts
import {
  ClientFactory,
  Factory,
  type InetAddress,
  LoginFailed,
  LoginLimiter,
  MemoryUsers,
  NodeCryptography,
  Portal,
  Protocol,
  type Realm,
  reactor,
  Session,
  StoredUsers,
  UsernamePassword,
} from 'hawser';

/** What a user may do here. */
class Mailbox {
  readonly owner: string;

  constructor(owner: string) {
    this.owner = owner;
  }

  greeting(): string {
    return `welcome, ${this.owner}`;
  }
}

/** The application: it knows users, and no passwords. */
const realm: Realm<Mailbox> = {
  requestAvatar: (avatarId) => ({
    avatar: new Mailbox(String(avatarId)),
    logout: () => console.log(`${avatarId} has left`),
  }),
};

const cryptography = new NodeCryptography();
const users = new MemoryUsers({ cryptography });
await users.set('alice', 'sesame');
const limits = new LoginLimiter({ clock: reactor });
const portal = new Portal(realm, [new StoredUsers(users, { cryptography })], { limits });

/** The protocol: it knows credentials, and no users. Each line is a name and a password. (In clear: use TLS.) */
class MailServer extends Protocol {
  readonly #session = new Session(portal);

  override dataReceived(bytes: Uint8Array): void {
    const [name = '', password = ''] = new TextDecoder().decode(bytes).trim().split(' ');
    const { host } = this.transport.getPeer() as InetAddress;
    this.#session.begin(new UsernamePassword(name, password), undefined, { peer: host }).addCallbacks(
      ({ avatar }) => this.#say(avatar.greeting()),
      // What is no LoginFailed is a fault on this side, and none of the peer's business.
      (error) => this.#say(error instanceof LoginFailed ? error.message : 'something is broken here'),
    );
  }

  override connectionLost(): void {
    this.#session.end(); // logs out whoever was in, or cancels the login
    reactor.stop();
  }

  #say(text: string): void {
    this.transport.write(new TextEncoder().encode(text));
  }
}

class Guesser extends Protocol {
  readonly #passwords = ['open', 'sesame'];

  override connectionMade(): void {
    this.#guess();
  }

  override dataReceived(bytes: Uint8Array): void {
    console.log(new TextDecoder().decode(bytes));
    this.#guess();
  }

  #guess(): void {
    const password = this.#passwords.shift();
    if (password === undefined) this.transport.loseConnection();
    else this.transport.write(new TextEncoder().encode(`alice ${password}`));
  }
}

const port = reactor.listenTCP(0, Factory.forProtocol(MailServer), { interface: '127.0.0.1' });
await port.listening;
reactor.connectTCP('127.0.0.1', (port.getHost() as InetAddress).port, ClientFactory.forProtocol(Guesser));
await reactor.run();
