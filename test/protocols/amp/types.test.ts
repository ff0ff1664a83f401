import { expectTypeOf } from 'expect-type';
import type { Deferred } from '../../../lib/defer/deferred.ts';
import type { TlsFacts } from '../../../lib/interfaces/tls.ts';
import { Protocol } from '../../../lib/protocol/protocol.ts';
import {
  Amp,
  type ArgumentsOf,
  ampList,
  bigInteger,
  boolean,
  bytes,
  defineCommand,
  defineProtocolSwitch,
  type ErrorsOf,
  float,
  LocatorTable,
  listOf,
  optional,
  type ReceivedBox,
  type ResponseOf,
  responder,
  respondTo,
  StartTls,
  safeInteger,
  unicode,
} from '../../../protocols/amp/index.ts';

class BadThing extends Error {
  readonly isBad = true;
}
class WorseThing extends Error {
  readonly isWorse = true;
}
class ZeroDivision extends Error {
  readonly isZero = true;
}

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
  errors: { BAD_THING: BadThing },
  fatalErrors: { WORSE_THING: WorseThing },
});
const Child = defineCommand({ name: 'child', errors: { ZERO_DIVISION: ZeroDivision }, extends: Sum });
const Everything = defineCommand({
  name: 'everything',
  arguments: {
    big: bigInteger,
    text: unicode,
    raw: bytes,
    real: float,
    flag: boolean,
    'list-of-list': listOf(listOf(safeInteger)),
    rows: ampList({ x: safeInteger, y: optional(unicode) }),
    maybe: optional(safeInteger),
  },
});
const Note = defineCommand({ name: 'note', arguments: { text: unicode }, requiresAnswer: false });
const Count = defineCommand({ name: 'count', response: { count: safeInteger } });
const Switch = defineProtocolSwitch({
  name: 'switch',
  arguments: { ok: boolean },
  errors: { BAD: BadThing },
});

/** What is in here is compiled, and never called. */
function compiles(_claims: () => void): void {}

