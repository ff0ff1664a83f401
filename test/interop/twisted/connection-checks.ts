import { expect } from 'chai';
import { Deferred, Protocol } from '../../../lib/index.ts';
import { ProtocolSwitched } from '../../../protocols/amp/index.ts';
import { ascii, type Check, expectAlive, failure, within } from './checking-client.ts';
import { BadThing, EchoString, Sum, SwitchToEcho } from './schema.ts';

/** Says hello, and waits for it to come back in capitals. */
class Greeter extends Protocol {
  readonly greeted = new Deferred<void>();
  #heard = '';

  override connectionMade(): void {
    this.transport.write(ascii('hello'));
  }

  override dataReceived(bytes: Uint8Array): void {
    this.#heard += Buffer.from(bytes).toString('latin1');
    if (this.#heard === 'HELLO') this.greeted.callback();
  }
}

/** Checks of what becomes of the connection, as in peer/amp_client.py. */
export const CONNECTION_CHECKS: Readonly<Record<string, Check>> = {
  protocol_switch: async (client) => {
    const greeter = await client.switchProtocol(SwitchToEcho, { ok: true }, () => new Greeter());
    await within(3000, greeter.greeted, 'the echo');

    const error = await failure(client.callRemote(Sum, { a: 1, b: 1 }));

    expect(error).to.be.instanceOf(ProtocolSwitched);
  },

  protocol_switch_refused: async (client) => {
    const error = await failure(client.switchProtocol(SwitchToEcho, { ok: false }, () => new Protocol()));

    expect(error).to.be.instanceOf(BadThing);
    await expectAlive(client);
  },

  start_tls: async (client) => {
    const secured = client.startTLS({ insecure: true });
    const held = client.callRemote(Sum, { a: 5, b: 6 });

    const { version } = await secured;

    expect(version).to.match(/^TLSv1\.[23]$/);
    expect(await held).to.deep.equal({ total: 11 });
    const value = new Uint8Array(65_535).fill(0x74);
    const answer = await client.callRemote(EchoString, { value });
    expect(Buffer.compare(answer.value, value)).to.equal(0);
  },
};
