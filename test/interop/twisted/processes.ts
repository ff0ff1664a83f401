import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const HERE = new URL('.', import.meta.url);
const PROBE = 'import OpenSSL, service_identity, twisted, twisted.protocols.amp; print(twisted.__version__)';
/** For a Python on a busy machine to import Twisted. */
const START_LIMIT_MS = 20_000;

/** A Python that has Twisted, with what Twisted's TLS takes. */
export interface TwistedPython {
  readonly python: string;
  readonly version: string;
}

/** The Python that HAWSER_PYTHON names, or the system's, or the first one on the path; undefined where Twisted is missing. */
export function findTwisted(): TwistedPython | undefined {
  const named = process.env['HAWSER_PYTHON'];
  for (const python of named === undefined ? ['/usr/bin/python3', 'python3'] : [named]) {
    const { status, stdout } = spawnSync(python, ['-c', PROBE], {
      encoding: 'utf8',
      timeout: START_LIMIT_MS,
    });
    if (status === 0) return { python, version: stdout.trim() };
  }
  return undefined;
}

/** Starts a program of peer/. It ends when `kill` is called, and with this process, however that ends. */
export function startPeer({ python }: TwistedPython, program: string, args: readonly string[]): Child {
  const path = fileURLToPath(new URL(`peer/${program}`, HERE));
  const held = fileURLToPath(new URL('held.py', HERE));
  return new Child(program, spawn(python, ['-u', held, path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] }));
}

/** Starts hawser's server of the same commands, as `npm run interop:twisted -- --serve 0` does. */
export function startHawserServer(): Child {
  const main = new URL('main.ts', HERE);
  return new Child('the hawser server', fork(main, ['--serve', '0'], { stdio: 'pipe' }));
}

/** A child process and what it prints, by lines. */
export class Child {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  #unfinished = '';
  #complaints = '';
  #hasEnded = false;
  #wake: () => void = () => {};

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#process = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-4000);
    });
    child.on('error', (error) => {
      this.#complaints += error.message;
    });
    child.on('close', () => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  /** The end of what it wrote to standard error. */
  get complaints(): string {
    return this.#complaints;
  }

  /** The port that its line READY tells. Rejects where it ends before, or takes too long. */
  async port(): Promise<number> {
    const line = await this.line(/^READY \d+$/, START_LIMIT_MS);
    return Number(line.slice('READY '.length));
  }

  /** The first line that `wanted` matches, printed already or still to come. One caller at a time. */
  async line(wanted: RegExp, limitMs: number): Promise<string> {
    const endAt = performance.now() + limitMs;
    for (let index = 0; ; index += 1) {
      while (index >= this.#lines.length) await this.#more(endAt - performance.now());
      const line = this.#lines[index];
      if (line !== undefined && wanted.test(line)) return line;
    }
  }

  /** What it has printed, once it has ended. */
  async ended(limitMs: number): Promise<readonly string[]> {
    const endAt = performance.now() + limitMs;
    while (!this.#hasEnded) await this.#more(endAt - performance.now());
    return this.#lines;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #read(text: string): void {
    const lines = (this.#unfinished + text).split('\n');
    this.#unfinished = lines.pop() ?? '';
    this.#lines.push(...lines);
    this.#wake();
  }

  #more(limitMs: number): Promise<void> {
    if (this.#hasEnded) throw new Error(`${this.#name} ended: ${this.#complaints || 'without a word'}`);
    return new Promise((resolve, reject) => {
      const tooLong = (): void =>
        reject(new Error(`${this.#name} said nothing in time: ${this.#complaints}`));
      const timer = setTimeout(tooLong, Math.max(0, limitMs));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
