import type { Address } from '../../lib/interfaces/address.ts';
import type { StreamProtocol } from '../../lib/interfaces/protocol.ts';
import type { TransportHost } from '../../lib/interfaces/reactor.ts';
import { NodeHashes } from '../../lib/reactor/node/hash.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { type MemoryChannel, memoryChannelPair } from '../../lib/transports/memory/channel.ts';
import { StreamTransport } from '../../lib/transports/stream-transport.ts';
import {
  FileReceiverFactory,
  FileSender,
  type ReceiverFactoryOptions,
  type SourceFile,
  type TransferEvent,
} from '../../protocols/file-transfer/index.ts';
import { MemoryDisk, MemoryFiles } from './memory-files.ts';

export const hashes = new NodeHashes();

/** A connection in memory whose cables can be cut. */
export interface Wire {
  readonly sending: MemoryChannel;
  readonly receiving: MemoryChannel;
}

/** Two disks, a clock that stands still, and what happened on either side. */
export class TransferBench {
  readonly clock = new VirtualClock();
  readonly source = new MemoryDisk();
  readonly target = new MemoryDisk();
  readonly sent: TransferEvent[] = [];
  readonly received: TransferEvent[] = [];
  readonly #host: TransportHost = {
    clock: this.clock,
    sockets: undefined as never,
    entropy: undefined as never,
    lingerMs: 5_000,
    adopt: () => {},
    release: () => {},
    reportError: (error) => {
      throw error;
    },
  };

  receivers(options: Partial<ReceiverFactoryOptions> = {}): FileReceiverFactory {
    return new FileReceiverFactory({
      files: new MemoryFiles(this.target),
      hashes,
      clock: this.clock,
      directory: 'in',
      observe: () => (event) => this.received.push(event),
      ...options,
    });
  }

  sender(...names: string[]): FileSender {
    return this.senderOf(names.map((name) => ({ path: `out/${name}`, name })));
  }

  senderOf(sources: readonly SourceFile[]): FileSender {
    const files = new MemoryFiles(this.source);
    const observe = (event: TransferEvent): unknown => this.sent.push(event);
    return new FileSender({ files, hashes, clock: this.clock, sources, observe });
  }

  connect(sender: StreamProtocol, receiver: StreamProtocol | FileReceiverFactory): Wire {
    const from: Address = { type: 'memory', name: 'sender' };
    const to: Address = { type: 'memory', name: 'receiver' };
    const [sending, receiving] = memoryChannelPair(
      { host: this.#host, address: from },
      { host: this.#host, address: to },
    );
    const protocol = receiver instanceof FileReceiverFactory ? receiver.buildProtocol(from) : receiver;
    new StreamTransport(sending, sender, this.#host).start();
    new StreamTransport(receiving, protocol, this.#host).start();
    return { sending, receiving };
  }

  /** Lets everything happen that happens without time passing, or until `isReached`. */
  async settle(isReached: () => boolean = () => false): Promise<void> {
    for (let idleTurns = 0; idleTurns < 50 && !isReached(); idleTurns += 1) {
      const seen = this.#activity;
      this.clock.advance(0);
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#activity !== seen) idleTurns = 0;
    }
  }

  /** Transfers `names` and settles. */
  async run(names: readonly string[], options: Partial<ReceiverFactoryOptions> = {}): Promise<void> {
    this.connect(this.sender(...names), this.receivers(options));
    await this.settle();
  }

  get #activity(): number {
    return this.sent.length + this.received.length + this.target.log.length;
  }
}

/** The events of one kind. */
export function eventsOf<E extends TransferEvent['event']>(
  events: readonly TransferEvent[],
  kind: E,
): Extract<TransferEvent, { event: E }>[] {
  return events.filter((event): event is Extract<TransferEvent, { event: E }> => event.event === kind);
}

/** Why the files of a session failed, in order. */
export function failures(events: readonly TransferEvent[]): string[] {
  return eventsOf(events, 'failed').map(
    (event) => `${event.name}: ${event.error.reason} ${event.error.side}`,
  );
}

/** Bytes that differ from place to place, and from seed to seed. */
export function pattern(byteCount: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(byteCount / 4));
  let state = seed;
  for (let index = 0; index < words.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, byteCount);
}

/** Whether a file on a disk has these bytes. */
export function holds(disk: MemoryDisk, path: string, bytes: Uint8Array): boolean {
  const found = disk.get(path);
  return found !== undefined && Buffer.compare(found, bytes) === 0;
}
