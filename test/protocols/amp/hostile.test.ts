import { expect } from 'chai';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import { Amp, bytes, defineCommand, encodeBox, ProtocolViolation } from '../../../protocols/amp/index.ts';
import { failureOf } from '../../support/amp-pair.ts';

const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });

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
});
