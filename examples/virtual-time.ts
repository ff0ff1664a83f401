// The same Protocol in a simulated network: an hour of a bad link in a moment, the same every time.
import { ClientFactory, Factory, Protocol, Reactor } from 'hawser';
import { Prng, SimulatedNetwork, VirtualClock } from 'hawser/testing';

const clock = new VirtualClock();
const network = new SimulatedNetwork({ clock, seed: 7, link: { latencyMs: 40, rateMbit: 2, loss: 0.03 } });

function reactorAt(address: string): Reactor {
  const { sockets } = network.host(address);
  return new Reactor({ clock, sockets, entropy: new Prng(address) });
}

class Counter extends Protocol {
  #count = 0;

  override dataReceived(bytes: Uint8Array): void {
    this.#count += bytes.length;
  }

  override connectionLost(reason: Error): void {
    console.log(`${this.#count} bytes, ${reason.name}, after ${Math.round(clock.now())} ms`);
  }
}

class Sender extends Protocol {
  override connectionMade(): void {
    this.transport.write(new Uint8Array(500_000));
    this.transport.loseConnection();
  }
}

reactorAt('10.0.0.1').listenPTCP(4000, Factory.forProtocol(Counter));
reactorAt('10.0.0.2').connectPTCP('10.0.0.1', 4000, ClientFactory.forProtocol(Sender));
clock.advance(3_600_000);
