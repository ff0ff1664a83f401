// Read docs/amp.md, "Larger values", first.
import { Deferred } from '../../lib/defer/deferred.ts';
import { toError, UsageError } from '../../lib/errors.ts';
import { type Box, MAX_VALUE_BYTES, type ReceivedBox } from './box.ts';
import type { BoxSender } from './box-sender.ts';
import { BoxView } from './box-view.ts';
import { BoxWriter } from './box-writer.ts';
import { defineCommand } from './command.ts';
import type { BoxDispatcher } from './dispatcher.ts';
import { ProtocolViolation, TooLong } from './errors.ts';
import { safeInteger } from './integer.ts';
import { byteString, byteText, wireKey } from './wire-key.ts';

const CHUNK = wireKey('_chunk');
const CHUNKS = wireKey('_chunks');
const BYTES = wireKey('bytes');
const MAX_BYTES = 16_777_216;
/** Each value may end with a short piece; beyond so many of them the peer only wants our memory. */
const MAX_SHORT_PIECES = 1_000;

/** Says how many bytes of a box each side takes in pieces; a peer that knows of no pieces does not know the command. */
const Chunks = defineCommand({
  name: 'hawser.chunks',
  arguments: { max: safeInteger },
  response: { max: safeInteger },
});

/** Values of more than 65 535 bytes, between two hawsers that both allow them. */
export interface ChunkingOptions {
  /** The most bytes that a peer may have us hold of one box that comes in pieces. 16 MiB when left out. */
  readonly maxBytes?: number;
}

/** A box that waits, or is being sent. */
interface Sending {
  /** The box without the values that go in pieces. */
  readonly box: ReceivedBox;
  /** The first of those, for who has to be told that it is too long. */
  readonly largest: { readonly keyName: string; readonly length: number };
  readonly byteCount: number;
  /** What is still to be sent, the next one last. */
  readonly pieces: Box[];
  /** Whether it was sent in the belief that there would be TLS. */
  readonly isForTls: boolean;
  readonly sent: Deferred<void>;
  isBegun: boolean;
}

/** A value that comes in pieces. */
interface Assembly {
  readonly pieces: Uint8Array[];
  byteCount: number;
}

/**
 * Sends and takes values in pieces: each in boxes of its own, and then the box, which says which values were left out.
 *
 * One box goes after the other, and not faster than the transport takes them, so that small boxes go in between.
 */
export class Chunking {
  readonly #dispatcher: BoxDispatcher;
  readonly #sender: BoxSender & { readonly isHeld: boolean };
  readonly #ownMaxBytes: number;
  #maxBytes: number;
  /** What the peer said that it takes. */
  #peerMaxBytes = 0;
  #queue: Sending[] = [];
  #isPumping = false;
  #isWaiting = false;
  #lastId = 0;
  readonly #assemblies = new Map<string, Assembly>();
  #heldBytes = 0;
  #shortPieceCount = 0;

