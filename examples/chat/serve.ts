// `npm run chat -- serve`: the server of server.ts, with a password file, on the real network.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  CannotRead,
  EndpointRegistry,
  type InetAddress,
  NodeCryptography,
  NodeFiles,
  PasswordFile,
  parseEndpoint,
  quoteEndpointArgument,
  reactor,
  StoredUsers,
  UserStoreFailure,
} from 'hawser';
import { harmless } from './harmless.ts';
import { ChatServer } from './server.ts';
import { complain, explain } from './words.ts';

/** What `serve` is told. */
export interface ServeSettings {
  readonly endpoint: string;
  /** The password file. */
  readonly users: string;
  /** Files in PEM, for endpoints with TLS that do not name them themselves. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

/** Serves until Ctrl-C. Resolves to the exit status. */
export async function serve(settings: ServeSettings): Promise<number> {
  try {
    await listen(settings);
  } catch (error) {
    complain(adviceOn(error, settings));
    return 1;
  }
  // From here on Ctrl-C stops the reactor, which closes every connection.
  await reactor.run();
  print('the server has stopped');
  return 0;
}

async function listen(settings: ServeSettings): Promise<void> {
  const cryptography = new NodeCryptography();
  const users = new PasswordFile(settings.users, { files: new NodeFiles(), cryptography, report: complain });
  // Now, and not when the first user comes: a file that is not there should be noticed by whoever starts the server.
  const userCount = (await users.list()).length;
  if (userCount === 0) complain(`nobody can come in yet: there are no users in ${settings.users}`);

  const checker = new StoredUsers(users, { cryptography, report: complain });
  const chat = new ChatServer({ clock: reactor, cryptography, checker, log: print });

  const place = withCertificate(settings);
  const endpoint = await EndpointRegistry.withBuiltIns().serverFromString(reactor, place);
  const listening = await endpoint.listen(chat.factory);
  await tellHowToJoin(place, listening.getHost() as InetAddress);
}

/** The endpoint, with the files that its TLS needs. */
function withCertificate({ endpoint, certificate, key }: ServeSettings): string {
  const { word, options } = parseEndpoint(endpoint);
  if (!word.endsWith('tls') || 'certificate' in options) return endpoint;
  const files = certificate === undefined ? ['certificate.pem', key ?? 'key.pem'] : [certificate, key];
  return ['certificate', 'key'].reduce((text, name, index) => {
    const file = files[index];
    return file === undefined ? text : `${text}:${name}=${quoteEndpointArgument(file)}`;
  }, endpoint);
}

/** Prints what to type elsewhere, with the pin of the certificate. */
async function tellHowToJoin(place: string, { host, port }: InetAddress): Promise<void> {
  const { word, options } = parseEndpoint(place);
  const { certificate, interface: address = 'localhost' } = options;
  print(`listening at ${word}:${host}:${port}`);
  const join = `npm run chat -- join NAME@${word}:${quoteEndpointArgument(address)}:${port}`;
  if (certificate === undefined) {
    complain('without TLS everybody on the way can read what is said');
    print(`join with: ${join}`);
    return;
  }
  const { fingerprint256 } = new X509Certificate(await readFile(certificate));
  print(`join with: ${join}:pin=${fingerprint256.replaceAll(':', '').toLowerCase()}`);
}

/** Why the server cannot start, and what to type. */
function adviceOn(error: unknown, { users }: ServeSettings): string {
  const text = explain(error);
  if (error instanceof UserStoreFailure)
    return `${text}; to make it: npm run hawser -- passwd ${users} alice`;
  if (error instanceof CannotRead) return `${text}; to make one: npm run hawser -- certificate localhost`;
  return text;
}

function print(line: string): void {
  process.stdout.write(`${harmless(line)}\n`);
}
