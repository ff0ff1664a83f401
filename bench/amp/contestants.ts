import { type ChildProcess, fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import {
  type Child,
  findTwisted,
  startPeer,
  type TwistedPython,
} from '../../test/interop/twisted/processes.ts';
import { CASES, type CaseName } from './cases.ts';
import type { Measured, Order, OwnName, Ready } from './messages.ts';

const HERE = new URL('.', import.meta.url);
const PROTO = fileURLToPath(new URL('sums.proto', HERE));
/** Below the project, so that packages are found from there. */
const BUILT = fileURLToPath(new URL('../../dist/bench-amp/', HERE));
/** For a process to be up, and beyond its time for a case to end. */
const PATIENCE_MS = 30_000;

/**
 * Makes plain JavaScript of both halves, as a user's build would. What tsx runs is slower: it names every closure
 * anew whenever it is made.
 */
export async function buildHalves(): Promise<void> {
  rmSync(BUILT, { recursive: true, force: true });
  await build({
    entryPoints: ['client.ts', 'server.ts'].map((name) => fileURLToPath(new URL(name, HERE))),
    outdir: BUILT,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    alias: { hawser: fileURLToPath(new URL('../../lib/index.ts', HERE)) },
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
}

/** A client process and a server process of ours, with a connection between them. */
export class OwnContestant {
  readonly name: OwnName;
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;

  private constructor(name: OwnName, server: ChildProcess, client: ChildProcess) {
    this.name = name;
    this.#server = server;
    this.#client = client;
  }

  /** `execArgv` are options of Node for both. */
  static async start(name: OwnName, execArgv: readonly string[]): Promise<OwnContestant> {
    const half = (program: string, args: readonly string[]): ChildProcess =>
      fork(`${BUILT}${program}.mjs`, [name, PROTO, ...args], { execArgv: [...execArgv] });
    const server = half('server', []);
    const { port } = await said<Ready>(server, PATIENCE_MS);
    const client = half('client', [String(port)]);
    await said<Ready>(client, PATIENCE_MS);
    return new OwnContestant(name, server, client);
  }

  /** Calls a second; undefined where it has no such calls. */
  async measure(name: CaseName, seconds: number): Promise<number | undefined> {
    const answer = said<Measured>(this.#client, seconds * 1000 + PATIENCE_MS);
    this.#client.send({ name, seconds } satisfies Order);
    return (await answer).callsPerSecond ?? undefined;
  }

  /** Both processes end by themselves, which gives them time to write a profile. */
  async stop(): Promise<void> {
    for (const each of [this.#client, this.#server]) {
      const ended = new Promise((resolve) => void each.once('exit', resolve));
      each.disconnect();
      await ended;
    }
  }
}

/** What a child process says next. Rejects where it ends, or says nothing in time. */
function said<T>(child: ChildProcess, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => ended('said nothing in time'), limitMs);
    const ended = (how: unknown): void => {
      clearTimeout(timer);
      reject(new Error(`a process of the benchmark ended or stands still: ${how}`));
    };
    child.once('exit', ended);
    child.once('message', (message) => {
      clearTimeout(timer);
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

/** amp_server.py, and bench_amp.py against it. */
export class TwistedContestant {
  readonly name = 'twisted';
  readonly python: TwistedPython;
  readonly #server: Child;
  readonly #port: number;

  private constructor(python: TwistedPython, server: Child, port: number) {
    this.python = python;
    this.#server = server;
    this.#port = port;
  }

  /** Undefined where there is no Twisted. */
  static async start(): Promise<TwistedContestant | undefined> {
    const python = findTwisted();
    if (python === undefined) return undefined;
    const server = startPeer(python, 'amp_server.py', ['0']);
    return new TwistedContestant(python, server, await server.port());
  }

  /** Calls a second of all cases, `seconds` for each. */
  async measureAll(seconds: number): Promise<Readonly<Record<CaseName, number>>> {
    const client = startPeer(this.python, 'bench_amp.py', [String(this.#port), String(seconds)]);
    const lines = await client.ended(seconds * 5000 + PATIENCE_MS);
    const figures = Object.entries(CASES).map(([name, title]) => {
      const line = lines.find((each) => each.startsWith(title)) ?? '';
      const figure = /(\d+) calls\/s/.exec(line)?.[1];
      if (figure === undefined)
        throw new Error(`bench_amp.py says nothing of ${title}: ${client.complaints}`);
      return [name, Number(figure)];
    });
    return Object.fromEntries(figures) as Record<CaseName, number>;
  }

  stop(): void {
    this.#server.kill();
  }
}
