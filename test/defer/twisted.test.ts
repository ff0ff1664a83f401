import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Deferred } from '../../lib/defer/deferred.ts';
import { setUnhandledFailureHook, type UnhandledFailureHook } from '../../lib/defer/unhandled.ts';
import { AlreadyCalledError } from '../../lib/errors.ts';

// The programs and the logs come from test/interop/deferred/record.py.
type Step =
  | ['callback', number, number]
  | ['errback', number, string]
  | ['cancel', number]
  | ['chain', number, number]
  | ['add', number, Behaviour | null, Behaviour | null];

interface Behaviour {
  readonly steps: readonly Step[];
  readonly ending: ['value', number] | ['raise', string] | ['deferred', number] | ['same', number];
}

interface Program {
  readonly cancellers: readonly string[];
  readonly steps: readonly Step[];
  readonly log: readonly string[];
}

class Named extends Error {}

class Player {
  readonly log: string[] = [];
  readonly #deferreds: Deferred<unknown>[];
  #pairs = 0;

  constructor(cancellers: readonly string[]) {
    this.#deferreds = cancellers.map((kind) =>
      kind === 'none' ? new Deferred() : new Deferred((deferred) => this.#cancel(kind, deferred)),
    );
  }

  play(step: Step): void {
    const deferred = this.#deferreds[step[1]] as Deferred<unknown>;
    try {
      if (step[0] === 'callback') deferred.callback(step[2]);
      else if (step[0] === 'errback') deferred.errback(new Named(step[2]));
      else if (step[0] === 'cancel') deferred.cancel();
      else if (step[0] === 'chain') deferred.chainDeferred(this.#deferreds[step[2]] as Deferred<unknown>);
      else this.#add(deferred, step[2], step[3]);
    } catch (error) {
      expect(error).to.be.instanceOf(AlreadyCalledError);
      this.log.push('already called');
    }
  }

  end(): void {
    for (const deferred of this.#deferreds) {
      deferred.addBoth((result) => this.log.push(`end ${shown(result)}`));
    }
  }

  #add(deferred: Deferred<unknown>, onValue: Behaviour | null, onError: Behaviour | null): void {
    this.#pairs += 1;
    const pair = this.#pairs;
    deferred.addCallbacks(
      (value) => (onValue === null ? value : this.#call(onValue, `${pair}+ `, value)),
      (error) => {
        if (onError === null) throw error;
        return this.#call(onError, `${pair}- `, error);
      },
    );
  }

  #call(behaviour: Behaviour, name: string, result: unknown): unknown {
    this.log.push(name + shown(result));
    for (const step of behaviour.steps) this.play(step);
    const [verb, what] = behaviour.ending;
    if (verb === 'raise') throw new Named(what);
    if (verb === 'deferred') return this.#deferreds[what];
    if (verb === 'value') return what;
    if (result instanceof Error) throw result;
    return result;
  }

  #cancel(kind: string, deferred: Deferred<unknown>): void {
    this.log.push('cancelled');
    if (kind === 'value') deferred.callback(7);
    if (kind === 'error') deferred.errback(new Named('C'));
  }
}

function shown(result: unknown): string {
  if (result === undefined) return 'nothing';
  if (!(result instanceof Error)) return String(result);
  return result instanceof Named ? result.message : result.constructor.name;
}

describe('Deferred beside Twisted', () => {
  const lines = readFileSync(new URL('./twisted.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  let previous: UnhandledFailureHook;

  before(() => {
    previous = setUnhandledFailureHook(() => {});
  });

  after((done) => {
    // The programs leave failures unheard, on purpose.
    setImmediate(() => {
      setUnhandledFailureHook(previous);
      done();
    });
  });

  it(`makes of ${lines.length} programs of callbacks, chains and cancels what Twisted 26.4 made of them`, () => {
    for (const line of lines) {
      const program = JSON.parse(line) as Program;
      const player = new Player(program.cancellers);
      for (const step of program.steps) {
        player.play(step);
        player.log.push('|');
      }
      player.end();

      expect(player.log, line).to.deep.equal(program.log);
    }
  });
});
