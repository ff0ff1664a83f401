// The client: calls the server, and is called by it.
import type { Clock, Cryptography, Deferred } from 'hawser';
import { Amp, type ArgumentsOf, responder } from 'hawser/protocols/amp';
import { type LoggedIn, loginByScram } from 'hawser/protocols/login';
import { Came, Left, Missed, Ping, Said, Say, Who } from './commands.ts';
import { harmless } from './harmless.ts';

/** A call that is not answered for so long has failed. */
const PATIENCE_MS = 60_000;

/** What a chat client is made of. */
export interface ChatClientOptions {
  readonly clock: Clock;
  /** Is told what goes on in the room, a line at a time. It is safe to be shown on a terminal. */
  readonly show: (line: string) => void;
  /** Called once, when the connection has ended. */
  readonly ended?: (reason: Error) => void;
}

/** One end of a chat. Log in, and then say something. */
export class ChatClient extends Amp {
  readonly #show: (line: string) => void;
  readonly #ended: ((reason: Error) => void) | undefined;

  constructor({ clock, show, ended }: ChatClientOptions) {
    super({ clock });
    this.#show = show;
    this.#ended = ended;
  }

  /** By SCRAM: the password does not leave this program, and the server has to prove that it knows the user too. */
  logIn(username: string, password: string, cryptography: Cryptography): Deferred<LoggedIn> {
    return loginByScram(this, { username, password }, cryptography);
  }

  /** Says a line to everybody else. Fails with UnfitLine for one that nobody wants to read. */
  say(text: string): Deferred<unknown> {
    return this.callRemote(Say, { text }, { timeoutMs: PATIENCE_MS });
  }

  /** Shows who is here. */
  who(): Deferred<void> {
    return this.callRemote(Who, {}, { timeoutMs: PATIENCE_MS }).addCallback(({ names }) => {
      this.#show(`* here: ${names.map(harmless).join(', ')}`);
    });
  }

  override connectionLost(reason: Error): void {
    super.connectionLost(reason);
    this.#ended?.(reason);
  }

  @responder(Said)
  said({ name, text }: ArgumentsOf<typeof Said>): void {
    this.#show(`${harmless(name)}: ${harmless(text)}`);
  }

  @responder(Came)
  came({ name }: ArgumentsOf<typeof Came>): void {
    this.#show(`* ${harmless(name)} is here`);
  }

  @responder(Left)
  left({ name }: ArgumentsOf<typeof Left>): void {
    this.#show(`* ${harmless(name)} has left`);
  }

  @responder(Missed)
  missed({ count }: ArgumentsOf<typeof Missed>): void {
    this.#show(`* ${count} lines went by too fast for this connection`);
  }

  @responder(Ping)
  ping(): Record<never, never> {
    return {};
  }
}
