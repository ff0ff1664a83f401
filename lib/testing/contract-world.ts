import { ConnectionAborted } from '../errors.ts';
import type { StreamFactory, StreamProtocol } from '../interfaces/protocol.ts';
import type { ListeningPort } from '../interfaces/reactor.ts';
import { ClientFactory, Factory } from '../protocol/factory.ts';
import { Protocol } from '../protocol/protocol.ts';
import type { Reactor } from '../reactor/reactor.ts';
import type { ConnectTarget, ListenTarget } from '../transports/provider.ts';

/** Where a contract test runs: a reactor that knows the kind of transport, and a way to let things happen. */
export interface ContractWorld {
  readonly reactor: Reactor;
  /** The word for reactor.listen and reactor.connect. */
  readonly kind: string;
  /** A place where nobody listens; another one each time. */
  listenTarget(): ListenTarget;
  connectTarget(port: ListeningPort): ConnectTarget;
  /** Options for every reactor.listen, where this kind of transport cannot do without; for every reactor.connect. */
  readonly listenOptions?: object;
  readonly connectOptions?: object;
  /** Lets things happen until `isDone`; rejects, naming `what`, when that takes too long. */
  until(isDone: () => boolean, what: string): Promise<void>;
  /** Errors that were reported to the reactor. */
  readonly errors: unknown[];
}

/** One promise of the contract: a title that says it, and a test of it that rejects when it is broken. */
export interface ContractTest {
  readonly title: string;
  readonly run: (world: ContractWorld) => Promise<void>;
}

/** Notes every callback, and lets a test put its own code into each. */
export class Recorder extends Protocol {
  readonly events: string[] = [];
  reason: Error | undefined = undefined;
  receivedBytes = 0;
  /** What was received, while there is little of it. */
  text = '';
  /** True while a test calls a method of the transport: callbacks must not come then. */
  isInsideCall = false;
  onMade: () => void = () => {};
  onData: (bytes: Uint8Array) => void = () => {};
  onLost: (reason: Error) => void = () => {};

  override connectionMade(): void {
    this.note('made');
    this.onMade();
  }

  override dataReceived(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    if (this.text.length < 1_000) this.text += String.fromCharCode(...bytes.subarray(0, 1_000));
    if (this.events.at(-1) !== 'data') this.note('data');
    this.onData(bytes);
  }

  override connectionLost(reason: Error): void {
    this.reason = reason;
    this.note('lost');
    this.onLost(reason);
  }

  /** Calls `call`, in which no callback may come. */
  without(call: () => void): void {
    this.isInsideCall = true;
    try {
      call();
    } finally {
      this.isInsideCall = false;
    }
  }

  count(event: string): number {
    return this.events.filter((each) => each === event).length;
  }

  protected note(event: string): void {
    this.events.push(this.isInsideCall ? `${event} from inside a call` : event);
  }
}

/** A Recorder that can do with half a connection. */
export class HalfCloser extends Recorder {
  onReadLost: () => void = () => {};
  onWriteLost: () => void = () => {};

  override readConnectionLost(): void {
    this.note('read-lost');
    this.onReadLost();
  }

  override writeConnectionLost(): void {
    this.note('write-lost');
    this.onWriteLost();
  }
}

/** What becomes of connectors, beside what becomes of their protocols. */
export class RecordingClientFactory extends ClientFactory {
  readonly events: string[] = [];
  reason: Error | undefined = undefined;
  readonly #protocol: StreamProtocol | undefined;

  constructor(protocol: StreamProtocol | undefined) {
    super();
    this.#protocol = protocol;
  }

  override buildProtocol(): StreamProtocol | undefined {
    return this.#protocol;
  }

  override startFactory(): void {
    this.events.push('start');
  }

  override stopFactory(): void {
    this.events.push('stop');
  }

  override clientConnectionFailed(_connector: unknown, reason: Error): void {
    this.reason = reason;
    this.events.push('failed');
  }

  override clientConnectionLost(_connector: unknown, reason: Error): void {
    this.reason = reason;
    this.events.push('lost');
  }
}

