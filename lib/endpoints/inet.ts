import { UsageError } from '../errors.ts';
import { ipFamily } from '../transports/ip-target.ts';
import { TransportClientEndpoint, TransportServerEndpoint } from './endpoint.ts';
import { type EndpointOptions, type EndpointParser, parseWholeNumber, requireKnownOptions } from './parse.ts';

const LAST_PORT = 65_535;
/** What a 32-bit count of milliseconds takes: 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

type ReadOption = (text: string, name: string) => string | number;

const port: ReadOption = (text, name) => parseWholeNumber(text, name, 0, LAST_PORT);
const milliseconds: ReadOption = (text, name) => parseWholeNumber(text, name, 1, MAX_TIMEOUT_MS);
const count: ReadOption = (text, name) => parseWholeNumber(text, name, 1, LAST_PORT);
const address: ReadOption = (text, name) => {
  if (ipFamily(text) !== undefined) return text;
  throw new UsageError(`${name} is an IP address, not ${JSON.stringify(text)}`);
};

/** `tcp:HOST:PORT[:timeoutMs=N][:bindAddress=ADDR]`, `tcp:PORT[:interface=ADDR][:backlog=N]`. */
export const tcpEndpoints: EndpointParser = inetEndpoints('tcp', {
  server: { backlog: count },
  client: { timeoutMs: milliseconds, bindAddress: address },
});

/** `ptcp:HOST:PORT[:pseudoPort=N][:timeoutMs=N]`, `ptcp:PORT[:interface=ADDR][:pseudoPort=N]`. */
export const ptcpEndpoints: EndpointParser = inetEndpoints('ptcp', {
  server: { pseudoPort: port },
  client: { pseudoPort: port, timeoutMs: milliseconds },
});

interface OptionReaders {
  readonly server: Readonly<Record<string, ReadOption>>;
  readonly client: Readonly<Record<string, ReadOption>>;
}

/** The parser for a kind of transport over the Internet; the readers name the options that are its own. */
function inetEndpoints(word: string, readers: OptionReaders): EndpointParser {
  return {
    parseServer: (args, options) => {
      const [portText] = requireArguments(word, args, ['PORT']);
      const { interface: host, ...others } = options;
      const target = { port: parseWholeNumber(portText as string, 'PORT', 0, LAST_PORT) };
      const place = host === undefined ? target : { ...target, host: address(host, 'interface') as string };
      const read = readOptions(word, others, readers.server, ['interface']);
      return (reactor) => new TransportServerEndpoint(reactor, word, place, read);
    },
    parseClient: (args, options) => {
      const [host, portText] = requireArguments(word, args, ['HOST', 'PORT']);
      const target = {
        host: host as string,
        port: parseWholeNumber(portText as string, 'PORT', 1, LAST_PORT),
      };
      const read = readOptions(word, options, readers.client, []);
      return (reactor) => new TransportClientEndpoint(reactor, word, target, read);
    },
  };
}

function requireArguments(
  word: string,
  args: readonly string[],
  names: readonly string[],
): readonly string[] {
  if (args.length === names.length && !args.includes('')) return args;
  const hint =
    names.length > 1
      ? ', an IPv6 address in brackets'
      : '; the address to listen on goes into interface, IPv6 in brackets';
  throw new UsageError(`write ${[word, ...names].join(':')}${hint}`);
}

function readOptions(
  word: string,
  options: EndpointOptions,
  readers: Readonly<Record<string, ReadOption>>,
  others: readonly string[],
): Record<string, string | number> {
  requireKnownOptions(word, options, [...others, ...Object.keys(readers)]);
  return Object.fromEntries(
    Object.entries(options).map(([name, text]) => [name, (readers[name] as ReadOption)(text, name)]),
  );
}
