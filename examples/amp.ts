// npx tsx --conditions=@hawser/source examples/amp.ts
import {
  connectProtocol,
  EndpointRegistry,
  Factory,
  type InetAddress,
  type ListeningPort,
  reactor,
} from 'hawser';
import {
  Amp,
  type ArgumentsOf,
  defineCommand,
  type ResponseOf,
  responder,
  safeInteger,
  unicode,
} from 'hawser/protocols/amp';

class ZeroDivision extends Error {}

const Divide = defineCommand({
  name: 'Divide',
  arguments: { numerator: safeInteger, denominator: safeInteger },
  response: { quotient: safeInteger },
  errors: { ZERO_DIVISION: ZeroDivision },
});

const Log = defineCommand({
  name: 'Log',
  arguments: { 'log-line': unicode },
  requiresAnswer: false,
});

class Calculator extends Amp {
  @responder(Divide)
  divide({ numerator, denominator }: ArgumentsOf<typeof Divide>): ResponseOf<typeof Divide> {
    if (denominator === 0) throw new ZeroDivision('division by zero');
    return { quotient: Math.floor(numerator / denominator) };
  }

  @responder(Log)
  log(values: ArgumentsOf<typeof Log>): void {
    console.log('logged:', values['log-line']);
  }
}

const endpoints = EndpointRegistry.withBuiltIns();

async function serve(endpoint: string): Promise<ListeningPort> {
  const server = await endpoints.serverFromString(reactor, endpoint);
  return server.listen(Factory.forProtocol(Calculator));
}

async function call(endpoint: string): Promise<void> {
  const client = await endpoints.clientFromString(reactor, endpoint);
  const amp = await connectProtocol(client, new Amp({ clock: reactor }));
  amp.callRemote(Log, { 'log-line': 'hello' });
  const { quotient } = await amp.callRemote(Divide, { numerator: 7, denominator: 2 });
  console.log(quotient);
  try {
    await amp.callRemote(Divide, { numerator: 1, denominator: 0 }, { timeoutMs: 5_000 });
  } catch (error) {
    const { message } = Divide.trap(error); // a ZeroDivision; anything else is thrown on
    console.log(message);
  }
  amp.loseConnection();
}

const { port } = (await serve('ptcp:0:interface=127.0.0.1')).getHost() as InetAddress;
await call(`ptcp:127.0.0.1:${port}`);
reactor.callWhenRunning(() => reactor.stop());
await reactor.run();
