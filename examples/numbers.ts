// npx tsx --conditions=@hawser/source examples/numbers.ts
import {
  ClientFactory,
  type ConnectorLike,
  connectProtocol,
  EndpointRegistry,
  Factory,
  type InetAddress,
  Protocol,
  type PushProducer,
  reactor,
} from 'hawser';

/** Writes a line for each number, no faster than the peer reads; half closes after the last one. */
class Numbers extends Protocol implements PushProducer {
  #next = 1;
  #isPaused = true;

  override connectionMade(): void {
    this.transport.registerProducer(this, true);
    this.resumeProducing();
  }

  resumeProducing(): void {
    this.#isPaused = false;
    while (!this.#isPaused && this.#next <= 100_000) {
      this.transport.write(new TextEncoder().encode(`${this.#next++}\n`)); // may call pauseProducing
    }
    if (this.#next <= 100_000) return;
    this.transport.unregisterProducer();
    this.transport.loseWriteConnection();
  }

  pauseProducing(): void {
    this.#isPaused = true;
  }

  stopProducing(): void {
    this.#next = Number.POSITIVE_INFINITY; // the connection is gone
  }
}

/** Cuts the stream into lines: bytes come in any pieces. Counts them, and answers at the end. */
class LineCounter extends Protocol {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #count = 0;

  override dataReceived(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    this.#count += lines.length;
  }

  override readConnectionLost(): void {
    // The peer closed its direction; ours is still open.
    this.transport.write(new TextEncoder().encode(`${this.#count} lines\n`));
    this.transport.loseConnection();
  }
}

class Client extends Numbers {
  override dataReceived(bytes: Uint8Array): void {
    process.stdout.write(new TextDecoder().decode(bytes));
  }

  override readConnectionLost(): void {
    this.transport.loseConnection();
  }
}

/** Connects three times, then lets go: `connector.connect()` makes a new attempt and a new protocol. */
class Reconnecting extends ClientFactory {
  override protocol = Client;
  #attempts = 1;

  override clientConnectionLost(connector: ConnectorLike): void {
    this.#again(connector);
  }

  override clientConnectionFailed(connector: ConnectorLike, reason: Error): void {
    console.error(reason.message);
    this.#again(connector);
  }

  #again(connector: ConnectorLike): void {
    this.#attempts += 1;
    if (this.#attempts <= 3) reactor.callLater(100, () => connector.connect());
    else reactor.stop();
  }
}

const endpoints = EndpointRegistry.withBuiltIns();
const server = await endpoints.serverFromString(reactor, 'ptcp:0:interface=127.0.0.1');
const port = await server.listen(Factory.forProtocol(LineCounter));
const { port: udpPort } = port.getHost() as InetAddress;

const place = await endpoints.clientFromString(reactor, `ptcp:127.0.0.1:${udpPort}:timeoutMs=5000`);
const numbers = await connectProtocol(place, new Numbers()); // throws ConnectionRefused and its like
numbers.transport.abortConnection(); // a reset; what is buffered is dropped

reactor.connectPTCP('127.0.0.1', udpPort, new Reconnecting());
await reactor.run();
