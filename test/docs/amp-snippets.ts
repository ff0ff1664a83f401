// The code of docs/amp.md, so that it is compiled. Nothing of it is ever run.
import { NoProtocol, Protocol } from '../../lib/index.ts';
import { StringTransport } from '../../lib/testing/index.ts';
import {
  Amp,
  type ArgumentsOf,
  ampList,
  BoxDispatcher,
  BoxRouter,
  bytes,
  type CommandLocator,
  defineCommand,
  defineProtocolSwitch,
  encodeBox,
  LocatorTable,
  optional,
  responder,
  StartTls,
  safeInteger,
  unicode,
} from '../../protocols/amp/index.ts';

class QuotaExceeded extends Error {}
class StoreGone extends Error {}
class NotNow extends NoProtocol {}
class Echo extends Protocol {}
class Inner extends Protocol {}

interface Shelf {
  put(key: string, value: Uint8Array): Promise<{ version: number }>;
  touch(key: string): void;
}

export const Store = defineCommand({
  name: 'store', // on the wire
  arguments: { key: unicode, value: bytes, 'max-age': optional(safeInteger) },
  response: { version: safeInteger },
  errors: { QUOTA: QuotaExceeded }, // by their codes on the wire; the connection goes on
  fatalErrors: { GONE: StoreGone }, // the connection ends with these
});

export const StoreAll = defineCommand({
  name: 'store-all',
  arguments: { rows: ampList({ key: unicode, value: bytes }) },
  extends: Store, // declares its errors as well
});

export const Touch = defineCommand({ name: 'touch', arguments: { key: unicode }, requiresAnswer: false });

const OpenDocument = defineCommand({
  name: 'open-document',
  arguments: { route: unicode },
  response: { route: unicode },
});
const Insert = defineCommand({ name: 'insert', arguments: { at: safeInteger, text: unicode } });

export async function calling(amp: Amp, value: Uint8Array, signal: AbortSignal): Promise<number> {
  const { version } = await amp.callRemote(Store, { key: 'a', value }, { timeoutMs: 5_000, signal });
  return version;
}

export function answering(amp: Amp, shelf: Shelf): unknown {
  // 1. a function
  amp.respond(Store, ({ key, value }) => shelf.put(key, value));

  // 2. methods of an Amp, or of any object
  class Shop extends Amp {
    @responder(Touch)
    touch({ key }: ArgumentsOf<typeof Touch>): void {
      shelf.touch(key);
    }
  }

  // 3. a table to share between connections
  const shared = new LocatorTable().respond(Store, ({ key, value }) => shelf.put(key, value));
  const other = new Amp({ locator: shared });
  return [other, Shop];
}

export async function switching(server: Amp, client: Amp): Promise<Echo> {
  const Upgrade = defineProtocolSwitch({
    name: 'upgrade',
    arguments: { to: unicode },
    errors: { NO: NotNow },
  });

  server.respond(Upgrade, ({ to }) => (to === 'echo' ? new Echo() : new Inner()));
  const echo = await client.switchProtocol(Upgrade, { to: 'echo' }, () => new Echo());
  return echo;
}

export async function securing(amp: Amp, certificate: string, key: string, ca: string): Promise<unknown> {
  new Amp({ tls: { isServer: true, certificate, key } }); // answers the peer's StartTLS
  amp.respond(StartTls, () => ({ certificate, key })); // the same, asked each time

  const facts = await amp.startTLS({ serverName: 'amp.example', ca });
  return facts;
}

export async function routing(documentLocator: CommandLocator): Promise<void> {
  const router = new BoxRouter();
  const amp = new Amp({ router }); // boxes without a route are its own calls

  const document = new BoxDispatcher({ locator: documentLocator });
  const route = router.bind(document);
  const { route: theirs } = await amp.callRemote(OpenDocument, { route: route.name ?? '' });
  route.connectTo(theirs);
  await document.callRemote(Insert, { at: 0, text: 'hello' });
  route.unbind();
}

export function testing(name: Uint8Array, key: Uint8Array): void {
  const amp = new Amp();
  const transport = new StringTransport(); // hawser/testing
  amp.makeConnection(transport);
  amp.dataReceived(
    encodeBox(
      new Map([
        ['_command', name],
        ['key', key],
      ]),
    ),
  );
}
