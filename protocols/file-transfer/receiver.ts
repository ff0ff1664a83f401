import type { Address } from '../../lib/interfaces/address.ts';
import type { Files } from '../../lib/interfaces/files.ts';
import type { Hashes } from '../../lib/interfaces/hash.ts';
import type { PushProducer } from '../../lib/interfaces/producer.ts';
import { Factory } from '../../lib/protocol/factory.ts';
import type { Clock, DelayedCall, Instant } from '../../lib/time/clock.ts';
import { TransferError, writeFailure } from './errors.ts';
import type { TransferObserver } from './events.ts';
import {
  BLOCK_BYTES,
  encodeAccept,
  encodeDone,
  encodeFail,
  HASH_BYTES,
  type Message,
  type MessageType,
} from './messages.ts';
import { isSafeName, type PartPaths, partPaths, toHex } from './names.ts';
import { equalBytes, PartFile } from './resume.ts';
import { TransferSession } from './session.ts';

/** Work for the disk that may wait, blocks in memory above all. With so much, the connection is paused. */
const MAX_WAITING_WORK = 4;
const DEFAULT_MAX_SESSIONS = 64;
/** A sender that has no file under way for so long makes room for others, though it sends heartbeats. */
const IDLE_LIMIT_MS = 60_000;

/** What receivers share. */
export interface ReceiverOptions {
  readonly files: Files;
  readonly hashes: Hashes;
  readonly clock: Clock;
  /** Where files go. Nothing outside of it is ever written, whatever the peer says. */
  readonly directory: string;
  /** The largest file taken. */
  readonly maxBytes?: number;
  /** Whether a file may take the place of one that is there. */
  readonly overwrite?: boolean;
}

/** What a FileReceiverFactory needs. */
export interface ReceiverFactoryOptions extends ReceiverOptions {
  /** Called for each connection; what it returns hears of that session. */
  readonly observe: (peer: Address, receiver: FileReceiver) => TransferObserver;
  /** Connections at a time. The next one is told that there are too many. */
  readonly maxSessions?: number;
}

/** A file on its way in. `failed` ones are still being sent: what comes is read and dropped. */
interface Incoming {
  readonly number: number;
  readonly name: string;
  readonly sizeBytes: number;
  readonly paths: PartPaths;
  state: 'opening' | 'accepted' | 'receiving' | 'finishing' | 'failed';
  part: PartFile | undefined;
}

/** Builds a FileReceiver for each connection, and keeps two of them from writing one file. */
export class FileReceiverFactory extends Factory {
  readonly #options: ReceiverFactoryOptions;
  readonly #receivers = new Set<FileReceiver>();
  readonly #claimed = new Set<string>();

  constructor(options: ReceiverFactoryOptions) {
    super();
    this.#options = options;
  }

