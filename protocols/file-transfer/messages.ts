// Read docs/cli.md, "On the wire", first.
import { codeOfReason, reasonOfCode, type TransferReason } from './errors.ts';

/** The unit of reading, writing, hashing and resuming. */
export const BLOCK_BYTES = 1 << 20;
export const HASH_BYTES = 32;
/** What file systems take in one name, as UTF-8. */
export const MAX_NAME_BYTES = 255;

const VERSION = 1;
const MAGIC = new TextEncoder().encode('hawser-file');
const HEADER_BYTES = 5;

const TYPE = {
  hello: 1,
  offer: 2,
  accept: 3,
  begin: 4,
  block: 5,
  end: 6,
  done: 7,
  fail: 8,
  heartbeat: 9,
} as const;

export type MessageType = keyof typeof TYPE;

/** The least and the most bytes in the body of each message. */
const BODY_BYTES: Readonly<Record<MessageType, readonly [number, number]>> = {
  hello: [MAGIC.length + 1, MAGIC.length + 1],
  offer: [4 + 8 + 1, 4 + 8 + MAX_NAME_BYTES],
  accept: [4 + 8 + HASH_BYTES, 4 + 8 + HASH_BYTES],
  begin: [8, 8],
  block: [HASH_BYTES + 1, HASH_BYTES + BLOCK_BYTES],
  end: [HASH_BYTES, HASH_BYTES],
  done: [4, 4],
  fail: [5, 5],
  heartbeat: [0, 0],
};

const NAMES = new Map<number, MessageType>(
  (Object.keys(TYPE) as MessageType[]).map((name) => [TYPE[name], name]),
);

/** One message. `file` counts the offers of a session, so that an answer is never taken for another file's. */
export type Message =
  | { readonly type: 'hello' }
  | { readonly type: 'offer'; readonly file: number; readonly sizeBytes: number; readonly name: string }
  | { readonly type: 'accept'; readonly file: number; readonly offset: number; readonly hash: Uint8Array }
  | { readonly type: 'begin'; readonly offset: number }
  | {
      readonly type: 'block';
      readonly hash: Uint8Array;
      readonly bytes: Uint8Array;
      readonly body: Uint8Array;
    }
  | { readonly type: 'end'; readonly hash: Uint8Array }
  | { readonly type: 'done'; readonly file: number }
  | { readonly type: 'fail'; readonly file: number; readonly reason: TransferReason }
  | { readonly type: 'heartbeat' };

/** Why a stream is not one of messages. */
export type DecodeError =
  | 'unknown-type'
  | 'bad-length'
  | 'unexpected'
  | 'bad-hello'
  | 'bad-name'
  | 'bad-size';

export function encodeHello(): Uint8Array {
  const { bytes } = frame('hello', MAGIC.length + 1);
  bytes.set(MAGIC, HEADER_BYTES);
  bytes[HEADER_BYTES + MAGIC.length] = VERSION;
  return bytes;
}

/** The caller has seen to it that the name fits: 1 to 255 bytes as UTF-8. */
export function encodeOffer(file: number, sizeBytes: number, name: string): Uint8Array {
  const nameBytes = new TextEncoder().encode(name);
  const { bytes, view } = frame('offer', 12 + nameBytes.length);
  view.setUint32(HEADER_BYTES, file);
  view.setBigUint64(HEADER_BYTES + 4, BigInt(sizeBytes));
  bytes.set(nameBytes, HEADER_BYTES + 12);
  return bytes;
}

export function encodeAccept(file: number, offset: number, hash: Uint8Array): Uint8Array {
  const { bytes, view } = frame('accept', 12 + HASH_BYTES);
  view.setUint32(HEADER_BYTES, file);
  view.setBigUint64(HEADER_BYTES + 4, BigInt(offset));
  bytes.set(hash, HEADER_BYTES + 12);
  return bytes;
}

export function encodeBegin(offset: number): Uint8Array {
  const { bytes, view } = frame('begin', 8);
  view.setBigUint64(HEADER_BYTES, BigInt(offset));
  return bytes;
}

/** What goes before the `byteCount` bytes of a block; `hash` is of the file up to the block's end. */
export function encodeBlockPrefix(hash: Uint8Array, byteCount: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + HASH_BYTES);
  bytes[0] = TYPE.block;
  new DataView(bytes.buffer).setUint32(1, HASH_BYTES + byteCount);
  bytes.set(hash, HEADER_BYTES);
  return bytes;
}

export function encodeEnd(hash: Uint8Array): Uint8Array {
  const { bytes } = frame('end', HASH_BYTES);
  bytes.set(hash, HEADER_BYTES);
  return bytes;
}

export function encodeDone(file: number): Uint8Array {
  const { bytes, view } = frame('done', 4);
  view.setUint32(HEADER_BYTES, file);
  return bytes;
}

export function encodeFail(file: number, reason: TransferReason): Uint8Array {
  const { bytes, view } = frame('fail', 5);
  view.setUint32(HEADER_BYTES, file);
  view.setUint8(HEADER_BYTES + 4, codeOfReason(reason));
  return bytes;
}

export function encodeHeartbeat(): Uint8Array {
  return frame('heartbeat', 0).bytes;
}

