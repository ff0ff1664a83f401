import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import {
  Amp,
  type ArgumentsOf,
  defineCommand,
  integer,
  RemoteAmpError,
  responder,
  UnhandledCommand,
  UnknownRemoteError,
  unicode,
} from '../../../protocols/amp/index.ts';
import { AmpPair, failureOf, turn } from '../../support/amp-pair.ts';

class ZeroDivision extends Error {}
class Overflow extends Error {}

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: integer, b: integer },
  response: { total: integer },
});
const Divide = defineCommand({
  name: 'divide',
  arguments: { numerator: integer, denominator: integer },
  errors: { ZERO_DIVISION: ZeroDivision },
  fatalErrors: { OVERFLOW: Overflow },
});
const Note = defineCommand({ name: 'note', arguments: { text: unicode }, requiresAnswer: false });

describe('Amp', () => {
  it('calls a command that the other end answers', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));

    const answer = pair.client.callRemote(Sum, { a: 13, b: 81 });
    await pair.flow();

    expect(await answer).to.deep.equal({ total: 94 });
  });

  it('answers with a marked method, and lets a subclass override it', async () => {
    class Server extends Amp {
      @responder(Sum)
      sum({ a, b }: ArgumentsOf<typeof Sum>): { total: number } {
        return { total: Number(a) + Number(b) };
      }
    }
    class Greater extends Server {
      override sum(values: ArgumentsOf<typeof Sum>): { total: number } {
        return { total: super.sum(values).total + 1000 };
      }
    }
    const pair = new AmpPair(new Server(), new Greater());

    const answer = pair.client.callRemote(Sum, { a: 1, b: 2 });
    const back = pair.server.callRemote(Sum, { a: 1, b: 2 });
    await pair.flow();

    expect(await answer).to.deep.equal({ total: 1003 });
    expect(await back).to.deep.equal({ total: 3 });
  });

  it('answers later, out of order', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    const answers: Deferred<{ total: number }>[] = [];
    pair.server.respond(Sum, () => {
      const answer = new Deferred<{ total: number }>();
      answers.push(answer);
      return answer;
    });
    const order: number[] = [];

    const first = pair.client.callRemote(Sum, { a: 0, b: 0 }).addCallback(() => order.push(1));
    const second = pair.client.callRemote(Sum, { a: 0, b: 0 }).addCallback(() => order.push(2));
    await pair.flow();
    answers[1]?.callback({ total: 2 });
    answers[0]?.callback({ total: 1 });
    await pair.flow();
    await Promise.all([first, second]);

    expect(order).to.deep.equal([2, 1]);
  });

  it('fails with the class of a declared error, and goes on', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Divide, () => {
      throw new ZeroDivision('division by zero');
    });

    const failure = failureOf(pair.client.callRemote(Divide, { numerator: 1, denominator: 0 }));
    await pair.flow();

    expect(await failure).to.be.instanceOf(ZeroDivision);
    expect((await failure).message).to.equal('division by zero');
    expect(pair.client.connected).to.equal(true);
  });

  it('ends the connection after a fatal error', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Divide, async () => {
      throw new Overflow('too much');
    });

    const failure = failureOf(pair.client.callRemote(Divide, { numerator: 1, denominator: 0 }));
    await pair.flow();

    expect(await failure).to.be.instanceOf(Overflow);
    expect(pair.client.connected).to.equal(false);
  });

  it('tells nothing of an error that is not declared, reports it once, and ends the connection', async () => {
    const reported: Error[] = [];
    const pair = new AmpPair(new Amp(), new Amp({ reportError: (error) => reported.push(error) }));
    const secret = new Error('secret');
    pair.server.respond(Divide, () => {
      throw secret;
    });

    const failure = failureOf(pair.client.callRemote(Divide, { numerator: 1, denominator: 0 }));
    await pair.flow();

    expect(await failure).to.be.instanceOf(UnknownRemoteError);
    expect((await failure).message).to.equal('Unknown Error');
    expect(reported).to.deep.equal([secret]);
    expect(pair.client.connected).to.equal(false);
  });

  it('lets a responder choose its code', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Sum, () => {
      throw new RemoteAmpError({ code: 'CHOSEN', message: 'x' });
    });

    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 2 }));
    await pair.flow();

    expect(await failure).to.be.instanceOf(UnknownRemoteError);
    expect(await failure).to.include({ remoteCode: 'CHOSEN', message: 'x' });
  });

  it('says that nobody answers a command, and goes on', async () => {
    const pair = new AmpPair(new Amp(), new Amp());

    const failure = failureOf(pair.client.callRemote(Sum, { a: 1, b: 2 }));
    await pair.flow();

    expect(await failure).to.be.instanceOf(UnhandledCommand);
    expect(pair.client.connected).to.equal(true);
  });

  it('calls without waiting for an answer', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    const notes: string[] = [];
    pair.server.respond(Note, ({ text }) => {
      notes.push(text);
    });

    await pair.client.callRemote(Note, { text: 'a' });
    await pair.client.callRemote(Note, { text: 'b' });
    await pair.flow();

    expect(notes).to.deep.equal(['a', 'b']);
    expect(pair.serverSide.written).to.deep.equal([]);
  });

  it('carries raw boxes without the keys of its own', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    pair.server.respondBox('RAW', (box) => box);

    const answer = pair.client.callRemoteBox('RAW', new Map([['Foo', Uint8Array.of(0, 255)]]));
    await pair.flow();

    expect(await answer).to.deep.equal(new Map([['Foo', Uint8Array.of(0, 255)]]));
  });

  it('writes what was called in one turn at once', async () => {
    const pair = new AmpPair(new Amp(), new Amp());
    pair.server.respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));

    const answers = [1, 2, 3].map((a) => pair.client.callRemote(Sum, { a, b: a }));
    await turn();
    expect(pair.clientSide.written).to.have.length(1);
    await pair.flow();

    expect((await Promise.all(answers)).map(({ total }) => total)).to.deep.equal([2, 4, 6]);
  });
});
