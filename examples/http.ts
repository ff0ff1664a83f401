// hawser certificate localhost, then: npx tsx --conditions=@hawser/source examples/http.ts certificate.pem key.pem
import { readFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { ClientFactory, Factory, Protocol, reactor, toDuplex } from 'hawser';

const [, , certificateFile = 'certificate.pem', keyFile = 'key.pem'] = process.argv;
const certificate = await readFile(certificateFile, 'utf8');
const key = await readFile(keyFile, 'utf8');

const web = createServer((request, response) => response.end(`${request.url} over PTCP and TLS\n`));

class Served extends Protocol {
  override connectionMade(): void {
    web.emit('connection', toDuplex(this.transport));
  }
}

class Browser extends Protocol {
  override connectionMade(): void {
    const createConnection = () => toDuplex(this.transport);
    const request = get('http://localhost/hello', { createConnection, headers: { connection: 'close' } });
    request.on('response', async (response) => {
      for await (const chunk of response) process.stdout.write(chunk);
      reactor.stop();
    });
  }
}

const port = reactor.listenTLS(0, Factory.forProtocol(Served), {
  over: 'ptcp',
  interface: '127.0.0.1',
  certificate,
  key,
});
await port.listening;
reactor.connectTLS('localhost', port.getHost().port, ClientFactory.forProtocol(Browser), {
  over: 'ptcp',
  ca: certificate,
});
await reactor.run();
