import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import {
  Amp,
  type Box,
  defineCommand,
  defineProtocolSwitch,
  InvalidSignature,
  listOf,
  optional,
  type ReceivedBox,
  RemoteAmpError,
  safeInteger,
  TooLong,
  unicode,
} from '../../../protocols/amp/index.ts';
import { AmpPair } from '../../support/amp-pair.ts';

class BadThing extends Error {}
class WorseThing extends Error {}

const ascii = (text: string) => new TextEncoder().encode(text);

describe('defineCommand', () => {
  it('refuses names that are none', () => {
    for (const name of ['', 'na\u0100me', 3, undefined, 'x'.repeat(65_536)]) {
      expect(() => defineCommand({ name: name as string }), String(name).slice(0, 9)).to.throw(UsageError);
      expect(() => defineProtocolSwitch({ name: name as string })).to.throw(UsageError);
    }
  });

  it('refuses names of arguments and values that are none, or that AMP uses', () => {
    for (const name of [
      '_ask',
      '_answer',
      '_command',
      '_error',
      '_error_code',
      '_error_description',
      '_route',
    ]) {
      expect(() => defineCommand({ name: 'x', arguments: { [name]: unicode } }), name).to.throw(
        UsageError,
        name,
      );
      expect(() => defineCommand({ name: 'x', response: { [name]: unicode } }), name).to.throw(
        UsageError,
        name,
      );
    }
    expect(() => defineCommand({ name: 'x', arguments: { '': unicode } })).to.throw(UsageError);
    expect(() => defineCommand({ name: 'x', arguments: { ['__proto__']: unicode } })).to.throw(UsageError);
    expect(() => defineCommand({ name: 'x', arguments: { ['k'.repeat(256)]: unicode } })).to.throw(TooLong);
    expect(() => defineCommand({ name: 'x', arguments: { a: undefined as never } })).to.throw(
      UsageError,
      "'a'",
    );
  });

  it('refuses codes that are none, that AMP uses, or that are both fatal and not', () => {
    for (const code of ['', 'UNKNOWN', 'UNHANDLED', 'CODE\u0100']) {
      expect(() => defineCommand({ name: 'x', errors: { [code]: BadThing } }), code).to.throw(UsageError);
      expect(() => defineCommand({ name: 'x', fatalErrors: { [code]: BadThing } }), code).to.throw(
        UsageError,
      );
    }
    expect(() =>
      defineCommand({ name: 'x', errors: { A: BadThing }, fatalErrors: { A: WorseThing } }),
    ).to.throw(UsageError, 'both');
    expect(() => defineCommand({ name: 'x', errors: { A: 'no class' as never } })).to.throw(UsageError);
    expect(() => new RemoteAmpError({ code: '\u0100', message: '' })).to.throw(UsageError);
  });

  it('says what the command is', () => {
    const command = defineCommand({ name: 'x', requiresAnswer: false, errors: { A: BadThing } });

    expect(command).to.include({ name: 'x', requiresAnswer: false, kind: 'values' });
    expect(command.arguments).to.deep.equal({});
    expect(command.errors).to.deep.equal({ A: BadThing });
    expect(defineProtocolSwitch({ name: 'y' })).to.include({ kind: 'protocol', requiresAnswer: true });
  });

  it('inherits errors, and replaces those whose code it has itself', () => {
    const parent = defineCommand({
      name: 'p',
      errors: { A: BadThing, B: BadThing },
      fatalErrors: { C: WorseThing },
    });
    const child = defineCommand({ name: 'c', errors: { B: WorseThing }, extends: parent });
    const grandchild = defineCommand({ name: 'g', extends: child });

    expect(child.errors).to.deep.equal({ A: BadThing, B: WorseThing });
    expect(child.fatalErrors).to.deep.equal({ C: WorseThing });
    expect(grandchild.errors).to.deep.equal(child.errors);
  });

  it('traps the errors that the command declares, and throws others on', () => {
    const command = defineCommand({ name: 'x', errors: { A: BadThing }, fatalErrors: { B: WorseThing } });
    class Derived extends BadThing {}
    const [bad, worse, derived, other] = [
      new BadThing(),
      new WorseThing(),
      new Derived(),
      new Error('other'),
    ];

    expect([command.trap(bad), command.trap(worse), command.trap(derived)]).to.deep.equal([
      bad,
      worse,
      derived,
    ]);
    expect(() => command.trap(other)).to.throw(other);
    for (const thrown of [undefined, null, 'text', 3, Object.create(null)]) {
      let caught: unknown = 'nothing';
      try {
        command.trap(thrown);
      } catch (error) {
        caught = error;
      }
      expect(caught).to.equal(thrown);
    }
  });

  it('makes and parses boxes', () => {
    const command = defineCommand({
      name: 'x',
      arguments: { b: safeInteger, a: optional(listOf(safeInteger)) },
      response: { c: unicode },
    });

    const box = command.makeArguments({ b: 3 });
    expect([...box]).to.deep.equal([['b', ascii('3')]]);
    expect(command.parseArguments(new Map([...box, ['z', ascii('?')]]))).to.deep.equal({ b: 3 });
    expect(() => command.makeArguments({ b: 3, z: 1 } as never)).to.throw(InvalidSignature);
    expect(command.parseResponse(command.makeResponse({ c: 'é'.repeat(40_000) })).c).to.have.length(40_000);
    expect(() => command.parseResponse(new Map())).to.throw("'c' is missing");
  });

  it('uses the hooks that make and parse its boxes, on both sides', async () => {
    const calls: string[] = [];
    const shout = (name: string, values: { text: string }): Box => {
      calls.push(name);
      return new Map([['TEXT', ascii(values.text.toUpperCase())]]);
    };
    const hear = (name: string, box: ReceivedBox): { text: string } => {
      calls.push(name);
      expect([...box.keys()]).to.deep.equal(['TEXT']);
      return { text: new TextDecoder().decode(box.get('TEXT')) };
    };
    const Loud = defineCommand({
      name: 'loud',
      arguments: { text: unicode },
      response: { text: unicode },
      makeArguments: (values) => shout('makeArguments', values),
      parseArguments: (box) => hear('parseArguments', box),
      makeResponse: (values) => shout('makeResponse', values),
      parseResponse: (box) => hear('parseResponse', box),
    });
    const pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Loud, ({ text }) => ({ text: `${text}, you said` }));

    const answer = pair.client.callRemote(Loud, { text: 'hello' });
    await pair.flow();

    expect(await answer).to.deep.equal({ text: 'HELLO, YOU SAID' });
    expect(calls).to.deep.equal(['makeArguments', 'parseArguments', 'makeResponse', 'parseResponse']);
    calls.length = 0;
    expect(Loud.parseArguments(Loud.makeArguments({ text: 'a' }))).to.deep.equal({ text: 'A' });
    expect(calls).to.deep.equal(['makeArguments', 'parseArguments']);
  });

  it('lets no hook write a key of AMP’s own', async () => {
    const Sly = defineCommand({ name: 'sly', makeArguments: () => new Map([['_ask', ascii('7')]]) });
    const { client } = new AmpPair(new Amp(), new Amp());

    let failure: unknown;
    await client.callRemote(Sly).addErrback((error) => {
      failure = error;
    });

    expect(failure).to.be.instanceOf(UsageError);
  });
});
