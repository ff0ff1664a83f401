import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import {
  Amp,
  AmpDateTime,
  type AmpOptions,
  Decimal,
  defineCommand,
  encodeBox,
  integer,
  unicode,
} from '../../../protocols/amp/index.ts';
import { turn } from '../../support/amp-pair.ts';
import { EVERYTHING } from '../../support/amp-values.ts';

class ZeroDivision extends Error {}
class Overflow extends Error {}

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: integer, b: integer },
  response: { total: integer },
});
const Note = defineCommand({ name: 'note', arguments: { text: unicode }, requiresAnswer: false });
const Divide = defineCommand({
  name: 'divide',
  arguments: { numerator: integer, denominator: integer },
  errors: { ZERO_DIVISION: ZeroDivision },
  fatalErrors: { OVERFLOW: Overflow },
});
const Everything = defineCommand({ name: 'everything', arguments: EVERYTHING, response: EVERYTHING });

// What python3-twisted writes: C what the caller, S what the answering side does.
const SUM_C = '00045f61736b00013100085f636f6d6d616e64000353756d00016100023133000162000238310000';
const SUM_S = '00075f616e737765720001310005746f74616c000239340000';
const NOTE_C = '00085f636f6d6d616e6400046e6f7465000474657874000368c3a90000';
const DIVIDE_C =
  '00045f61736b00013100085f636f6d6d616e640006646976696465000b64656e6f6d696e61746f7200013000096e756d657261746f720001310000';
const ZERO_S =
  '00065f6572726f72000131000b5f6572726f725f636f6465000d5a45524f5f4449564953494f4e00125f6572726f725f6465736372697074696f6e00106469766973696f6e206279207a65726f0000';
const FATAL_S =
  '00065f6572726f72000131000b5f6572726f725f636f646500084f564552464c4f5700125f6572726f725f6465736372697074696f6e0009746f6f20c3a976696c0000';
const UNKNOWN_S =
  '00065f6572726f72000131000b5f6572726f725f636f64650007554e4b4e4f574e00125f6572726f725f6465736372697074696f6e000d556e6b6e6f776e204572726f720000';
const UNHANDLED_S =
  '00065f6572726f72000131000b5f6572726f725f636f64650009554e48414e444c454400125f6572726f725f6465736372697074696f6e001a556e68616e646c656420436f6d6d616e643a2062276e6f7065270000';
const FIELDS_OF_EVERYTHING =
  '0007616d706c697374001800017800013100017900036f6e65000000017800013200000007626f6f6c65616e0004547275650008646174657469' +
  '6d650020323031322d30312d32335431323a33343a35362e3035343332312d30303a30300007646563696d616c000431452b320005666c6f6174' +
  '00036e616e0007696e746567657200032d343200076c6973742d6f66000c00013100023230000333303000047061746800062f746d702f780006' +
  '737472696e67000200ff0007756e69636f64650005c3a9e4b8960000';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

