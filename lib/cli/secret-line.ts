/** What became of a line: whole, given up with Ctrl-C, or ended with Ctrl-D before anything was typed. */
export type SecretEnd = 'whole' | 'interrupted' | 'ended';

const CONTROL_C = 0x03;
const CONTROL_D = 0x04;
const BACKSPACE = 0x08;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CONTROL_U = 0x15;
const DELETE = 0x7f;

/** Nobody types more; what comes is another program's output. */
const MAX_LINE_BYTES = 8192;

/** A line that is typed blind on a terminal in raw mode, with the keys that take something back. */
export class SecretLine {
  #bytes: number[] = [];

  /** The text so far. */
  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.#bytes));
  }

  /** Takes a byte of the terminal; undefined while the line goes on. */
  push(byte: number): SecretEnd | undefined {
    switch (byte) {
      case CONTROL_C:
        this.#bytes = [];
        return 'interrupted';
      case CONTROL_D:
        return this.#bytes.length === 0 ? 'ended' : undefined;
      case CARRIAGE_RETURN:
      case LINE_FEED:
        return 'whole';
      case CONTROL_U:
        this.#bytes = [];
        return undefined;
      case BACKSPACE:
      case DELETE:
        this.#takeBack();
        return undefined;
      default:
        if (this.#bytes.length < MAX_LINE_BYTES) this.#bytes.push(byte);
        return undefined;
    }
  }

  /** A whole character: its bytes of UTF-8 up to the one that begins it. */
  #takeBack(): void {
    let last = this.#bytes.pop();
    while (last !== undefined && (last & 0xc0) === 0x80) last = this.#bytes.pop();
  }
}
