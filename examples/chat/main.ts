// npm run chat: a room to talk in, over TLS over PTCP, for those who have an account. The README beside it tells more.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { join } from './join.ts';
import { serve } from './serve.ts';
import { PipedTalk, TerminalTalk } from './talk.ts';
import { complain } from './words.ts';

const DEFAULT_ENDPOINT = 'ptcp+tls:4916';
/** What shells expect for arguments that make no sense. */
const USAGE_STATUS = 2;

const HELP = `
npm run chat -- serve [ENDPOINT] --users FILE [--certificate FILE] [--key FILE]

    Runs the server, until Ctrl-C. ENDPOINT is ${DEFAULT_ENDPOINT} unless given; the certificate
    is certificate.pem, its key key.pem. Before the first time:

    npm run hawser -- passwd users alice        makes an account, in the file 'users'
    npm run hawser -- certificate localhost     makes certificate.pem and key.pem

npm run chat -- join USER@ENDPOINT [--stdin]
npm run chat -- join ENDPOINT --user USER [--stdin]

    Joins, as the server says when it starts: alice@ptcp+tls:localhost:4916:pin=… The password
    is asked for. What you type is said to everybody else; /who shows who is here, /quit leaves.
    --stdin is for scripts: the first line is the password, the others are said.
`;

const OPTIONS = {
  users: { type: 'string' },
  certificate: { type: 'string' },
  key: { type: 'string' },
  user: { type: 'string' },
  stdin: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parse>['values'];

process.exitCode = await main(process.argv.slice(2));

/** Resolves to the exit status. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const [task, endpoint, ...more] = positionals;
    if (values.help === true) {
      process.stdout.write(HELP);
      return 0;
    }
    if (more.length > 0) return misused(`what is ${more[0]}?`);
    if (task === 'serve') return serveWith(endpoint, values);
    if (task === 'join') return joinWith(endpoint, values);
    return misused('say what to do: serve or join');
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // parseArgs throws these, and its first sentence is enough.
    return misused(error.message.split('. ')[0] as string);
  }
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}

function serveWith(
  endpoint: string | undefined,
  { users, certificate, key }: Values,
): Promise<number> | number {
  if (users === undefined) {
    return misused('name the password file: --users FILE; npm run hawser -- passwd FILE alice makes one');
  }
  return serve({ endpoint: endpoint ?? DEFAULT_ENDPOINT, users, certificate, key });
}

function joinWith(place: string | undefined, { user, stdin }: Values): Promise<number> | number {
  const named = /^(?:(.+?)@)?([\w+.-]+:.*)$/s.exec(place ?? '');
  if (named === null) return misused('name the server: join USER@ptcp+tls:HOST:PORT:pin=…');
  const [, before, endpoint] = named;
  const username = user ?? before;
  if (username === undefined) return misused('say who you are: join USER@ENDPOINT, or --user USER');
  if (stdin !== true && !TerminalTalk.isThere) {
    return misused(
      'the password is asked for on a terminal, and there is none; --stdin takes it from a pipe',
    );
  }
  const talk = stdin === true ? new PipedTalk() : new TerminalTalk();
  return join({ endpoint: endpoint as string, username, talk });
}

function misused(what: string): number {
  complain(`${what} (see npm run chat -- --help)`);
  return USAGE_STATUS;
}
