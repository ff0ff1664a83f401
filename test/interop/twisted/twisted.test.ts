import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { connectProtocol, createReactor, type Reactor, TransportClientEndpoint } from '../../../lib/index.ts';
import { CALL_CHECKS } from './call-checks.ts';
import { type Check, CheckingClient } from './checking-client.ts';
import { CONNECTION_CHECKS } from './connection-checks.ts';
import { type Child, findTwisted, startHawserServer, startPeer, type TwistedPython } from './processes.ts';
import { VALUE_CHECKS } from './value-checks.ts';

/** For one check; amp_client.py gives each 20 s. */
const LIMIT_MS = 22_000;
const CLIENT_PROGRAM = readFileSync(new URL('peer/amp_client.py', import.meta.url), 'utf8');
/** The names of the checks, in the order in which amp_client.py has them. */
const NAMES = [...CLIENT_PROGRAM.matchAll(/^@check\nasync def (\w+)/gm)].map(([, name]) => name as string);
const MIRRORED: Readonly<Record<string, Check>> = { ...VALUE_CHECKS, ...CALL_CHECKS, ...CONNECTION_CHECKS };

/** A Python that has Twisted. `npm run interop:twisted` does not come here where there is none. */
function python(): TwistedPython {
  const found = findTwisted();
  if (found === undefined) throw new Error('there is no Python with Twisted');
  return found;
}

describe("hawser's AMP server, checked by Twisted", () => {
  let server: Child;
  let client: Child;

  before(async () => {
    server = startHawserServer();
    client = startPeer(python(), 'amp_client.py', [String(await server.port())]);
  });

  after(() => {
    client?.kill();
    server?.kill();
  });

  for (const name of NAMES) {
    it(name, async () => {
      const line = await client.line(new RegExp(`^(not )?ok \\d+ - ${name}\\b`), LIMIT_MS);

      expect(line).to.match(/^ok /);
    });
  }
});

describe("hawser's AMP client, checking Twisted", () => {
  let server: Child;
  let port: number;
  let reactor: Reactor;
  let client: CheckingClient;

  before(async () => {
    server = startPeer(python(), 'amp_server.py', ['0']);
    port = await server.port();
    reactor = createReactor();
  });

  beforeEach(async () => {
    const endpoint = new TransportClientEndpoint(reactor, 'tcp', { host: '127.0.0.1', port });
    client = await connectProtocol(endpoint, new CheckingClient());
  });

  afterEach(() => client?.transport.abortConnection());

  after(() => server?.kill());

  for (const name of NAMES) {
    it(name, async () => {
      const check = MIRRORED[name];
      if (check === undefined) throw new Error('this check is not mirrored');

      await check(client);
    });
  }
});