  override buildProtocol(peer: Address): FileReceiver {
    const isCrowded = this.#receivers.size >= (this.#options.maxSessions ?? DEFAULT_MAX_SESSIONS);
    const receiver = new FileReceiver(this.#options, this.#claimed, isCrowded);
    receiver.factory = this;
    const observe = this.#options.observe(peer, receiver);
    this.#receivers.add(receiver);
    receiver.observe = (event) => {
      if (event.event === 'end') this.#receivers.delete(receiver);
      observe(event);
    };
    return receiver;
  }

  /** Stops all sessions well: what was verified stays for later. */
  cancel(): void {
    for (const receiver of this.#receivers) receiver.cancel();
  }
}

/**
 * Takes files from one FileSender into a directory. A file has its final name only when it is whole and verified.
 *
 * `claimed` holds the paths being written by this process, shared by all receivers of a directory.
 */
export class FileReceiver extends TransferSession implements PushProducer {
  /** Hears of this session; set it before the connection is made. */
  observe: TransferObserver = () => {};
  readonly #options: ReceiverOptions;
  readonly #claimed: Set<string>;
  readonly #isCrowded: boolean;
  readonly #spareBlocks: Uint8Array[] = [];
  /** The peer does not take our answers. */
  #isFull = false;
  #file: Incoming | undefined = undefined;
  /** Why we end the session well, if it is us. */
  #ending: TransferError | undefined = undefined;
  /** Since when no file has been under way, while none is. */
  #idleSince: Instant = 0;
  #idleCheck: DelayedCall | undefined = undefined;
  /** Work on the disk that must be over before the session is. */
  readonly #working = new Set<Promise<void>>();

  constructor(options: ReceiverOptions, claimed: Set<string> = new Set(), isCrowded = false) {
    super(options.clock);
    this.#options = options;
    this.#claimed = claimed;
    this.#isCrowded = isCrowded;
  }

  /** Stops well: what was verified stays for a later session, and the sender is told. */
  cancel(): void {
    void this.#closeWell(new TransferError('cancelled'));
  }

  override connectionMade(): void {
    this.transport.registerProducer(this, true);
    super.connectionMade();
    this.#idleSince = this.clock.now();
    this.#endWhenIdle();
  }

  /** Whoever reads no answers is asked nothing more. */
  pauseProducing(): void {
    this.#isFull = true;
    this.#paceReading();
  }

  resumeProducing(): void {
    this.#isFull = false;
    this.#paceReading();
  }

  /** The connection is over; connectionLost follows and says why. */
  stopProducing(): void {}

  #paceReading(): void {
    if (this.#isFull || this.#working.size >= MAX_WAITING_WORK) this.pauseReading();
    else this.resumeReading();
  }

  #close(): void {
    this.transport.unregisterProducer();
    this.transport.loseConnection();
  }

  /** One call at a time, moved when it comes too early. */
  #endWhenIdle(): void {
    const now = this.clock.now();
    const isIdle = (this.#file === undefined || this.#file.state === 'failed') && this.#working.size === 0;
    if (!isIdle) this.#idleSince = now;
    const leftMs = this.#idleSince + IDLE_LIMIT_MS - now;
    if (leftMs <= 0) void this.#closeWell(new TransferError('idle'));
    else this.#idleCheck = this.clock.callLater(leftMs, () => this.#endWhenIdle());
  }

  async #closeWell(error: TransferError): Promise<void> {
    this.#ending = error;
    // A file that is being given its name is nearly there: let it be done.
    if (this.#file?.state === 'finishing') await Promise.allSettled([...this.#working]);
    if (!this.connected) return;
    if (this.#file !== undefined) this.#fail(this.#file, error);
    this.transport.write(encodeFail(0, error.reason));
    this.#close();
  }

  protected override expects(type: MessageType, bodyBytes: number): boolean {
    const file = this.#file;
    const state = file?.state;
    switch (type) {
      case 'fail':
        return true;
      case 'offer':
        return file === undefined || state === 'failed';
      case 'begin':
        return state === 'accepted' || state === 'failed';
      case 'block':
        if (file === undefined || state === 'failed') return state === 'failed';
        return state === 'receiving' && bodyBytes - HASH_BYTES === nextBlockBytes(file);
      case 'end':
        if (file === undefined || state === 'failed') return state === 'failed';
        return state === 'receiving' && nextBlockBytes(file) === 0;
      default:
        return false;
    }
  }

  protected override allocateBlock(): Uint8Array {
    return this.#spareBlocks.pop() ?? new Uint8Array(HASH_BYTES + BLOCK_BYTES);
  }

  protected override messageArrived(message: Message): void {
    const file = this.#file;
    switch (message.type) {
      case 'hello':
        if (!this.#isCrowded) return;
        this.transport.write(encodeFail(0, 'crowded'));
        this.#close();
        return;
      case 'offer':
        this.#offered(message);
        return;
      case 'fail':
        if (file?.number === message.file && file.state !== 'finishing') {
          this.#fail(file, new TransferError(message.reason, { side: 'peer' }));
        }
        return;
      case 'begin':
        if (file?.state === 'accepted') this.#begin(file, message.offset);
        return;
      case 'block':
        if (file?.state === 'receiving') this.#blockArrived(file, message);
        else this.#spareBlocks.push(message.body);
        return;
      case 'end':
        if (file?.state === 'receiving') this.#finish(file, message.hash);
        return;
    }
  }

  protected override sessionEnded(failure: TransferError | undefined, reason: Error): void {
    if (this.#idleCheck?.active === true) this.#idleCheck.cancel();
    const loss = this.#lossOf(reason);
    if (this.#file !== undefined && this.#file.state !== 'finishing') {
      this.#fail(this.#file, failure ?? new TransferError('closed', { cause: reason }));
    }
    void this.#reportEnd(this.#ending ?? failure ?? loss);
  }

  /** A sender that closes the connection between two files is done. */
  #lossOf(reason: Error): TransferError | undefined {
    const isBetween = this.#file === undefined || this.#file.state === 'failed';
    const isWell = isBetween && 'code' in reason && reason.code === 'ERR_CONNECTION_DONE';
    return isWell ? undefined : new TransferError('closed', { cause: reason });
  }

  async #reportEnd(error: TransferError | undefined): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled([...this.#working]);
    this.observe({ event: 'end', error });
  }

  #offered(offer: Extract<Message, { type: 'offer' }>): void {
    const { directory, hashes } = this.#options;
    const { name, sizeBytes } = offer;
    const paths = partPaths(directory, name, hashes);
    const file: Incoming = { number: offer.file, name, sizeBytes, paths, state: 'opening', part: undefined };
    this.#file = file;
    const maxBytes = this.#options.maxBytes ?? Number.POSITIVE_INFINITY;
    if (!isSafeName(name)) this.#fail(file, new TransferError('bad-name'));
    else if (sizeBytes > maxBytes) this.#fail(file, new TransferError('too-large'));
    else this.#work(file, () => this.#openInTurn(file));
  }

  /** One file at a time, however fast they are offered and withdrawn. */
  async #openInTurn(file: Incoming): Promise<void> {
    await Promise.allSettled([...this.#working]);
    if (file.state !== 'failed') await this.#open(file);
  }

  async #open(file: Incoming): Promise<void> {
    const { files, hashes, directory, overwrite } = this.#options;
    const { paths, name, sizeBytes } = file;
    // Names that differ in case only are one on some systems.
    const claim = paths.part.toLowerCase();
    if (this.#claimed.has(claim)) throw new TransferError('busy');
    this.#claimed.add(claim);
    try {
      const existing = await files.facts(paths.final);
      if (existing?.kind === 'directory' || (existing !== undefined && overwrite !== true)) {
        throw new TransferError('exists');
      }
      const onVerified = (bytes: number): void => {
        if (file.state !== 'failed') this.observe({ event: 'progress', name, sizeBytes, bytes });
      };
      file.part = await PartFile.open({ files, hashes, directory, paths, sizeBytes, onVerified });
    } catch (error) {
      this.#claimed.delete(claim);
      throw error;
    }
    if (file.state === 'failed') {
      this.#put(file);
      return;
    }
    file.state = 'accepted';
    this.transport.write(encodeAccept(file.number, file.part.appendedBytes, file.part.digest()));
  }

  #begin(file: Incoming, offset: number): void {
    const part = file.part!;
    if (offset !== 0 && offset !== part.appendedBytes) {
      this.giveUp(new TransferError('protocol'));
      return;
    }
    file.state = 'receiving';
    if (offset < part.appendedBytes) this.#work(file, () => part.restart());
    this.observe({ event: 'start', name: file.name, sizeBytes: file.sizeBytes, resumedBytes: offset });
  }

  #blockArrived(file: Incoming, block: Extract<Message, { type: 'block' }>): void {
    this.#work(file, async () => {
      try {
        await file.part!.append(block.bytes, block.hash);
      } finally {
        if (this.#spareBlocks.length < MAX_WAITING_WORK) this.#spareBlocks.push(block.body);
      }
    });
  }

  #finish(file: Incoming, hash: Uint8Array): void {
    const part = file.part!;
    const digest = part.digest();
    if (!equalBytes(digest, hash)) {
      this.#fail(file, new TransferError('corrupt'));
      return;
    }
    file.state = 'finishing';
    this.#work(file, async () => {
      await part.publish(this.#options.overwrite === true);
      this.#unclaim(file);
      this.#file = undefined;
      this.#idleSince = this.clock.now();
      if (this.connected) this.transport.write(encodeDone(file.number));
      const { name, sizeBytes } = file;
      this.observe({ event: 'done', name, sizeBytes, sha256: toHex(digest) });
    });
  }

  /** Runs work of `file` on the disk; the file fails with it. */
  #work(file: Incoming, work: () => Promise<void>): void {
    const working = work()
      .catch((error: unknown) => this.#fail(file, writeFailure(error)))
      .finally(() => {
        this.#working.delete(working);
        this.#paceReading();
      });
    this.#working.add(working);
    this.#paceReading();
  }

  /** The file goes no further: says so to the observer and, unless it said so first, to the peer. Once. */
  #fail(file: Incoming, error: TransferError): void {
    if (file.state === 'failed') return;
    const wasOpening = file.state === 'opening';
    file.state = 'failed';
    this.#idleSince = this.clock.now();
    if (error.side === 'here' && this.connected) {
      this.transport.write(encodeFail(file.number, error.reason));
    }
    this.observe({ event: 'failed', name: file.name, error });
    // While it is opening, #open puts it away.
    if (!wasOpening) this.#put(file);
  }

  /** Puts what was verified away for a later session. */
  #put(file: Incoming): void {
    const part = file.part;
    if (part === undefined) return;
    this.#work(file, async () => {
      await part.close();
      this.#unclaim(file);
    });
  }

  #unclaim(file: Incoming): void {
    this.#claimed.delete(file.paths.part.toLowerCase());
  }
}

/** How long the next block must be; 0 when the file is complete. */
function nextBlockBytes(file: Incoming): number {
  return Math.min(BLOCK_BYTES, file.sizeBytes - file.part!.appendedBytes);
}
