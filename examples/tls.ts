// hawser certificate localhost, then: npx tsx --conditions=@hawser/source examples/tls.ts certificate.pem key.pem
import { readFile } from 'node:fs/promises';
import { ClientFactory, type ConnectorLike, Factory, Protocol, reactor } from 'hawser';

const [, , certificateFile = 'certificate.pem', keyFile = 'key.pem'] = process.argv;
const certificate = await readFile(certificateFile, 'utf8');
const key = await readFile(keyFile, 'utf8');

class Echo extends Protocol {
  override dataReceived(bytes: Uint8Array): void {
    this.transport.write(bytes);
  }
}

class Greeter extends Protocol {
  override connectionMade(): void {
    const { tls } = this.transport; // the server is verified when connectionMade runs
    console.log(tls?.version, tls?.alpnProtocol, tls?.peerCertificate?.subjectAltNames.join());
    this.transport.write(new TextEncoder().encode('hello, and nobody else reads this\n'));
  }

  override dataReceived(bytes: Uint8Array): void {
    process.stdout.write(new TextDecoder().decode(bytes));
    this.transport.loseConnection();
  }

  override connectionLost(): void {
    const pin = '00'.repeat(32); // the fingerprint of another certificate
    reactor.connectTLS('localhost', port.getHost().port, new Refused(), { over: 'ptcp', pin });
  }
}

class Refused extends ClientFactory {
  override clientConnectionFailed(_connector: ConnectorLike, reason: Error): void {
    console.log(reason.name); // CertificatePinMismatch
    reactor.stop();
  }
}

const port = reactor.listenTLS(0, Factory.forProtocol(Echo), {
  over: 'ptcp', // 'tcp' when left out
  interface: '127.0.0.1',
  certificate,
  key,
  alpnProtocols: ['echo'],
});
await port.listening;
reactor.connectTLS('localhost', port.getHost().port, ClientFactory.forProtocol(Greeter), {
  over: 'ptcp',
  ca: certificate, // it vouches for itself, so it is its own authority
  alpnProtocols: ['echo'],
});
await reactor.run();
