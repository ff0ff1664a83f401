import process from 'node:process';
import { type SecretEnd, SecretLine } from './secret-line.ts';

/** Where secrets come from: somebody at a terminal, or a pipe. Tests make their own. */
export interface SecretSource {
  /** Whether somebody can be asked. */
  readonly isTerminal: boolean;
  /** Asks for a line that is not shown. */
  ask(prompt: string): Promise<SecretAnswer>;
  /** All of standard input; undefined when it is more than `maxBytes`. */
  readAll(maxBytes: number): Promise<Uint8Array | undefined>;
}

/** What was typed, and how the line ended. */
export interface SecretAnswer {
  readonly end: SecretEnd;
  readonly text: string;
}

/** Standard input of this process. Prompts go to standard error. */
export class ProcessTerminal implements SecretSource {
  /** What was pasted behind the end of the last line belongs to the next. */
  #pending: number[] = [];

  get isTerminal(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true;
  }

  async ask(prompt: string): Promise<SecretAnswer> {
    const input = process.stdin;
    // Raw from before the prompt: whoever types fast must not see it either.
    input.setRawMode(true);
    process.stderr.write(prompt);
    try {
      return await this.#readLine();
    } finally {
      input.setRawMode(false);
      input.pause();
      process.stderr.write('\n');
    }
  }

  async readAll(maxBytes: number): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > maxBytes) return undefined;
      chunks.push(chunk);
    }
    return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
  }

  #readLine(): Promise<SecretAnswer> {
    const input = process.stdin;
    const line = new SecretLine();
    return new Promise((resolve, reject) => {
      const stop = () => {
        input.off('data', take);
        input.off('end', end);
        input.off('error', fail);
      };
      const take = (bytes: Uint8Array) => {
        this.#pending.push(...bytes);
        const answer = this.#answerIn(line);
        if (answer === undefined) return;
        stop();
        resolve(answer);
      };
      const end = () => {
        stop();
        resolve({ end: 'ended', text: '' });
      };
      const fail = (error: Error) => {
        stop();
        reject(error);
      };
      input.on('data', take);
      input.on('end', end);
      input.on('error', fail);
      take(new Uint8Array());
      input.resume();
    });
  }

  #answerIn(line: SecretLine): SecretAnswer | undefined {
    while (this.#pending.length > 0) {
      const end = line.push(this.#pending.shift() as number);
      if (end !== undefined) return { end, text: line.text };
    }
    return undefined;
  }
}
