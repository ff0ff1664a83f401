import { expect } from 'chai';
import type { InetAddress } from '../../../lib/interfaces/address.ts';
import { ClientFactory, Factory } from '../../../lib/protocol/factory.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import { Amp, bytes, defineCommand } from '../../../protocols/amp/index.ts';
import { turn } from '../../support/amp-pair.ts';

const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });

const CALLS = 10;

describe('Amp and the Nagle algorithm', () => {
  it('switches it off before connectionMade, where it can be switched on again', () => {
    const seen: boolean[] = [];
    class Patient extends Amp {
      override connectionMade(): void {
        seen.push(this.transport.getTcpNoDelay());
        this.transport.setTcpNoDelay(false);
      }
    }
    const transport = new StringTransport();

    new Patient().makeConnection(transport);

    expect(seen).to.deep.equal([true]);
    expect(transport.getTcpNoDelay()).to.equal(false);
  });

  it('has no call of more than a segment wait for a delayed ACK, over PTCP', async () => {
    const reactor = new MemoryReactor();
    const server = new Factory();
    server.buildProtocol = () => new Amp().respond(Echo, (values) => values);
    const port = reactor.listenPTCP(0, server, { interface: '127.0.0.1' });
    const amp = new Amp();
    const client = new ClientFactory();
    client.buildProtocol = () => amp;
    reactor.advance(1);
    reactor.connectPTCP('127.0.0.1', (port.getHost() as InetAddress).port, client);
    for (let waitedMs = 0; waitedMs < 50 && !amp.connected; waitedMs += 1) reactor.advance(1);

    let tookMs = 0;
    for (let count = 0; count < CALLS; count += 1) {
      const answer = amp.callRemote(Echo, { value: new Uint8Array(2000) });
      for (; tookMs < 1000 && !answer.called; tookMs += 1) {
        await turn();
        reactor.advance(1);
      }
    }

    expect(tookMs / CALLS, 'ms for a call').to.be.lessThan(10);
  });
});
