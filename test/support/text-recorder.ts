import { Protocol } from '../../lib/protocol/protocol.ts';

/** Says its greeting, and keeps what comes and how it ends. */
export class TextRecorder extends Protocol {
  text = '';
  reason: Error | undefined = undefined;
  readonly #greeting: string;

  constructor(greeting = '') {
    super();
    this.#greeting = greeting;
  }

  override connectionMade(): void {
    if (this.#greeting !== '') this.transport.write(new TextEncoder().encode(this.#greeting));
  }

  override dataReceived(bytes: Uint8Array): void {
    this.text += new TextDecoder().decode(bytes);
  }

  override connectionLost(reason: Error): void {
    this.reason = reason;
  }
}
