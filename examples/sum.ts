// AMP's first example, server and client in one process: npx tsx --conditions=@hawser/source examples/sum.ts
import { connectProtocol, Factory, reactor, TransportClientEndpoint } from 'hawser';
import {
  Amp,
  type ArgumentsOf,
  defineCommand,
  float,
  type ResponseOf,
  responder,
  safeInteger,
} from 'hawser/protocols/amp';

class ZeroDivision extends Error {}

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
});

const Divide = defineCommand({
  name: 'Divide',
  arguments: { numerator: safeInteger, denominator: safeInteger },
  response: { result: float },
  errors: { ZERO_DIVISION: ZeroDivision },
});

class Calculator extends Amp {
  @responder(Sum)
  sum({ a, b }: ArgumentsOf<typeof Sum>): ResponseOf<typeof Sum> {
    return { total: a + b };
  }

  @responder(Divide)
  divide({ numerator, denominator }: ArgumentsOf<typeof Divide>): ResponseOf<typeof Divide> {
    if (denominator === 0) throw new ZeroDivision('division by zero');
    return { result: numerator / denominator };
  }
}

const port = reactor.listenPTCP(0, Factory.forProtocol(Calculator), { interface: '127.0.0.1' });
await port.listening;
const place = new TransportClientEndpoint(reactor, 'ptcp', port.getHost());
const amp = await connectProtocol(place, new Amp());

const { total } = await amp.callRemote(Sum, { a: 13, b: 81 });
console.log(total);

const answer = amp.callRemote(Divide, { numerator: 1234, denominator: 0 }).addErrback((error) => {
  Divide.trap(error); // throws what the command does not declare
  return { result: Number.POSITIVE_INFINITY };
});
console.log((await answer).result);

amp.loseConnection();
await port.stopListening();
