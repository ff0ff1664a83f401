// `npm run chat -- join`: the client of client.ts at a terminal, or in a script.
import { connectProtocol, EndpointRegistry, NodeCryptography, ReactorNotRunning, reactor } from 'hawser';
import { ChatClient } from './client.ts';
import { UnfitLine } from './commands.ts';
import { harmless } from './harmless.ts';
import type { Talk } from './talk.ts';
import { complain, explain } from './words.ts';

/** What `join` is told. */
export interface JoinSettings {
  readonly endpoint: string;
  readonly username: string;
  readonly talk: Talk;
}

/** Joins, and stays until /quit, the end of the input, Ctrl-C or that of the connection. Resolves to the exit status. */
export async function join(settings: JoinSettings): Promise<number> {
  const { talk } = settings;
  let isLeaving = false;
  let lost: Error | undefined;
  const chat = new ChatClient({
    clock: reactor,
    show: (line) => talk.show(line),
    ended: (reason) => {
      lost = reason;
      talk.close();
    },
  });
  reactor.addSystemEventTrigger('before', 'shutdown', () => {
    isLeaving = true;
    talk.close();
  });
  const stopped = reactor.run();
  try {
    await converse(chat, settings);
    // The conversation is over when the input is, and that ends with the connection too.
    if (lost !== undefined) throw lost;
    return 0;
  } catch (error) {
    if (isLeaving) return 0;
    complain(explain(error));
    return 1;
  } finally {
    talk.close();
    stop();
    await stopped;
  }
}

async function converse(chat: ChatClient, { endpoint, username, talk }: JoinSettings): Promise<void> {
  const place = await EndpointRegistry.withBuiltIns().clientFromString(reactor, endpoint);
  await connectProtocol(place, chat);
  // Asked for now: by here the server is the one that it should be, or there is no connection.
  const password = await talk.askPassword(`Password of ${harmless(username)}: `);
  if (password === undefined) return;
  await chat.logIn(username, password, new NodeCryptography());
  await chat.who();
  for await (const line of talk.lines()) {
    if (line.trim() === '/quit') return;
    await obey(chat, line, talk);
  }
}

async function obey(chat: ChatClient, line: string, talk: Talk): Promise<void> {
  if (line.trim() === '') return;
  if (line.trim() === '/who') {
    await chat.who();
    return;
  }
  if (line.startsWith('/')) {
    talk.show('* there are /who and /quit; everything else is said');
    return;
  }
  try {
    await chat.say(line);
  } catch (error) {
    if (!(error instanceof UnfitLine)) throw error;
    talk.show(`* ${harmless(error.message)}`);
  }
}

/** Closes the connection and all the rest; Ctrl-C may have done so already. */
function stop(): void {
  try {
    reactor.stop();
  } catch (error) {
    if (!(error instanceof ReactorNotRunning)) throw error;
  }
}
