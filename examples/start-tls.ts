// hawser certificate localhost, then: npx tsx --conditions=@hawser/source examples/start-tls.ts certificate.pem key.pem
import { readFile } from 'node:fs/promises';
import { ClientFactory, Factory, Protocol, reactor } from 'hawser';

const [, , certificateFile = 'certificate.pem', keyFile = 'key.pem'] = process.argv;
const certificate = await readFile(certificateFile, 'utf8');
const key = await readFile(keyFile, 'utf8');

class Server extends Protocol {
  override dataReceived(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    if (text !== 'STARTTLS\n') {
      this.transport.write(bytes); // under TLS: an echo
      return;
    }
    this.transport.write(new TextEncoder().encode('GO\n')); // the last word in clear
    this.transport.startTLS?.({ isServer: true, certificate, key });
  }
}

class Client extends Protocol {
  override connectionMade(): void {
    this.transport.write(new TextEncoder().encode('STARTTLS\n'));
  }

  override dataReceived(bytes: Uint8Array): void {
    console.log(this.transport.tls?.version ?? 'in clear', new TextDecoder().decode(bytes).trim());
    if (this.transport.tls !== undefined) {
      this.transport.loseConnection();
      return;
    }
    this.transport.startTLS?.({ serverName: 'localhost', ca: certificate });
    this.transport.write(new TextEncoder().encode('hello\n')); // waits until the server is verified
  }

  override connectionLost(): void {
    reactor.stop();
  }
}

const port = reactor.listenPTCP(0, Factory.forProtocol(Server), { interface: '127.0.0.1' });
await port.listening;
reactor.connectPTCP('127.0.0.1', port.getHost().port, ClientFactory.forProtocol(Client));
await reactor.run();
