import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, Order } from './messages.ts';
import type { Settings } from './settings.ts';

/** What goes wrong with the demo, in one line for its user. */
export class DemoFailure extends Error {}

/** How long a child may take to end when it is asked to. */
const GRACE_MS = 2_000;

/** One of the demo's processes. It goes when this one does. */
export class Child<Progress, Report> {
  /** Its UDP port, once it is bound. */
  readonly listening: Promise<number>;
  readonly finished: Promise<Report>;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  readonly #process: ChildProcess;

  constructor(
    name: 'receiver' | 'relay' | 'sender',
    order: Order<Settings>,
    progressed: (progress: Progress) => void,
  ) {
    const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
    const child = fork(file, [JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process = child;
    const listening = deferral<number>();
    const finished = deferral<Report>();
    const fail = (why: string): void => {
      listening.reject(new DemoFailure(why));
      finished.reject(new DemoFailure(why));
    };
    child.on('message', (message: ChildMessage<Progress, Report>) => {
      if (message.type === 'progress') progressed(message.progress);
      else if (message.type === 'listening') listening.resolve(message.port);
      else if (message.type === 'finished') finished.resolve(message.report);
      else fail(message.why);
    });
    const gone = deferral<void>();
    child.on('error', (error) => fail(`the ${name} could not be started: ${error.message}`));
    child.on('exit', (status, signal) => {
      gone.resolve();
      const how = signal === null ? `with status ${status}` : `by ${signal}`;
      fail(`the ${name}'s process ended ${how} before the transfer was over`);
    });
    this.listening = listening.promise;
    this.finished = finished.promise;
    this.gone = gone.promise;
  }

  /** Has it report now what it would not by itself. */
  askReport(): void {
    if (this.#process.connected) this.#process.send('report');
  }

  /** Ends the process: it is asked first, then killed. */
  end(): void {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    if (this.#process.connected) this.#process.disconnect();
    setTimeout(() => this.#process.kill('SIGKILL'), GRACE_MS).unref();
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

interface Deferral<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

function deferral<T>(): Deferral<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  // Whoever needs it hears of it; the others need not.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
