// Two reactors, a bad network, and users who call anything from any callback, all drawn from one seed; then both stop.
import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { UsageError } from '../../lib/errors.ts';
import type { Producer } from '../../lib/interfaces/producer.ts';
import type { ConnectorLike, StreamProtocol } from '../../lib/interfaces/protocol.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import type { PtcpPort } from '../../lib/ptcp/port.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import type { StreamPort } from '../../lib/transports/stream-port.ts';

const SERVER = '10.0.0.1';
const CLIENT = '10.0.0.2';
const PORT = 9;
const OWN_PORT = 77;
/** What a reactor lingers, and a little. */
const STOP_MS = 5_500;
/** TIME-WAIT, keep-alive of the stopped: everything is over by then. */
const PATIENCE_MS = 400_000;

/** What users throw: the reactor reports it, and nothing else is to be reported. */
class Whim extends Error {}

/** Plays the world of this seed; throws when a reactor hangs or a promise to users is broken. */
export function playStopWorld(seed: number): void {
  const world = new StopWorld(new Prng(seed));
  world.begin();
  world.live();
  world.end();
}

class StopWorld {
  readonly random: Prng;
  readonly #kind: 'tcp' | 'ptcp';
  readonly #clock = new VirtualClock();
  readonly #network: SimulatedNetwork;
  readonly #server: MemoryReactor;
  readonly #client: MemoryReactor;
  readonly #users: User[] = [];
  readonly #factories: Callers[] = [];
  readonly #connectors: ConnectorLike[] = [];
  #port: StreamPort | undefined = undefined;