describe('AMP on the wire, as Twisted writes it', () => {
  let amp: Amp;
  let transport: StringTransport;

  function start(options: AmpOptions = { reportError: () => {} }): void {
    amp = new Amp(options);
    transport = new StringTransport();
    amp.makeConnection(transport);
  }

  function written(): string {
    const text = transport.written.map(hex).join('');
    transport.clear();
    return text;
  }

  beforeEach(() => start());

  it('calls a command, with a tag that counts from 1', async () => {
    const answer = amp.callRemote(Sum, { a: 13, b: 81 });
    await turn();
    expect(written()).to.equal(SUM_C);

    amp.dataReceived(unhex(SUM_S));

    expect(await answer).to.deep.equal({ total: 94 });
  });

  it('answers a command', () => {
    amp.respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));

    amp.dataReceived(unhex(SUM_C));

    expect(written()).to.equal(SUM_S);
  });

  it('counts tags in hexadecimal without padding, calls without an answer as well', async () => {
    for (let call = 1; call <= 14; call += 1) void amp.callRemote(Note, { text: '' });
    void amp.callRemote(Sum, { a: 0, b: 0 });
    void amp.callRemote(Sum, { a: 0, b: 0 });
    await turn();

    expect(transport.text).to.contain('\0\x04_ask\0\x01f').and.contain('\0\x04_ask\0\x0210');
  });

  it('calls without a tag, and answers nothing', async () => {
    void amp.callRemote(Note, { text: 'hé' });
    await turn();
    expect(written()).to.equal(NOTE_C);

    const notes: string[] = [];
    amp.respond(Note, ({ text }) => {
      notes.push(text);
    });
    amp.dataReceived(unhex(NOTE_C));

    expect(notes).to.deep.equal(['hé']);
    expect(written()).to.equal('');
  });

  it('answers a command for which no answer is due, when one is asked for', () => {
    amp.respond(Note, () => {});

    amp.dataReceived(unhex(`00045f61736b000131${NOTE_C}`));

    expect(written()).to.equal('00075f616e737765720001310000');
  });

  for (const [title, response, end] of [
    ['a declared error, and goes on', ZERO_S, false],
    ['a fatal error, and closes', FATAL_S, true],
    ['an error that is not declared, without its text, and closes', UNKNOWN_S, true],
  ] as const) {
    it(`answers ${title}`, () => {
      const errors = {
        [ZERO_S]: new ZeroDivision('division by zero'),
        [FATAL_S]: new Overflow('too évil'),
        [UNKNOWN_S]: new Error('secret'),
      };
      amp.respond(Divide, () => {
        throw errors[response];
      });

      amp.dataReceived(unhex(DIVIDE_C));

      expect(written()).to.equal(response);
      expect(transport.disconnecting).to.equal(end);
    });
  }

  it('answers an unknown command, and goes on', () => {
    amp.dataReceived(unhex('00045f61736b00013100085f636f6d6d616e6400046e6f70650000'));

    expect(written()).to.equal(UNHANDLED_S);
    expect(transport.disconnecting).to.equal(false);
  });

  it('carries every type of argument, there and back', async () => {
    amp.respond(Everything, ({ ...values }) => values);
    const answer = amp.callRemote(Everything, {
      integer: -42,
      string: Uint8Array.of(0, 255),
      float: Number.NaN,
      boolean: true,
      unicode: 'é世',
      path: '/tmp/x',
      'list-of': [1, 20, 300],
      amplist: [{ x: 1, y: 'one' }, { x: 2 }],
      decimal: Decimal.parse('1E+2') as Decimal,
      datetime: AmpDateTime.parse('2012-01-23T12:34:56.054321-00:00') as AmpDateTime,
    });
    await turn();
    const call = written();
    expect(call).to.equal(
      `00045f61736b00013100085f636f6d6d616e64000a65766572797468696e67${FIELDS_OF_EVERYTHING}`,
    );

    amp.dataReceived(unhex(call));
    const response = written();
    expect(response).to.equal(`00075f616e73776572000131${FIELDS_OF_EVERYTHING}`);
    amp.dataReceived(unhex(response));

    expect(await answer).to.have.property('unicode', 'é世');
    expect(await answer).to.not.have.property('opt');
  });

  it('sends back the peer’s tag, whatever bytes it is made of', () => {
    amp.respond(Note, () => {});
    for (const tag of ['', '01', 'A', '-1', '10000000000000', '\xff\0', 'x'.repeat(300)]) {
      const bytes = Uint8Array.from(tag, (character) => character.charCodeAt(0));
      const call = new Map([
        ['_ask', bytes],
        ['_command', new TextEncoder().encode('note')],
        ['text', new Uint8Array(0)],
      ]);

      amp.dataReceived(encodeBox(call));

      expect(written()).to.equal(hex(encodeBox(new Map([['_answer', bytes]]))));
    }
  });

  it('sends back the peer’s tag with an answer that comes later', () => {
    const later = new Deferred<void>();
    amp.respond(Note, () => later);
    const chunk = encodeBox(
      new Map([
        ['_ask', Uint8Array.of(0xff, 0)],
        ['_command', new TextEncoder().encode('note')],
        ['text', new Uint8Array(0)],
      ]),
    );

    amp.dataReceived(chunk);
    chunk.fill(0);
    later.callback();
    amp.loseConnection();

    expect(written()).to.equal('00075f616e737765720002ff000000');
  });

  it('takes keys in any order, the last of one that comes twice, and ignores those it does not know', () => {
    amp.respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));

    amp.dataReceived(
      unhex(
        '000162000238310001630001ff00016100023939000161000231330008' +
          '5f636f6d6d616e64000353756d00045f61736b0001310000',
      ),
    );

    expect(written()).to.equal(SUM_S);
  });

  for (const [fault, bytes] of [
    ['an empty box', '0000'],
    ['a key of 256 bytes', `0100${'61'.repeat(256)}00000000`],
    ['a key of 256 bytes behind others', `00016100000100${'61'.repeat(256)}00000000`],
    ['a box that is no call, no answer and no error', '0001610001310000'],
    ['an answer to a call that was not made', '00075f616e737765720001310000'],
    ['an answer with a tag that is not written as ours are', '00075f616e73776572000230310000'],
    ['an error of a call that was not made', '00065f6572726f720001310000'],
    ['an unknown command without a tag', '00085f636f6d6d616e6400046e6f70650000'],
  ] as const) {
    it(`closes upon ${fault}, and fails the calls that wait with the reason`, async () => {
      const answer = amp.callRemote(Sum, { a: 1, b: 2 });
      amp.dataReceived(unhex(SUM_S));
      const waiting = amp.callRemote(Sum, { a: 1, b: 2 });
      const reasons: string[] = [];
      waiting.addErrback((error) => reasons.push(error.name));

      amp.dataReceived(unhex(bytes));

      expect(transport.disconnecting).to.equal(true);
      expect(transport.aborting).to.equal(false);
      expect(reasons).to.have.length(1);
      await answer;
    });
  }

  it('routes by _answer before _error before _command', async () => {
    amp.respondBox('Sum', () => {
      throw new Error('never');
    });
    const answer = amp.callRemote(Sum, { a: 1, b: 2 });
    const failing = amp.callRemote(Sum, { a: 1, b: 2 });
    const failed = failing.addErrback((error) => error);

    amp.dataReceived(
      encodeBox(
        new Map([
          ['_answer', Uint8Array.of(0x31)],
          ['_command', Uint8Array.of(0x53, 0x75, 0x6d)],
          ['_error', Uint8Array.of(0x32)],
          ['total', Uint8Array.of(0x33)],
        ]),
      ),
    );
    amp.dataReceived(
      encodeBox(
        new Map([
          ['_command', Uint8Array.of(0x53, 0x75, 0x6d)],
          ['_error', Uint8Array.of(0x32)],
        ]),
      ),
    );

    expect(await answer).to.deep.equal({ total: 3 });
    expect(await failed).to.have.property('name', 'UnknownRemoteError');
  });

  it('answers what came before a fault', () => {
    amp.respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));

    amp.dataReceived(unhex(`${SUM_C}0000`));

    expect(written()).to.equal(SUM_S);
    expect(transport.disconnecting).to.equal(true);
  });
});
