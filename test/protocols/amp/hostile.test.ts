import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import { Amp, bytes, defineCommand, encodeBox, ProtocolViolation } from '../../../protocols/amp/index.ts';
import { failureOf } from '../../support/amp-pair.ts';

const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });
const Note = defineCommand({ name: 'note', arguments: { value: bytes }, requiresAnswer: false });

function call(name: string, tag: string | undefined, valueBytes: number): Uint8Array {
  const text = new TextEncoder();
  const box = new Map([
    ['_command', text.encode(name)],
    ['value', new Uint8Array(valueBytes)],
  ]);
  if (tag !== undefined) box.set('_ask', text.encode(tag));
  return encodeBox(box);
}

describe('a hostile peer of an Amp', () => {
  it('cannot have answers pile up by never answering a request for TLS', async () => {
    const amp = new Amp({ maxBacklogBytes: 200_000 });
    const transport = new StringTransport();
    amp.makeConnection(transport);
    amp.respond(Echo, ({ value }) => ({ value }));
    const secured = amp.startTLS({ insecure: true });

    for (let tag = 1; tag <= 10; tag += 1) amp.dataReceived(call('echo', `${tag}`, 60_000));

    expect(transport.aborting).to.equal(true);
    expect(await failureOf(secured)).to.be.instanceOf(ProtocolViolation);
  });

  it('is read no further while the calls that wait for their responders have many bytes', () => {
    const amp = new Amp({ maxOwedBytes: 100_000 });
    const transport = new StringTransport();
    amp.makeConnection(transport);
    const waiting: Deferred<{ value: Uint8Array }>[] = [];
    amp.respond(Echo, () => {
      const answer = new Deferred<{ value: Uint8Array }>();
      waiting.push(answer);
      return answer;
    });

    for (let tag = 1; tag <= 5; tag += 1) amp.dataReceived(call('echo', `${tag}`, 60_000));

    expect(waiting).to.have.length(2);
    expect(transport.paused).to.equal(true);
  });

  it('is refused what it calls when that has too many bytes, and an answer is awaited', () => {
    const amp = new Amp({ maxOwedBytes: 100_000 });
    const transport = new StringTransport();
    amp.makeConnection(transport);
    amp.respond(Echo, () => new Deferred<{ value: Uint8Array }>());
    void amp.callRemote(Echo, { value: new Uint8Array(1) });

    for (let tag = 1; tag <= 10; tag += 1) amp.dataReceived(call('echo', `${tag}`, 60_000));

    expect(transport.text.split('BUSY')).to.have.length(4);
  });

  it('loses the connection for calls of too many bytes that nobody waits for', () => {
    const amp = new Amp({ maxOwedBytes: 100_000 });
    const transport = new StringTransport();
    amp.makeConnection(transport);
    amp.respond(Note, () => new Deferred<undefined>());
    void amp.callRemote(Echo, { value: new Uint8Array(1) }).addErrback(() => {});

    for (let count = 1; count <= 10; count += 1) amp.dataReceived(call('note', undefined, 60_000));

    expect(transport.disconnecting).to.equal(true);
  });
});
