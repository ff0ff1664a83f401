import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HAWSER = fileURLToPath(new URL('../../bin/hawser.ts', import.meta.url));

/** By its address: a process in another folder would not find it by its name. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** A hawser process and what it has said. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves to the exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  output: string;
  messages: string;
}

/** Starts `hawser …args` from the sources. */
export function startHawser(args: readonly string[], directory?: string): Running {
  return startSource(HAWSER, args, directory);
}

/** Starts a source file, at that path, as a program. */
export function startSource(path: string, args: readonly string[], directory?: string): Running {
  const child = spawn(process.execPath, ['--import', TSX, '--conditions=@hawser/source', path, ...args], {
    ...(directory !== undefined && { cwd: directory }),
  });
  const one: Running = {
    child,
    output: '',
    messages: '',
    ended: new Promise((resolve) => {
      child.once('close', (status, signal) => resolve(status ?? signal ?? 'unknown'));
    }),
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    one.output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    one.messages += text;
  });
  return one;
}

/** The port that a `hawser receive --json` listens on. */
export async function portOf(receiver: Running): Promise<number> {
  return (await eventOf(receiver, 'listening'))['port'] as number;
}

/** What `pattern` finds in the output, as soon as it is there. */
export function shownBy(one: Running, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const found = pattern.exec(one.output);
      if (found !== null) resolve(found);
    };
    look();
    one.child.stdout?.on('data', look);
    void one.ended.then((status) => {
      reject(new Error(`ended with ${status} without ${pattern}: ${one.output}${one.messages}`));
    });
  });
}

/** The first event of a kind, as soon as it is told. */
export function eventOf(one: Running, kind: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const event = eventsOf(one).find((each) => each['event'] === kind);
      if (event !== undefined) resolve(event);
    };
    look();
    one.child.stdout?.on('data', look);
    void one.ended.then((status) => reject(new Error(`ended with ${status}: ${one.messages}`)));
  });
}

/** What it told with --json, as far as whole lines go. */
export function eventsOf(one: Running): Record<string, unknown>[] {
  const whole = one.output.slice(0, one.output.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