  constructor(random: Prng) {
    this.random = random;
    this.#kind = this.chance(0.75) ? 'ptcp' : 'tcp';
    const loss = this.chance(0.5) ? 0 : random.nextFloat() * 0.3;
    this.#network = new SimulatedNetwork({
      clock: this.#clock,
      seed: random.nextU32(),
      link: { latencyMs: 1 + random.nextFloat() * 40, loss },
      names: { server: ['10.0.0.9', SERVER] },
    });
    this.#server = new MemoryReactor({ network: this.#network, address: SERVER, seed: random.nextU32() });
    this.#client = new MemoryReactor({ network: this.#network, address: CLIENT, seed: random.nextU32() });
  }

  chance(probability: number): boolean {
    return this.random.nextFloat() < probability;
  }

  oneOf<T>(choices: readonly T[]): T | undefined {
    return choices.length === 0 ? undefined : choices[this.random.below(choices.length)];
  }

  /** Both run, and the client has some connections under way. */
  begin(): void {
    const listeners = new Factory();
    listeners.buildProtocol = () => this.build();
    void this.#server.run();
    void this.#client.run();
    this.#port = this.#listen(this.#server, PORT, listeners);
    if (this.chance(0.9)) this.#clock.advance(1);
    let own: PtcpPort | undefined;
    if (this.#kind === 'ptcp' && this.chance(0.4)) {
      own = this.#listen(this.#client, OWN_PORT, listeners) as PtcpPort;
      this.#clock.advance(1);
    }
    for (let count = 1 + this.random.below(4); count > 0 && this.#client.running; count -= 1) {
      // A port that is stopped by now connects no more.
      allow(UsageError, () => this.#connectors.push(this.#connect(own)));
      if (this.chance(0.3)) this.#clock.advance(this.random.below(50));
    }
  }

  /** Time goes on, and the network breaks and heals. */
  live(): void {
    for (let steps = this.random.below(30); steps > 0; steps -= 1) {
      this.#clock.advance(this.random.below(this.chance(0.8) ? 30 : 3000));
      const user = this.chance(0.5) ? this.oneOf(this.#users) : undefined;
      if (user !== undefined) allow(Whim, () => this.act(user));
      if (this.chance(0.05)) this.#network.partition(SERVER, CLIENT);
      else if (this.chance(0.3)) this.#network.heal();
      if (this.chance(0.05)) this.#connectors[0]?.disconnect();
    }
    if (this.chance(0.5)) this.#network.heal();
  }

  /** Both stop, in time, and have kept what was promised. */
  end(): void {
    this.#stop(this.#client);
    this.#stop(this.#server);
    this.#clock.advance(STOP_MS);
    expect([this.#server.running, this.#client.running], 'server and client still run').to.deep.equal([
      false,
      false,
    ]);
    for (const user of this.#users) user.check();
    for (const factory of this.#factories)
      expect(factory.stops, 'factories stopped').to.equal(factory.starts);
    this.#network.heal();
    expect(this.#clock.runUntilIdle(PATIENCE_MS), 'the clock is idle').to.equal(true);
    const errors = [...this.#server.errors, ...this.#client.errors];
    for (const { error, where } of errors) expect(error, `reported from ${where}`).to.be.instanceOf(Whim);
  }

  build(): StreamProtocol | undefined {
    if (this.chance(0.05)) throw new Whim('of a factory that builds');
    if (this.chance(0.05)) return undefined;
    const user = this.chance(0.5) ? new User(this) : new HalfClosingUser(this);
    this.#users.push(user);
    return user;
  }

  /** Anything that a user may do, twice. */
  act(user: User): void {
    for (let count = 0; count < 2; count += 1) {
      let drawn = this.random.below(100);
      const [, act] = ACTS.find(([weight]) => (drawn -= weight) < 0) ?? [];
      act?.(user, this);
    }
  }

  writeElsewhere(): void {
    const user = this.oneOf(this.#users);
    if (user?.isMade) user.transport.write(new Uint8Array(2000));
  }

  stopOne(): void {
    this.#stop(this.chance(0.5) ? this.#server : this.#client);
  }

  stopClient(): void {
    this.#stop(this.#client);
  }

  get isClientRunning(): boolean {
    return this.#client.running;
  }

  stopListening(): void {
    void this.#port?.stopListening();
  }

  #stop(reactor: MemoryReactor): void {
    // It may have stopped already.
    allow(UsageError, () => reactor.stop());
  }

  #listen(reactor: MemoryReactor, number: number, factory: Factory): StreamPort {
    const port =
      this.#kind === 'tcp' ? reactor.listenTCP(number, factory) : reactor.listenPTCP(number, factory);
    // A reactor that stops at once does not get so far.
    port.listening.addErrback(() => port);
    return port;
  }

  #connect(own: PtcpPort | undefined): ConnectorLike {
    const callers = new Callers(this);
    this.#factories.push(callers);
    const host = this.chance(0.2) ? 'server' : this.chance(0.05) ? 'nowhere' : SERVER;
    if (this.#kind === 'tcp') return this.#client.connectTCP(host, PORT, callers);
    if (own !== undefined && host === SERVER && this.chance(0.7)) return own.connect(host, PORT, callers);
    return this.#client.connectPTCP(host, PORT, callers);
  }
}

/** A protocol that does anything in every callback, and notes whether it is called as promised. */
class User extends Protocol {
  readonly world: StopWorld;
  isProducing = false;
  isMade = false;
  #lostCount = 0;

  constructor(world: StopWorld) {
    super();
    this.world = world;
  }

  override connectionMade(): void {
    expect(this.isMade, 'connectionMade came before').to.equal(false);
    this.isMade = true;
    this.world.act(this);
  }

  override dataReceived(): void {
    this.actAlive();
  }

  override connectionLost(): void {
    this.#lostCount += 1;
    this.world.act(this);
  }

  /** In a callback that cannot come after connectionLost. */
  actAlive(): void {
    expect(this.#lostCount, 'connectionLost came before').to.equal(0);
    this.world.act(this);
  }

  check(): void {
    expect(this.#lostCount, 'calls of connectionLost').to.equal(this.isMade ? 1 : 0);
  }
}

class HalfClosingUser extends User {
  override readConnectionLost(): void {
    this.actAlive();
  }

  override writeConnectionLost(): void {
    this.actAlive();
  }
}

/** A client factory that throws, connects again and stops the reactor. */
class Callers extends ClientFactory {
  starts = 0;
  stops = 0;
  readonly #world: StopWorld;
  #triesLeft = 2;

  constructor(world: StopWorld) {
    super();
    this.#world = world;
  }

  override startFactory(): void {
    this.starts += 1;
  }

  override stopFactory(): void {
    this.stops += 1;
  }

  override startedConnecting(): void {
    if (this.#world.chance(0.03)) throw new Whim('of a factory that starts');
    if (this.#world.chance(0.05)) this.#world.stopClient();
  }

  override buildProtocol(): StreamProtocol | undefined {
    return this.#world.build();
  }

  override clientConnectionFailed(connector: ConnectorLike): void {
    this.#ended(connector);
  }

  override clientConnectionLost(connector: ConnectorLike): void {
    this.#ended(connector);
  }

  #ended(connector: ConnectorLike): void {
    if (this.#triesLeft > 0 && this.#world.isClientRunning && this.#world.chance(0.4)) {
      this.#triesLeft -= 1;
      connector.connect();
    }
    if (this.#world.chance(0.03)) throw new Whim('of a factory that ended');
  }
}

/** What users do, and how often in a hundred times; for the rest they do nothing. */
const ACTS: readonly (readonly [weight: number, act: (user: User, world: StopWorld) => void])[] = [
  [20, ({ transport }, { random }) => transport.write(new Uint8Array(random.below(50_000)))],
  [5, ({ transport }) => transport.loseConnection()],
  [3, ({ transport }) => transport.abortConnection()],
  [5, ({ transport }) => transport.pauseProducing()],
  [7, ({ transport }) => transport.resumeProducing()],
  [3, ({ transport }) => transport.loseWriteConnection()],
  [3, produce],
  [4, stopProducing],
  [
    2,
    () => {
      throw new Whim('of a user');
    },
  ],
  [2, (_user, world) => world.writeElsewhere()],
  [2, (_user, world) => world.stopOne()],
  [1, (_user, world) => world.stopListening()],
];

function produce(user: User, world: StopWorld): void {
  if (user.isProducing) return;
  user.isProducing = true;
  const producer: Producer & { pauseProducing(): void } = {
    pauseProducing: () => {},
    resumeProducing: () => world.act(user),
    stopProducing: () => {
      user.isProducing = false;
      world.act(user);
    },
  };
  user.transport.registerProducer(producer, world.chance(0.7) as true);
}

function stopProducing(user: User): void {
  if (!user.isProducing) return;
  user.isProducing = false;
  user.transport.unregisterProducer();
}

/** Makes `call`, which may throw an error of that class. */
function allow(expected: new (message: string) => Error, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof expected)) throw error;
  }
}