/** A factory that hands out what it was given, one for each connection. */
export class ListFactory extends Factory {
  readonly #protocols: (StreamProtocol | undefined)[];

  constructor(...protocols: (StreamProtocol | undefined)[]) {
    super();
    this.#protocols = protocols;
  }

  override buildProtocol(): StreamProtocol | undefined {
    return this.#protocols.shift();
  }
}

/** A connection with both of its ends, and what they came from. */
export interface Pair<S, C> {
  readonly server: S;
  readonly client: C;
  readonly clientFactory: RecordingClientFactory;
  readonly port: ListeningPort;
}

/** Listens with `factory` and waits until it is bound. */
export async function listening(world: ContractWorld, factory: StreamFactory): Promise<ListeningPort> {
  const port = world.reactor.listen(world.kind, world.listenTarget(), factory, world.listenOptions);
  let isBound = false;
  let failure: unknown;
  port.listening.then(
    () => {
      isBound = true;
    },
    (error: unknown) => {
      failure = error;
    },
  );
  await world.until(() => isBound || failure !== undefined, 'the port is bound');
  if (failure !== undefined) throw failure;
  return port;
}

/** Connects `client` to `server`; both have heard connectionMade when it resolves. */
export async function connectedPair<S extends Recorder, C extends Recorder>(
  world: ContractWorld,
  server: S,
  client: C,
): Promise<Pair<S, C>> {
  const port = await listening(world, new ListFactory(server));
  const clientFactory = new RecordingClientFactory(client);
  world.reactor.connect(world.kind, world.connectTarget(port), clientFactory, world.connectOptions);
  const areMade = (): boolean => server.count('made') > 0 && client.count('made') > 0;
  await world.until(areMade, 'both ends are connected');
  return { server, client, clientFactory, port };
}

/** What a contract test fails with; test runners show `actual` and `expected`. */
export class ContractViolation extends Error {
  readonly actual: unknown;
  readonly expected: unknown;
  readonly showDiff = true;

  constructor(message: string, actual: unknown, expected: unknown) {
    super(`${message}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
    this.name = new.target.name;
    this.actual = actual;
    this.expected = expected;
  }
}

/** Throws unless both are the same value, or arrays of the same values. */
export function mustEqual(actual: unknown, expected: unknown, message: string): void {
  const isEqual =
    Array.isArray(actual) && Array.isArray(expected)
      ? actual.length === expected.length && actual.every((value, index) => Object.is(value, expected[index]))
      : Object.is(actual, expected);
  if (!isEqual) throw new ContractViolation(message, actual, expected);
}

/** Throws unless `error` is of that class. */
export function mustBe(
  error: unknown,
  expected: abstract new (...args: never[]) => Error,
  message: string,
): void {
  if (error instanceof expected) return;
  throw new ContractViolation(message, error instanceof Error ? error.name : error, expected.name);
}

/** Throws unless `error` is a ConnectionAborted whose cause is `cause`. */
export function mustBeAbortedBy(error: Error | undefined, cause: unknown): void {
  mustBe(error, ConnectionAborted, 'reason');
  mustEqual(error?.cause, cause, 'cause');
}

/** Waits until both ends have heard connectionLost. */
export async function bothLost(world: ContractWorld, one: Recorder, other: Recorder): Promise<void> {
  await world.until(
    () => one.count('lost') > 0 && other.count('lost') > 0,
    'both ends have heard of the end',
  );
}

/** A second connection's round trip: what was sent on the first had time to arrive. */
export async function exchangeElsewhere(world: ContractWorld): Promise<void> {
  const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
  client.transport.write(ascii('ping'));
  await world.until(() => server.text === 'ping', 'the other connection works');
  server.transport.write(ascii('pong'));
  await world.until(() => client.text === 'pong', 'the other connection works both ways');
}

/** The bytes of ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** What `fail` throws. */
export const THROWN = new Error('thrown by a test');

/** User code that throws. */
export function fail(): never {
  throw THROWN;
}