function frame(type: MessageType, bodyBytes: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, TYPE[type]);
  view.setUint32(1, bodyBytes);
  return { bytes, view };
}

/** What a MessageReader asks of its owner and gives to it. */
export interface MessageReaderEvents {
  /** Whether such a message may come now. Asked before anything is allocated for it. */
  expects(type: MessageType, bodyBytes: number): boolean;
  /** Room for a body of at least `bodyBytes`. It comes back as the `body` of a block. */
  allocate(bodyBytes: number): Uint8Array;
  message(message: Message): void;
}

/**
 * Cuts a stream into messages, however it arrives.
 *
 * It holds at most one body, of a size its owner agreed to. After the first error it reads no more.
 */
export class MessageReader {
  readonly #events: MessageReaderEvents;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #type: MessageType = 'heartbeat';
  #bodyBytes = 0;
  #body: Uint8Array = EMPTY;
  #bodyFilled = 0;
  #error: DecodeError | undefined = undefined;
  #stopped = false;

  constructor(events: MessageReaderEvents) {
    this.#events = events;
  }

  /** Reads no more: what follows is dropped. */
  stop(): void {
    this.#stopped = true;
  }

  /** Takes the next bytes of the stream; says what is wrong with it, if anything. */
  push(bytes: Uint8Array): DecodeError | undefined {
    let at = 0;
    while (!this.#stopped && this.#error === undefined) {
      if (this.#headerFilled < HEADER_BYTES) {
        at += this.#fillHeader(bytes, at);
        if (this.#headerFilled < HEADER_BYTES) break;
        this.#error = this.#headerArrived();
        continue;
      }
      const taken = Math.min(this.#bodyBytes - this.#bodyFilled, bytes.length - at);
      this.#body.set(bytes.subarray(at, at + taken), this.#bodyFilled);
      this.#bodyFilled += taken;
      at += taken;
      if (this.#bodyFilled < this.#bodyBytes) break;
      this.#error = this.#bodyArrived();
    }
    return this.#error;
  }

  #fillHeader(bytes: Uint8Array, at: number): number {
    const taken = Math.min(HEADER_BYTES - this.#headerFilled, bytes.length - at);
    this.#header.set(bytes.subarray(at, at + taken), this.#headerFilled);
    this.#headerFilled += taken;
    return taken;
  }

  #headerArrived(): DecodeError | undefined {
    const view = new DataView(this.#header.buffer);
    const type = NAMES.get(view.getUint8(0));
    if (type === undefined) return 'unknown-type';
    const bodyBytes = view.getUint32(1);
    const [least, most] = BODY_BYTES[type];
    if (bodyBytes < least || bodyBytes > most) return 'bad-length';
    if (!this.#events.expects(type, bodyBytes)) return 'unexpected';
    this.#type = type;
    this.#bodyBytes = bodyBytes;
    this.#bodyFilled = 0;
    this.#body = type === 'block' ? this.#events.allocate(bodyBytes) : new Uint8Array(bodyBytes);
    return undefined;
  }

  #bodyArrived(): DecodeError | undefined {
    const body = this.#body;
    this.#headerFilled = 0;
    this.#body = EMPTY;
    const message = decodeBody(this.#type, body, this.#bodyBytes);
    if (typeof message === 'string') return message;
    this.#events.message(message);
    return undefined;
  }
}

const EMPTY = new Uint8Array(0);

function decodeBody(type: MessageType, body: Uint8Array, bodyBytes: number): Message | DecodeError {
  const view = new DataView(body.buffer, body.byteOffset, bodyBytes);
  switch (type) {
    case 'hello':
      return isHello(body) ? { type } : 'bad-hello';
    case 'offer':
      return decodeOffer(view, body);
    case 'accept': {
      const offset = decodeSize(view, 4);
      if (offset === undefined) return 'bad-size';
      return { type, file: view.getUint32(0), offset, hash: body.subarray(12) };
    }
    case 'begin': {
      const offset = decodeSize(view, 0);
      return offset === undefined ? 'bad-size' : { type, offset };
    }
    case 'block': {
      const hash = body.subarray(0, HASH_BYTES);
      return { type, hash, bytes: body.subarray(HASH_BYTES, bodyBytes), body };
    }
    case 'end':
      return { type, hash: body };
    case 'done':
      return { type, file: view.getUint32(0) };
    case 'fail':
      return { type, file: view.getUint32(0), reason: reasonOfCode(view.getUint8(4)) };
    case 'heartbeat':
      return { type };
  }
}

function decodeOffer(view: DataView, body: Uint8Array): Message | DecodeError {
  const sizeBytes = decodeSize(view, 4);
  if (sizeBytes === undefined) return 'bad-size';
  try {
    const name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body.subarray(12));
    return { type: 'offer', file: view.getUint32(0), sizeBytes, name };
  } catch {
    return 'bad-name';
  }
}

/** Sizes beyond 2^53 are no file's. */
function decodeSize(view: DataView, at: number): number | undefined {
  const size = Number(view.getBigUint64(at));
  return Number.isSafeInteger(size) ? size : undefined;
}

function isHello(body: Uint8Array): boolean {
  return body[MAGIC.length] === VERSION && MAGIC.every((byte, index) => body[index] === byte);
}
