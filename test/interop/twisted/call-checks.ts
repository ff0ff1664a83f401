import { expect } from 'chai';
import { ConnectionDone, ConnectionLost } from '../../../lib/errors.ts';
import {
  RemoteAmpError,
  TooLong,
  UnhandledCommand,
  UnknownRemoteError,
} from '../../../protocols/amp/index.ts';
import { ascii, type Check, expectAlive, expectClosed, failure } from './checking-client.ts';
import {
  BadThing,
  BigAnswer,
  CallMeBack,
  Delayed,
  EchoString,
  Fail,
  FailChild,
  Note,
  NoteCount,
  Sum,
  WorseThing,
  ZeroDivisionError,
} from './schema.ts';

/** What Twisted calls ConnectionClosed. */
function expectConnectionClosed(error: Error): void {
  expect(error instanceof ConnectionDone || error instanceof ConnectionLost, String(error)).to.equal(true);
}

/** Checks of calls, answers and errors, as in peer/amp_client.py. */
export const CALL_CHECKS: Readonly<Record<string, Check>> = {
  largest_value: async (client) => {
    const value = Uint8Array.from({ length: 65_535 }, (_, index) => index & 255);

    const answer = await client.callRemote(EchoString, { value });

    expect(Buffer.compare(answer.value, value)).to.equal(0);
  },

  many_large_boxes: async (client) => {
    const value = new Uint8Array(65_535).fill(0x7a);

    const answers = await Promise.all(
      Array.from({ length: 200 }, () => client.callRemote(EchoString, { value })),
    );

    expect(answers.every((answer) => Buffer.compare(answer.value, value) === 0)).to.equal(true);
  },

  too_long_value_raises_locally: async (client) => {
    const value = new Uint8Array(65_536);

    const error = await failure(client.callRemote(EchoString, { value }));

    expect(error).to.be.instanceOf(TooLong);
    await expectAlive(client);
  },

  concurrent_calls: async (client) => {
    const numbers = Array.from({ length: 5000 }, (_, index) => index);

    const answers = await Promise.all(
      numbers.map((number) => client.callRemote(Sum, { a: number, b: number })),
    );

    expect(answers.map(({ total }) => total)).to.deep.equal(numbers.map((number) => 2 * number));
  },

  answers_out_of_order: async (client) => {
    const order: (number | bigint)[] = [];
    const call = (milliseconds: number) =>
      client.callRemote(Delayed, { milliseconds, token: milliseconds }).addCallback(({ token }) => {
        order.push(token);
        return token;
      });

    const tokens = await Promise.all([120, 60, 0].map(call));

    expect(order).to.deep.equal([0, 60, 120]);
    expect(tokens).to.deep.equal([120, 60, 0]);
  },

  declared_error: async (client) => {
    const error = await failure(client.callRemote(Fail, { kind: ascii('bad'), message: 'méssage' }));

    expect(error).to.be.instanceOf(BadThing);
    expect(error.message).to.equal('méssage');
    await expectAlive(client);
  },

  inherited_and_added_errors: async (client) => {
    const inherited = await failure(client.callRemote(FailChild, { kind: ascii('bad'), message: 'x' }));
    const added = await failure(client.callRemote(FailChild, { kind: ascii('zero'), message: 'x' }));

    expect(inherited).to.be.instanceOf(BadThing);
    expect(added).to.be.instanceOf(ZeroDivisionError);
    await expectAlive(client);
  },

  chosen_remote_error_code_is_unknown_here: async (client) => {
    const error = await failure(client.callRemote(Fail, { kind: ascii('remote'), message: 'x' }));

    expect(error).to.be.instanceOf(UnknownRemoteError);
    expect(error.message).to.equal('x');
    expect((error as UnknownRemoteError).remoteCode).to.equal('CHOSEN');
    await expectAlive(client);
  },

  fatal_error_then_close: async (client) => {
    const error = await failure(client.callRemote(Fail, { kind: ascii('worse'), message: 'x' }));

    expect(error).to.be.instanceOf(WorseThing);
    await expectClosed(client);
  },

  undeclared_error_then_close: async (client) => {
    const error = await failure(client.callRemote(Fail, { kind: ascii('other'), message: 'secret' }));

    expect(error).to.be.instanceOf(UnknownRemoteError);
    await expectClosed(client);
  },

  undeclared_error_does_not_leak_text: async (client) => {
    const error = await failure(client.callRemote(Fail, { kind: ascii('other'), message: 'secret' }));

    expect(error).to.be.instanceOf(UnknownRemoteError);
    expect(String(error)).to.not.contain('secret');
  },

  bad_local_return_then_close: async (client) => {
    const error = await failure(client.callRemote(Fail, { kind: ascii('none'), message: '' }));

    expect(error).to.be.instanceOf(UnknownRemoteError);
    await expectClosed(client);
  },

  answer_too_long_drops_connection: async (client) => {
    const error = await failure(client.callRemote(BigAnswer, { size: 65_536 }));

    if (!(error instanceof RemoteAmpError)) expectConnectionClosed(error);
  },

  unhandled_command_keeps_connection: async (client) => {
    const error = await failure(client.callRemoteBox('no-such-command', new Map()));

    expect(error).to.be.instanceOf(UnhandledCommand);
    await expectAlive(client);
  },

  no_answer: async (client) => {
    const one = client.callRemote(Note, { text: 'a' });
    const isDone = one.called;
    await client.callRemote(Note, { text: 'b' });
    const { count } = await client.callRemote(NoteCount, {});

    expect(isDone, 'nobody waits for an answer').to.equal(true);
    expect(count).to.equal(2);
  },

  no_answer_command_asked_for_an_answer: async (client) => {
    const box = await client.callRemoteBox('note', new Map([['text', ascii('c')]]));
    const { count } = await client.callRemote(NoteCount, {});

    expect(box.size).to.equal(0);
    expect(count).to.equal(1);
  },

  no_answer_failure_drops_connection: async (client) => {
    await client.callRemote(Note, { text: 'explode' });

    const error = await failure(client.callRemote(Delayed, { milliseconds: 2000, token: 1 }));

    expectConnectionClosed(error);
  },

  outstanding_calls_fail_on_close: async (client) => {
    const errors = Array.from({ length: 10 }, (_, token) =>
      failure(client.callRemote(Delayed, { milliseconds: 5000, token })),
    );
    client.transport.loseConnection();

    for (const error of await Promise.all(errors)) expectConnectionClosed(error);
    expectConnectionClosed(await failure(client.callRemote(Sum, { a: 1, b: 1 })));
  },

  reverse_call: async (client) => {
    expect(await client.callRemote(CallMeBack, { a: 40, b: 2 })).to.deep.equal({ total: 42 });
  },

  unknown_arguments_are_ignored: async (client) => {
    const numbers = new Map(Object.entries({ a: ascii('1'), b: ascii('2'), c: ascii('3') }));

    const box = await client.callRemoteBox('Sum', numbers);

    expect(box.get('total')).to.deep.equal(ascii('3'));
  },

  raw_string_command: async (client) => {
    const sent = new Map([
      ['Foo', Uint8Array.of(0x00, 0xff)],
      ['bar-Baz', new Uint8Array(0)],
    ]);

    const box = await client.callRemoteBox('RAW', sent);

    expect(box).to.deep.equal(sent);
  },
};
