// npm run fuzz -- --runs N: N hostile inputs, one after the other: datagrams into the codec and into endpoints in every
// state, and streams into the reader of AMP and its types.
// A failure names its session: npm run fuzz -- --seed S --session K plays that one alone.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { AmpSession } from './amp-session.ts';
import { CodecSession } from './codec-session.ts';
import { EndpointSession } from './endpoint-session.ts';
import type { Session } from './session.ts';

const INPUTS_PER_SESSION = 256;
/** Every so many sessions one is the codec's alone. */
const CODEC_EVERY = 4;
/** And of so many one is AMP's: its inputs take longest, for a model reads them too. */
const AMP_EVERY = 15;
/** One input that takes so much of the processor's time is a hang. */
const HANG_MS = 250;
const PROGRESS_MS = 1000;

interface Settings {
  readonly runs: number;
  readonly seed: string;
  readonly session: number | undefined;
}

interface Failure {
  readonly session: number;
  readonly input: number;
  readonly bytes: string;
  readonly error: string;
}

const USAGE = `npm run fuzz -- [options]

  --runs N     inputs; 1000000 when left out
  --seed TEXT  drawn when left out; the same seed makes the same inputs
  --session K  session K of the seed alone
`;

function settingsOf(args: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      session: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs is ${values.runs}; it must be a whole number above 0`);
  const session = values.session === undefined ? undefined : Number(values.session);
  if (session !== undefined && !(Number.isInteger(session) && session >= 0))
    throw new Error(`--session is ${values.session}; it must be a whole number`);
  return { runs, seed: values.seed, session };
}

function sessionOf(seed: string, number: number): Session {
  const name = `${seed}/${number}`;
  if (number % AMP_EVERY === 1) return new AmpSession(name);
  return number % CODEC_EVERY === 0 ? new CodecSession(name) : new EndpointSession(name);
}

/** What a run has found so far. */
class Run {
  readonly #settings: Settings;
  readonly #startedAt = performance.now();
  #toldAt = performance.now();
  runs = 0;
  slowestMs = 0;
  failures: Failure[] = [];
  isStopped = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async play(): Promise<void> {
    const { runs, session } = this.#settings;
    if (session !== undefined) this.#playSession(session, INPUTS_PER_SESSION);
    for (let number = 0; session === undefined && this.runs < runs && !this.isStopped; number += 1) {
      this.#playSession(number, Math.min(INPUTS_PER_SESSION, runs - this.runs));
      if (performance.now() - this.#toldAt < PROGRESS_MS) continue;
      this.#toldAt = performance.now();
      process.stderr.write(`\r${this.runs} of ${runs} inputs, ${this.failures.length} failures `);
      // For Ctrl-C to be heard.
      await new Promise(setImmediate);
    }
    process.stderr.write('\n');
  }

  #playSession(number: number, count: number): void {
    let input = 0;
    let session: Session | undefined;
    try {
      session = sessionOf(this.#settings.seed, number);
      for (; input < count; input += 1) {
        // Not what the clock shows: on a busy machine that is mostly others' time.
        const startedAt = process.cpuUsage();
        session.next();
        const { user, system } = process.cpuUsage(startedAt);
        const tookMs = (user + system) / 1000;
        this.slowestMs = Math.max(this.slowestMs, tookMs);
        if (tookMs > HANG_MS) throw new Error(`one input took ${Math.round(tookMs)} ms of processor time`);
      }
    } catch (error) {
      const bytes = Buffer.from(session?.last ?? []).toString('hex');
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.failures.push({ session: number, input, bytes, error: text });
      this.#tell(this.failures.at(-1)!);
    }
    this.runs += input;
  }

  #tell({ session, input, bytes, error }: Failure): void {
    console.log(`FAILURE in session ${session}, input ${input}: ${bytes}\n${error}`);
    console.log(`again: npm run fuzz -- --seed ${this.#settings.seed} --session ${session}`);
  }

  get summary(): object {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return {
      runs: this.runs,
      failures: this.failures.length,
      inputsPerSecond: Math.round(this.runs / seconds),
      meanUs: Number(((seconds * 1e6) / Math.max(this.runs, 1)).toFixed(1)),
      slowestMs: Number(this.slowestMs.toFixed(1)),
      seed: this.#settings.seed,
    };
  }
}

async function main(): Promise<void> {
  const settings = settingsOf(process.argv.slice(2));
  if (settings === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const run = new Run(settings);
  process.once('SIGINT', () => {
    run.isStopped = true;
  });
  await run.play();
  console.log(JSON.stringify(run.summary));
  if (run.failures.length > 0 || run.isStopped) process.exitCode = 1;
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 2;
});
