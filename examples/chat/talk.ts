// Where the lines of a chat come from and go to: a terminal, or pipes.
import process from 'node:process';
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import { Writable } from 'node:stream';

/** Somebody who types and reads, or a script. */
export interface Talk {
  /** Asks for a password. Resolves to undefined when there will be none. */
  askPassword(prompt: string): Promise<string | undefined>;
  /** The lines that are typed, until the end of the input, Ctrl-C or `close`. */
  lines(): AsyncIterable<string>;
  show(line: string): void;
  /** Ends the input, and leaves the terminal as it was. */
  close(): void;
}

/** Standard input and output as pipes: the first line is the password. */
export class PipedTalk implements Talk {
  readonly #input: Interface = createInterface({ input: process.stdin });
  // Made at once: lines that come before would be lost.
  readonly #lines = this.#input[Symbol.asyncIterator]();

  async askPassword(): Promise<string | undefined> {
    const { value } = await this.#lines.next();
    return value;
  }

  lines(): AsyncIterable<string> {
    return { [Symbol.asyncIterator]: () => this.#lines };
  }

  show(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  close(): void {
    this.#input.close();
  }
}

/** A terminal: the password is not shown, and what others say appears above the line that is being typed. */
export class TerminalTalk implements Talk {
  #input: Interface | undefined = undefined;
  #isClosed = false;

  static get isThere(): boolean {
    return process.stdin.isTTY === true && process.stdout.isTTY === true;
  }

  async askPassword(prompt: string): Promise<string | undefined> {
    const nowhere = new Writable({ write: (_chunk, _encoding, written) => written() });
    const input = this.#open(nowhere);
    process.stdout.write(prompt);
    try {
      return await new Promise((resolve) => {
        input.once('line', resolve);
        input.once('close', () => resolve(undefined));
        if (this.#isClosed) input.close();
      });
    } finally {
      this.#input = undefined;
      input.close();
      process.stdout.write('\n');
    }
  }

  lines(): AsyncIterable<string> {
    const input = this.#open(process.stdout);
    const lines = input[Symbol.asyncIterator]();
    input.on('line', () => input.prompt());
    input.once('close', () => process.stdout.write('\n'));
    if (this.#isClosed) input.close();
    else input.prompt();
    return { [Symbol.asyncIterator]: () => lines };
  }

  show(line: string): void {
    const input = this.#input;
    if (input === undefined) {
      process.stdout.write(`${line}\n`);
      return;
    }
    const { rows } = input.getCursorPos();
    moveCursor(process.stdout, 0, -rows);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
    // readline goes up by as many rows before it writes the line again, and clears them.
    process.stdout.write(`${line}\n${'\n'.repeat(rows)}`);
    input.prompt(true);
  }

  close(): void {
    this.#isClosed = true;
    this.#input?.close();
  }

  #open(output: Writable): Interface {
    // In raw mode from here on: nothing is shown but what readline writes to `output`.
    const input = createInterface({ input: process.stdin, output, terminal: true });
    input.on('SIGINT', () => input.close());
    this.#input = input;
    return input;
  }
}
