// npm run interop:vertex -- --source DIR [--python PROGRAM] [--bytes N]: transfers with the original Vertex.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  ClientFactory,
  type ConnectionDone,
  createReactor,
  Factory,
  Protocol,
  type Reactor,
  UsageError,
} from 'hawser';

const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));
const ROLES = ['client', 'server'] as const;
const CLOSERS = ['ours', 'theirs', 'both', 'abort'] as const;
/** How long one transfer may take. */
const PATIENCE_MS = 120_000;
const ABORT_AFTER_MS = 300;

type Role = (typeof ROLES)[number];
type Closer = (typeof CLOSERS)[number];

/** What the Python end printed, one object a line. */
interface Told {
  readonly event: 'made' | 'lost' | 'left' | 'failed' | 'listening' | 'cannot';
  readonly why?: string;
  readonly count?: number;
  readonly sha256?: string;
  readonly connections?: number;
}

interface Setting {
  readonly source: string;
  readonly python: string;
  readonly count: number;
}

/** Our end: sends, counts, and closes as the case wants it. */
class End extends Protocol {
  readonly seen = createHash('sha256');
  readonly #closer: Closer;
  readonly #count: number;
  readonly #ended: (how: string) => void;
  received = 0;

  constructor(closer: Closer, count: number, ended: (how: string) => void) {
    super();
    this.#closer = closer;
    this.#count = count;
    this.#ended = ended;
  }

  override connectionMade(): void {
    this.transport.write(pattern(this.#count, 2));
    if (this.#closer === 'abort') setTimeout(() => this.transport.abortConnection(), ABORT_AFTER_MS);
  }

  override dataReceived(bytes: Uint8Array): void {
    this.seen.update(bytes);
    this.received += bytes.length;
    if (this.received >= this.#count && this.#closer !== 'theirs') this.transport.loseConnection();
  }

  override connectionLost(reason: ConnectionDone): void {
    this.#ended(reason.name);
  }
}

function pattern(count: number, start: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_byte, i) => (i * 31 + (i >> 8) + start) & 255);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A UDP port that is free now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** Plays one case and returns what is wrong with it: nothing, or a sentence. */
async function play(
  setting: Setting,
  role: Role,
  closer: Closer,
): Promise<{ wrong: string; seconds: number }> {
  const { source, python, count } = setting;
  const port = await freePort();
  const reactor = createReactor();
  const told: Told[] = [];
  let how = '';
  const end = new End(closer, count, (name) => {
    how = name;
  });
  const beganAt = performance.now();
  const listening = role === 'server' ? await listen(reactor, port, end) : undefined;
  const child = spawn(python, [
    PEER,
    source,
    role === 'client' ? 'server' : 'client',
    String(port),
    String(count),
    closer,
  ]);
  const timer = setTimeout(() => child.kill(), PATIENCE_MS);
  let pending = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (pending + chunk.toString()).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines.filter((text) => text.startsWith('{'))) {
      const fact = JSON.parse(line) as Told;
      told.push(fact);
      if (fact.event === 'listening')
        reactor.connectPTCP('127.0.0.1', port, oneClient(end), { wire: 'vertex' });
    }
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  await listening?.stopListening();
  return { wrong: judge(told, { count, closer, end, how }), seconds: (performance.now() - beganAt) / 1000 };
}

async function listen(
  reactor: Reactor,
  port: number,
  end: End,
): Promise<{ stopListening(): PromiseLike<unknown> }> {
  const listening = reactor.listenPTCP(port, oneServer(end), {
    wire: ['tcp', 'vertex'],
    interface: '127.0.0.1',
  });
  await listening.listening;
  return listening;
}

function oneServer(end: End): Factory {
  const factory = new Factory();
  factory.buildProtocol = () => end;
  return factory;
}

function oneClient(end: End): ClientFactory {
  const factory = new ClientFactory();
  factory.buildProtocol = () => end;
  return factory;
}

interface Outcome {
  readonly count: number;
  readonly closer: Closer;
  readonly end: End;
  readonly how: string;
}

function judge(told: readonly Told[], { count, closer, end, how }: Outcome): string {
  const cannot = told.find(({ event }) => event === 'cannot' || event === 'failed');
  if (cannot !== undefined) return `Vertex cannot: ${cannot.why}`;
  const lost = told.filter(({ event }) => event === 'lost');
  if (lost.length !== 1) return `Vertex's user was told of the end ${lost.length} times`;
  const left = told.find(({ event }) => event === 'left')?.connections;
  if (left !== 0 && closer !== 'abort') return `Vertex still has ${left} connections`;
  if (closer === 'abort') return how === 'ConnectionAborted' ? '' : `we ended with ${how}`;
  if (lost[0]?.sha256 !== hashOf(pattern(count, 2)))
    return `Vertex got other bytes, ${lost[0]?.count} of them`;
  if (end.seen.digest('hex') !== hashOf(pattern(count, 1)))
    return `we got other bytes, ${end.received} of them`;
  return how === 'ConnectionDone' ? '' : `we ended with ${how}`;
}

const USAGE = `npm run interop:vertex -- --source DIR [options]

  --source DIR      where Vertex's own source is: the folder above the package vertex
  --python PROGRAM  a Python that can run it; python3 when left out
  --bytes N         to send each way; 100000 when left out
`;

/** Throws UsageError where something cannot be meant; undefined where there is nothing to play. */
function settingOf(args: readonly string[]): Setting | undefined {
  const text = { type: 'string' } as const;
  const options = { source: text, python: text, bytes: text, help: { type: 'boolean' } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const { source, python = 'python3', bytes = '100000' } = values;
  if (values.help === true) {
    process.stdout.write(USAGE);
    return undefined;
  }
  if (source === undefined) {
    console.log('interop:vertex: skipped, for no source of Vertex was given (--source DIR)');
    return undefined;
  }
  if (!existsSync(source)) throw new UsageError(`--source ${source}: there is no such folder`);
  const count = Number(bytes);
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`--bytes ${bytes}: a whole number, please`);
  return { source, python, count };
}

async function main(setting: Setting): Promise<number> {
  let failures = 0;
  for (const role of ROLES) {
    for (const closer of CLOSERS) {
      const { wrong, seconds } = await play(setting, role, closer);
      if (wrong !== '') failures += 1;
      console.log(
        `${role.padEnd(7)} closed by ${closer.padEnd(7)} ${seconds.toFixed(2)} s  ${wrong || 'ok'}`,
      );
      if (wrong.startsWith('Vertex cannot')) return 1;
    }
  }
  return failures === 0 ? 0 : 1;
}

try {
  const setting = settingOf(process.argv.slice(2));
  if (setting !== undefined) process.exitCode = await main(setting);
} catch (error) {
  if (!(error instanceof Error && 'code' in error)) throw error;
  console.error(`interop:vertex: ${error.message.split('\n')[0]}`);
  process.exitCode = 2;
}