  constructor(
    options: ChunkingOptions,
    dispatcher: BoxDispatcher,
    sender: BoxSender & { readonly isHeld: boolean },
  ) {
    this.#ownMaxBytes = options.maxBytes ?? MAX_BYTES;
    if (!(Number.isSafeInteger(this.#ownMaxBytes) && this.#ownMaxBytes > 0)) {
      throw new UsageError(`chunking's maxBytes is ${options.maxBytes}; it must be a whole number above 0`);
    }
    this.#maxBytes = this.#ownMaxBytes;
    this.#dispatcher = dispatcher;
    this.#sender = sender;
    dispatcher.respond(Chunks, ({ max }) => {
      this.#peerMaxBytes = max;
      return { max: this.#maxBytes };
    });
  }

  /** Takes no more than so many bytes of a box from here on; undefined takes what the options said. */
  limit(maxBytes: number | undefined): void {
    this.#maxBytes = Math.min(this.#ownMaxBytes, maxBytes ?? this.#ownMaxBytes);
  }

  /** Sends a box some of whose values are too long for one; fires when the last piece is on its way. */
  send(box: ReceivedBox): Deferred<void> {
    const rest: Box = new Map();
    const ids: string[] = [];
    const pieces: Box[] = [];
    let largest = { keyName: '', length: 0 };
    let byteCount = 0;
    for (const [keyName, value] of box) {
      const { length } = value;
      if (length <= MAX_VALUE_BYTES) {
        rest.set(keyName, value);
        continue;
      }
      byteCount += length;
      if (length > largest.length) largest = { keyName, length };
      this.#lastId += 1;
      const id = this.#lastId.toString(16);
      ids.push(keyName, id);
      for (let at = 0; at < length; at += MAX_VALUE_BYTES) {
        pieces.push(pieceOf(id, value.subarray(at, at + MAX_VALUE_BYTES)));
      }
    }
    rest.set('_chunks', encodeTexts(ids));
    const sent = new Deferred<void>();
    const isForTls = this.#sender.isHeld;
    this.#queue.push({
      box: rest,
      largest,
      byteCount,
      pieces: pieces.reverse(),
      isForTls,
      sent,
      isBegun: false,
    });
    this.#pump();
    return sent;
  }

  /** A box came. Undefined where it is a piece; otherwise the box with the values whose pieces came. */
  received(view: BoxView): BoxView | undefined {
    const piece = view.find(CHUNK);
    if (piece >= 0) {
      this.#take(view, byteText(view.bytes, view.startOf(piece), view.endOf(piece)));
      return undefined;
    }
    const list = view.find(CHUNKS);
    return list < 0 ? view : this.#assemble(view, view.copyAt(list));
  }

  /** There is no TLS: what waits for it is not sent. */
  dropWhatIsForTls(reason: Error): void {
    const dropped = this.#queue.filter(({ isForTls }) => isForTls);
    this.#queue = this.#queue.filter(({ isForTls }) => !isForTls);
    for (const { sent } of dropped) if (!sent.called) sent.errback(reason);
  }

  /** Nothing can be sent any more. */
  close(reason: Error): void {
    this.#assemblies.clear();
    for (const { sent } of this.#queue.splice(0)) if (!sent.called) sent.errback(reason);
  }

  /** Sends what can be sent, one box after the other. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let next = this.#queue[0]; next !== undefined && !this.#isWaiting; next = this.#queue[0]) {
      // What was begun is brought to its end, or the peer would keep the pieces for ever.
      if (next.sent.called && !next.isBegun) this.#queue.shift();
      else if (!next.isBegun && next.byteCount > this.#peerMaxBytes) this.#waitFor(this.#ask(next));
      else if (!this.#sender.isWritable) this.#waitFor(this.#sender.whenWritable());
      else this.#sendNext(next);
    }
    this.#isPumping = false;
  }

  /** Goes on with the queue after `step`, whatever came of it. */
  #waitFor(step: Deferred<unknown>): void {
    this.#isWaiting = true;
    step.addBoth(() => {
      this.#isWaiting = false;
      this.#pump();
    });
  }

  /** Asks the peer how much it takes. A limit that was too low is asked about again: it may have grown. */
  #ask(next: Sending): Deferred<unknown> {
    const answer = this.#dispatcher.callRemote(Chunks, { max: this.#maxBytes }).addCallback(({ max }) => {
      this.#peerMaxBytes = max;
      if (next.byteCount > max) throw tooLong(next);
    });
    return answer.addErrback((error) => this.#fail(next, tooLong(next, error)));
  }

  /** Sends the next piece, or the box behind the last one. */
  #sendNext(next: Sending): void {
    const piece = next.pieces.pop();
    next.isBegun = true;
    if (piece !== undefined) {
      this.#sender.sendBox(piece);
      return;
    }
    try {
      this.#sender.sendBox(next.box);
    } catch (thrown) {
      this.#fail(next, toError(thrown));
      return;
    }
    this.#remove(next);
    if (!next.sent.called) next.sent.callback();
  }

  #fail(next: Sending, error: Error): void {
    this.#remove(next);
    if (!next.sent.called) next.sent.errback(error);
  }

  #remove(next: Sending): void {
    this.#queue = this.#queue.filter((each) => each !== next);
  }

  #take(view: BoxView, id: string): void {
    const index = view.find(BYTES);
    if (index < 0) throw new ProtocolViolation('a piece of a value came without bytes');
    const piece = view.copyAt(index);
    this.#heldBytes += piece.length;
    if (piece.length < MAX_VALUE_BYTES) this.#shortPieceCount += 1;
    if (this.#heldBytes > this.#maxBytes || this.#shortPieceCount > MAX_SHORT_PIECES) {
      throw new ProtocolViolation(`pieces of more than ${this.#maxBytes} bytes came, or too many short ones`);
    }
    let assembly = this.#assemblies.get(id);
    if (assembly === undefined) {
      assembly = { pieces: [], byteCount: 0 };
      this.#assemblies.set(id, assembly);
    }
    assembly.pieces.push(piece);
    assembly.byteCount += piece.length;
  }

  #assemble(view: BoxView, list: Uint8Array): BoxView {
    const box = view.toMap();
    box.delete('_chunks');
    for (const [key, id] of decodeIds(list)) {
      const assembly = this.#assemblies.get(id);
      if (assembly === undefined || key === '' || box.has(key)) {
        throw new ProtocolViolation('a box came with pieces that did not come, or for a value that is there');
      }
      this.#assemblies.delete(id);
      this.#heldBytes -= assembly.byteCount;
      for (const { length } of assembly.pieces) if (length < MAX_VALUE_BYTES) this.#shortPieceCount -= 1;
      box.set(key, joined(assembly));
    }
    return BoxView.of(box);
  }
}

function pieceOf(id: string, bytes: Uint8Array): Box {
  return new Map([
    ['_chunk', byteString(id)],
    ['bytes', bytes],
  ]);
}

/** Keys and the names of their pieces, by turns, each after its length. */
function encodeTexts(texts: readonly string[]): Uint8Array {
  const writer = new BoxWriter();
  for (const text of texts) {
    const mark = writer.open();
    writer.ascii(text);
    writer.close(mark);
  }
  return writer.take();
}

function decodeIds(bytes: Uint8Array): [string, string][] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0));
    if (end > bytes.length) throw new ProtocolViolation('a list of pieces came that is cut short');
    texts.push(byteText(bytes, at + 2, end));
    at = end;
  }
  if (texts.length % 2 === 1) throw new ProtocolViolation('a list of pieces came that is cut short');
  return texts.flatMap((text, index) => (index % 2 === 0 ? [[text, texts[index + 1] as string]] : []));
}

function joined({ pieces, byteCount }: Assembly): Uint8Array {
  const value = new Uint8Array(byteCount);
  let at = 0;
  for (const piece of pieces) {
    value.set(piece, at);
    at += piece.length;
  }
  return value;
}

function tooLong({ largest }: Sending, cause?: Error): TooLong {
  if (cause instanceof TooLong) return cause;
  return new TooLong({ isKey: false, isLocal: true, ...largest }, { cause });
}
