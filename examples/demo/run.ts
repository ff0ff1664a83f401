import { Child, DemoFailure } from './child.ts';
import type {
  ReceiverProgress,
  ReceiverReport,
  RelayReport,
  SenderProgress,
  SenderReport,
} from './messages.ts';
import type { Settings } from './settings.ts';

/** What the three processes have to say when all is over. */
export interface Reports {
  readonly sender: SenderReport;
  readonly receiver: ReceiverReport;
  readonly relay: RelayReport;
}

export interface Progress {
  /** Arrived at the receiver, in order. */
  readonly bytes: number;
  /** Undefined until the sender has measured something. */
  readonly sender: SenderProgress | undefined;
}

/** After this long without a new byte at the receiver, the transfer is given up. */
const SILENCE_LIMIT_MS = 30_000;
const SILENCE_CHECK_MS = 500;

/** One transfer: three processes, from their start to their end. */
export class Run {
  readonly #settings: Settings;
  readonly #progressed: (progress: Progress) => void;
  readonly #children: Child<never, unknown>[] = [];
  #isInterrupted = false;
  #bytes = 0;
  #movedAt = performance.now();
  #sender: SenderProgress | undefined = undefined;

  constructor(settings: Settings, progressed: (progress: Progress) => void) {
    this.#settings = settings;
    this.#progressed = progressed;
  }

  /** Fails with DemoFailure as soon as it is known that nothing will come of it. Either way no process is left. */
  async toTheEnd(): Promise<Reports> {
    const silence = this.#silence();
    try {
      const reports = await Promise.race([this.#transfer(), silence.promise]);
      for (const child of this.#children) child.end();
      return reports;
    } catch (error) {
      this.kill();
      throw error;
    } finally {
      silence.stop();
      await Promise.all(this.#children.map((child) => child.gone));
    }
  }

  /** Whether the user wanted it to end before it did. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Ends everything: the processes are asked, so that what they write is whole, and killed if they do not. */
  async interrupt(): Promise<void> {
    this.#isInterrupted = true;
    for (const child of this.#children) child.end();
    await Promise.all(this.#children.map((child) => child.gone));
  }

  /** Ends everything now. */
  kill(): void {
    for (const child of this.#children) child.kill();
  }

  async #transfer(): Promise<Reports> {
    const receiver = this.#start<ReceiverProgress, ReceiverReport>('receiver', 0, ({ bytes }) =>
      this.#arrived(bytes),
    );
    const relay = this.#start<never, RelayReport>('relay', await receiver.listening);
    const sender = this.#start<SenderProgress, SenderReport>('sender', await relay.listening, (progress) => {
      this.#sender = progress;
    });
    const ends = Promise.all([sender.finished, receiver.finished]);
    // Of the relay only its failure can come before the ends are done.
    await Promise.race([ends, relay.finished]);
    const [sent, received] = await ends;
    relay.askReport();
    return { sender: sent, receiver: received, relay: await relay.finished };
  }

  #start<P, R>(
    name: 'receiver' | 'relay' | 'sender',
    toPort: number,
    progressed: (progress: P) => void = () => {},
  ): Child<P, R> {
    const child = new Child<P, R>(name, { settings: this.#settings, toPort }, progressed);
    this.#children.push(child as Child<never, unknown>);
    return child;
  }

  #arrived(bytes: number): void {
    if (bytes > this.#bytes) this.#movedAt = performance.now();
    this.#bytes = bytes;
    this.#progressed({ bytes, sender: this.#sender });
  }

  /** Fails when nothing moves any more, whatever the reason: a process that hangs does not say so. */
  #silence(): { readonly promise: Promise<never>; stop(): void } {
    let timer: NodeJS.Timeout | undefined;
    const promise = new Promise<never>((_resolve, reject) => {
      timer = setInterval(() => {
        if (performance.now() - this.#movedAt < SILENCE_LIMIT_MS) return;
        const seconds = SILENCE_LIMIT_MS / 1000;
        reject(
          new DemoFailure(
            `nothing has arrived for ${seconds} s: a process hangs, or the link is too bad to carry anything`,
          ),
        );
      }, SILENCE_CHECK_MS);
    });
    return { promise, stop: () => clearInterval(timer) };
  }
}