describe('the types of AMP', () => {
  it('are those of the schema', () => {
    expectTypeOf<ArgumentsOf<typeof Sum>>().toEqualTypeOf<{ readonly a: number; readonly b: number }>();
    expectTypeOf<ResponseOf<typeof Sum>>().toEqualTypeOf<{ readonly total: number }>();
    expectTypeOf<ArgumentsOf<typeof Everything>>().toEqualTypeOf<{
      readonly big: bigint;
      readonly text: string;
      readonly raw: Uint8Array;
      readonly real: number;
      readonly flag: boolean;
      readonly 'list-of-list': readonly (readonly number[])[];
      readonly rows: readonly { readonly x: number; readonly y?: string | undefined }[];
      readonly maybe?: number | undefined;
    }>();
    expectTypeOf<ResponseOf<typeof Everything>>().toEqualTypeOf<Record<never, never>>();
  });

  it('are those of the errors that are declared, and inherited', () => {
    expectTypeOf<ErrorsOf<typeof Sum>>().toEqualTypeOf<BadThing | WorseThing>();
    expectTypeOf<ErrorsOf<typeof Child>>().toEqualTypeOf<BadThing | WorseThing | ZeroDivision>();
    expectTypeOf<ErrorsOf<typeof Note>>().toEqualTypeOf<never>();
    expectTypeOf<ErrorsOf<typeof Switch>>().toEqualTypeOf<BadThing>();
    expectTypeOf(Sum.trap).returns.toEqualTypeOf<BadThing | WorseThing>();
  });

  it('tell what a call takes and what comes of it', () => {
    compiles(() => {
      const amp = new Amp();
      expectTypeOf(amp.callRemote(Sum, { a: 1, b: 2 })).toEqualTypeOf<Deferred<{ readonly total: number }>>();
      expectTypeOf(amp.callRemote(Note, { text: 'a' })).toEqualTypeOf<Deferred<void>>();
      expectTypeOf(amp.callRemote(Count)).toEqualTypeOf<Deferred<{ readonly count: number }>>();
      expectTypeOf(amp.callRemote(Count, {}, { timeoutMs: 5 })).toEqualTypeOf<
        Deferred<{ readonly count: number }>
      >();
      expectTypeOf(amp.callRemoteBox('RAW')).toEqualTypeOf<Deferred<ReceivedBox>>();
      expectTypeOf(amp.startTLS({ insecure: true })).toEqualTypeOf<Deferred<TlsFacts>>();
      expectTypeOf(amp.switchProtocol(Switch, { ok: true }, () => new Amp())).toEqualTypeOf<Deferred<Amp>>();
    });
  });

  it('refuse calls that are none', () => {
    compiles(() => {
      const amp = new Amp();
      // @ts-expect-error: an argument is missing
      amp.callRemote(Sum, { a: 1 });
      // @ts-expect-error: all arguments are missing
      amp.callRemote(Sum);
      // @ts-expect-error: there is no argument c
      amp.callRemote(Sum, { a: 1, b: 2, c: 3 });
      // @ts-expect-error: a is a number
      amp.callRemote(Sum, { a: '1', b: 2 });
      // @ts-expect-error: there is no such option
      amp.callRemote(Sum, { a: 1, b: 2 }, { timeout: 5 });
      // @ts-expect-error: the answer has no such value
      amp.callRemote(Sum, { a: 1, b: 2 }).addCallback(({ sum }) => sum);
      // @ts-expect-error: a switch is not called for its values
      amp.callRemote(Switch, { ok: true });
      // @ts-expect-error: nor is TLS
      amp.callRemote(StartTls);
      // @ts-expect-error: and no other command switches protocols
      amp.switchProtocol(Sum, { a: 1, b: 2 }, () => new Amp());
      // @ts-expect-error: an optional value has its type all the same
      amp.callRemote(Everything, { ...({} as ArgumentsOf<typeof Everything>), maybe: 'x' });
    });
  });

  it('are those of responders, which may answer later', () => {
    compiles(() => {
      const amp = new Amp();
      amp.respond(Sum, ({ a, b }, call) => {
        expectTypeOf(a).toEqualTypeOf<number>();
        expectTypeOf(call.peer.callRemote(Count)).toEqualTypeOf<Deferred<{ readonly count: number }>>();
        return { total: a + b };
      });
      amp.respond(Sum, async ({ a, b }) => ({ total: a + b }));
      amp.respond(Count, (_values, call) => call.peer.callRemote(Count));
      amp.respond(Note, ({ text }) => {
        expectTypeOf(text).toEqualTypeOf<string>();
      });
      amp.respond(Note, async () => {});
      amp.respond(Switch, () => new Protocol());
      amp.respond(StartTls, () => ({ certificate: '', key: '' }));
      amp.respondBox('RAW', (box) => box);
      new LocatorTable().respond(Count, () => ({ count: 1 }));
      respondTo(Count, async () => ({ count: 1 }));
    });
  });

  it('refuse responders that return something else', () => {
    compiles(() => {
      const amp = new Amp();
      // @ts-expect-error: total is a number
      amp.respond(Sum, () => ({ total: 'three' }));
      // @ts-expect-error: total is missing
      amp.respond(Sum, () => ({}));
      // @ts-expect-error: nothing is returned
      amp.respond(Sum, () => {});
      // @ts-expect-error: later, too
      amp.respond(Sum, async () => ({ sum: 3 }));
      // @ts-expect-error: there is no argument c
      amp.respond(Sum, ({ c }) => ({ total: c }));
      // @ts-expect-error: a switch ends with a protocol
      amp.respond(Switch, () => ({}));
      // @ts-expect-error: a box is no object of values
      amp.respondBox('RAW', () => ({ a: 1 }));
    });
  });

  it('check methods that are marked', () => {
    compiles(() => {
      class Right extends Amp {
        @responder(Sum)
        sum({ a, b }: ArgumentsOf<typeof Sum>): ResponseOf<typeof Sum> {
          return { total: a + b + this.#bonus() };
        }

        @responder(Count)
        async count(): Promise<{ count: number }> {
          return { count: 1 };
        }

        @responder(Note)
        note({ text }: { text: string }): void {
          this.callRemote(Note, { text });
        }

        #bonus(): number {
          return 0;
        }
      }
      expectTypeOf<Right>().toExtend<Amp>();

      class Wrong {
        // @ts-expect-error: total is a number
        @responder(Sum)
        sum(): { total: string } {
          return { total: '' };
        }

        // @ts-expect-error: the arguments are others
        @responder(Sum)
        other({ text }: { text: string }): { total: number } {
          return { total: text.length };
        }

        // @ts-expect-error: it is no method
        @responder(Count)
        field = 1;
      }
      expectTypeOf<Wrong>().not.toBeAny();
    });
  });

  it('refuse definitions that are none', () => {
    compiles(() => {
      // @ts-expect-error: a name is missing
      defineCommand({ arguments: { a: safeInteger } });
      // @ts-expect-error: a class is no argument type
      defineCommand({ name: 'x', arguments: { a: Number } });
      // @ts-expect-error: an error is a class that is made of a message
      defineCommand({ name: 'x', errors: { CODE: Map } });
      // @ts-expect-error: a switch answers nothing
      defineProtocolSwitch({ name: 'x', response: { a: safeInteger } });
      defineCommand({
        name: 'x',
        response: { a: safeInteger },
        // @ts-expect-error: it parses to what the response is not
        parseResponse: () => ({ a: 'text' }),
      });
    });
  });
});
