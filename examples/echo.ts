// An echo server and its client over PTCP, in one process: npx tsx --conditions=@hawser/source examples/echo.ts
import { ClientFactory, Factory, Protocol, reactor } from 'hawser';

class Echo extends Protocol {
  override dataReceived(bytes: Uint8Array): void {
    this.transport.write(bytes);
  }
}

class Greeter extends Protocol {
  override connectionMade(): void {
    this.transport.write(new TextEncoder().encode('hello through UDP\n'));
  }

  override dataReceived(bytes: Uint8Array): void {
    process.stdout.write(new TextDecoder().decode(bytes));
    this.transport.loseConnection();
  }

  override connectionLost(reason: Error): void {
    console.log(reason.name); // ConnectionDone
    reactor.stop();
  }
}

const port = reactor.listenPTCP(0, Factory.forProtocol(Echo), { interface: '127.0.0.1' });
await port.listening;
reactor.connectPTCP('127.0.0.1', port.getHost().port, ClientFactory.forProtocol(Greeter));
await reactor.run();
