// Vertex as docs/ptcp.md ("Vertex on the wire") and the facts behind it describe it, with all its faults: a peer for
// tests. It shares nothing with lib/: a codec and its manners must not be tested against themselves.
import { crc32 } from 'node:zlib';

const HEADER_BYTES = 23;
const SYN = 1;
const ACK = 2;
const FIN = 4;
const RST = 8;
const STB = 16;
const MTU_BYTES = 489;
const RETRANSMIT_MS = 500;
const TRIES = 50;
const NAGLE_MS = 0.01;
const ACK_DELAY_MS = 100;
const HALF_CLOSE_MS = 10;
const TIME_WAIT_MS = 10;
const LISTENING_PORT = 1;

export type VertexState =
  | 'closed'
  | 'listen'
  | 'synSent'
  | 'synRcvd'
  | 'established'
  | 'closeWait'
  | 'lastAck'
  | 'finWait1'
  | 'finWait2'
  | 'closing'
  | 'timeWait';

/** A segment of Vertex's in numbers. */
export interface VertexPacket {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  ack: number;
  readonly flags: number;
  readonly text: Uint8Array;
  triesLeft: number;
}

/** What a test wants to be told. */
export interface VertexEvents {
  made?(connection: VertexConnection): void;
  received?(connection: VertexConnection, text: Uint8Array): void;
  lost?(connection: VertexConnection): void;
}

export interface VertexOptions extends VertexEvents {
  /** Whether an ACK of nothing new clears what is expected of ACKs as well. */
  readonly clearsOnAnyAck?: boolean;
}

export function encodeVertexPacket(packet: Omit<VertexPacket, 'triesLeft'>, window = MTU_BYTES): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + packet.text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, packet.srcPort);
  view.setUint16(2, packet.dstPort);
  view.setUint32(4, packet.seq);
  view.setUint32(8, packet.ack);
  view.setUint32(12, window);
  view.setUint8(16, packet.flags);
  view.setInt32(17, crc32(packet.text) | 0);
  view.setUint16(21, packet.text.length);
  bytes.set(packet.text, HEADER_BYTES);
  return bytes;
}

/** What was read, or how it is wrong. */
export function decodeVertexPacket(
  bytes: Uint8Array,
): VertexPacket | 'short' | 'garbage' | 'cut' | 'bad-crc' {
  if (bytes.length < HEADER_BYTES) return 'short';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = bytes.slice(HEADER_BYTES);
  const announced = view.getUint16(21);
  if (text.length > announced) return 'garbage';
  if (text.length < announced) return 'cut';
  if ((crc32(text) | 0) !== view.getInt32(17)) return 'bad-crc';
  return {
    srcPort: view.getUint16(0),
    dstPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: view.getUint8(16),
    text,
    triesLeft: TRIES,
  };
}

function lengthOf({ flags, text }: VertexPacket): number {
  return text.length + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
}

/** A thing that the machine has no way to deal with: the connection is forgotten, and nobody is told. */
class NoTransition extends Error {}

/** One connection of a Vertex. */
export class VertexConnection {
  state: VertexState = 'closed';
  /** Whether its user does not read: then it hears nothing at all. */
  isPaused = false;
  /** What the user got, how often he was told of the end, and whether the table has it still. */
  received: Uint8Array[] = [];
  lostCount = 0;
  isForgotten = false;
  mtuBytes = MTU_BYTES;
  readonly peer: VertexPeer;
  readonly localPort: number;
  readonly remotePort: number;
  sendNxt = 0;
  recvNxt = 0;
  queue: VertexPacket[] = [];
  #una = 0;
  #windowLeft = 2 * MTU_BYTES;
  #peerIsn: number | undefined = undefined;
  #outgoing = new Uint8Array(0);
  #isDisconnecting = false;
  #isDisconnected = false;
  #expectedAck: number | undefined = undefined;
  readonly #due = {
    nagle: Infinity,
    ack: Infinity,
    retransmit: Infinity,
    halfClose: Infinity,
    timeWait: Infinity,
  };

  constructor(peer: VertexPeer, localPort: number, remotePort: number) {
    this.peer = peer;
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  get dueAt(): number {
    return Math.min(...Object.values(this.#due));
  }

  get receivedBytes(): number {
    return this.received.reduce((sum, text) => sum + text.length, 0);
  }

  get content(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.received));
  }

  open(): void {
    this.state = 'synSent';
    this.#expectAckOf(this.#originate({ flags: SYN }));
  }

  write(text: Uint8Array): void {
    if (this.#isDisconnected) throw new Error('written after the end');
    this.#outgoing = Uint8Array.from(Buffer.concat([this.#outgoing, text]));
    if (this.#due.nagle === Infinity) this.#due.nagle = this.peer.now + NAGLE_MS;
  }

  loseConnection(): void {
    if (this.#isDisconnecting) return;
    this.#isDisconnecting = true;
    if (this.#outgoing.length === 0) this.#writeBufferEmpty();
  }

  run(now: number): void {
    const due = this.#due;
    const take = (timer: keyof typeof due): boolean => {
      if (due[timer] > now) return false;
      due[timer] = Infinity;
      return true;
    };
    if (take('nagle')) this.#flush();
    if (take('ack')) this.#originate({ flags: ACK });
    if (take('retransmit')) this.#retransmit();
    if (take('halfClose')) this.loseConnection();
    if (take('timeWait')) this.#timeout();
  }

  packetArrives(packet: VertexPacket): void {
    if ((packet.flags & STB) !== 0) {
      this.#shrink((packet.text[0]! << 8) | packet.text[1]!);
      return;
    }
    if (this.isPaused) return;
    const isSyn = (packet.flags & SYN) !== 0;
    if (isSyn && !this.#synArrives(packet)) return;
    if ((packet.flags & ACK) !== 0) this.#ackArrives(packet);
    if (isSyn) return;
    const length = lengthOf(packet);
    if (length === 0) {
      if ((packet.flags & ACK) === 0) throw new NoTransition('neither text nor ACK');
      return;
    }
    this.#textArrives(packet, length);
  }

  /** Returns whether the rest of the packet counts. */
  #synArrives(packet: VertexPacket): boolean {
    if (packet.text.length > 0) throw new NoTransition('text on a SYN');
    if (this.#peerIsn !== undefined) {
      if (this.#peerIsn !== packet.seq) throw new NoTransition('another ISN');
      if (this.queue.length === 0) this.#originate({ flags: ACK });
      return false;
    }
    this.#peerIsn = packet.seq;
    this.recvNxt += 1;
    if ((packet.flags & ACK) !== 0) return true;
    if (this.state !== 'listen') throw new NoTransition(`SYN in ${this.state}`);
    this.state = 'synRcvd';
    this.#expectAckOf(this.#originate({ flags: SYN | ACK }));
    return true;
  }

  #ackArrives(packet: VertexPacket): void {
    const isNew = this.#una < packet.ack && packet.ack <= this.sendNxt;
    if (isNew) {
      while (this.queue.length > 0 && this.queue[0]!.seq + lengthOf(this.queue[0]!) <= packet.ack)
        this.#windowLeft += lengthOf(this.queue.shift()!);
      if (this.queue.length === 0) this.#writeBufferEmpty();
      this.#una = packet.ack;
    }
    if (isNew || this.peer.options.clearsOnAnyAck === true) this.#maybeAcked(packet);
  }

  /** Any ACK clears what is expected; the ACK of the number itself, one too few, counts as it. */
  #maybeAcked(packet: VertexPacket): void {
    const expected = this.#expectedAck;
    this.#expectedAck = undefined;
    if ((packet.flags & SYN) !== 0) {
      this.#synAcked();
      return;
    }
    if (expected === undefined || packet.ack < expected) return;
    switch (this.state) {
      case 'synRcvd':
        this.#established();
        return;
      case 'finWait1':
        this.state = 'finWait2';
        return;
      case 'closing':
        this.#startTimeWait();
        return;
      case 'lastAck':
        this.#release();
        return;
      default:
        throw new NoTransition(`ACK in ${this.state}`);
    }
  }

  #synAcked(): void {
    if (this.state !== 'synSent') throw new NoTransition(`SYN-ACK in ${this.state}`);
    this.state = 'established';
    this.#originate({ flags: ACK });
    this.peer.options.made?.(this);
  }

  #established(): void {
    this.state = 'established';
    this.peer.options.made?.(this);
  }

  #textArrives(packet: VertexPacket, length: number): void {
    const last = packet.seq + length - 1;
    const isIn = (seq: number): boolean => seq >= this.recvNxt && seq < this.recvNxt + MTU_BYTES;
    if (!isIn(packet.seq) && !isIn(last)) {
      if (this.queue.length === 0) this.#originate({ flags: ACK });
      return;
    }
    if (packet.seq > this.recvNxt) return;
    const text = packet.text.subarray(this.recvNxt - packet.seq);
    if (text.length > 0 && !this.#isDisconnected) {
      this.received.push(text.slice());
      this.peer.options.received?.(this, text);
    }
    // By the whole length, though part of it was old.
    this.recvNxt += length;
    this.#segmentReceived();
    if ((packet.flags & FIN) !== 0) this.#finArrives();
  }

  #segmentReceived(): void {
    if (this.state === 'established') this.#due.ack = this.peer.now + ACK_DELAY_MS;
    else if (!['finWait1', 'finWait2', 'closing'].includes(this.state))
      throw new NoTransition(`text in ${this.state}`);
  }

  #finArrives(): void {
    if (this.state === 'established') {
      this.state = 'closeWait';
      this.#due.halfClose = this.peer.now + HALF_CLOSE_MS;
    } else if (this.state === 'finWait1') this.state = 'closing';
    else if (this.state === 'finWait2') this.#startTimeWait();
    else throw new NoTransition(`FIN in ${this.state}`);
    this.#originate({ flags: ACK });
  }

  #startTimeWait(): void {
    this.state = 'timeWait';
    this.#stop();
    this.#due.timeWait = this.peer.now + TIME_WAIT_MS;
  }

  #timeout(): void {
    if (this.state === 'established' || this.state === 'closeWait') this.#notifyLost();
    this.#release();
  }

  #release(): void {
    this.state = 'closed';
    this.#stop();
    this.peer.forget(this);
  }

  #stop(): void {
    this.#due.retransmit = Infinity;
    this.#due.nagle = Infinity;
    this.#due.halfClose = Infinity;
  }

  #notifyLost(): void {
    this.#isDisconnected = true;
    this.lostCount += 1;
    this.peer.options.lost?.(this);
  }

  #writeBufferEmpty(): void {
    if (this.#outgoing.length > 0) this.#flush();
    else if (this.#isDisconnecting && !this.#isDisconnected) this.#close();
  }

  #close(): void {
    if (this.state === 'synSent') {
      this.#release();
      return;
    }
    const wasHalfClosed = this.state === 'closeWait';
    if (this.state === 'established') this.#notifyLost();
    this.state = wasHalfClosed ? 'lastAck' : 'finWait1';
    this.#expectAckOf(this.#originate({ flags: FIN }));
    if (wasHalfClosed) this.#notifyLost();
  }

  #flush(): void {
    while (this.#windowLeft > 0 && this.#outgoing.length > 0) {
      const count = Math.min(this.#windowLeft, this.mtuBytes);
      const text = this.#outgoing.slice(0, count);
      this.#outgoing = this.#outgoing.subarray(count);
      this.#windowLeft -= text.length;
      this.#originate({ flags: ACK, text });
    }
  }

  #shrink(mtuBytes: number): void {
    if (mtuBytes === 0) throw new NoTransition('an endless loop');
    this.mtuBytes = mtuBytes;
    this.queue = this.queue.flatMap((packet) => piecesOf(packet, mtuBytes));
  }

  #retransmit(): void {
    for (const packet of this.queue) {
      packet.triesLeft -= 1;
      if (packet.triesLeft === 0) {
        this.#timeout();
        return;
      }
      packet.ack = this.recvNxt;
      this.peer.send(packet);
    }
    if (this.queue.length > 0) this.#due.retransmit = this.peer.now + RETRANSMIT_MS;
  }

  #originate({ flags, text = new Uint8Array(0) }: { flags: number; text?: Uint8Array }): VertexPacket {
    this.#due.ack = Infinity;
    const packet: VertexPacket = {
      srcPort: this.localPort,
      dstPort: this.remotePort,
      seq: this.sendNxt,
      ack: this.recvNxt,
      flags,
      text,
      triesLeft: TRIES,
    };
    this.sendNxt += lengthOf(packet);
    if (lengthOf(packet) > 0) {
      this.queue.push(packet);
      if (this.#due.retransmit === Infinity) this.#due.retransmit = this.peer.now + RETRANSMIT_MS;
    }
    this.peer.send(packet);
    return packet;
  }

  #expectAckOf(packet: VertexPacket): void {
    this.#expectedAck = packet.seq;
  }
}

/** A packet cut into pieces of `mtuBytes`, the FIN on the last. */
function piecesOf(packet: VertexPacket, mtuBytes: number): VertexPacket[] {
  if (packet.text.length < mtuBytes) return [packet];
  const pieces: VertexPacket[] = [];
  for (let at = 0; at < packet.text.length; at += mtuBytes) {
    const text = packet.text.slice(at, at + mtuBytes);
    pieces.push({ ...packet, seq: packet.seq + at, flags: packet.flags & ACK, text, triesLeft: TRIES });
  }
  const last = pieces.pop()!;
  return [...pieces, { ...last, flags: last.flags | (packet.flags & FIN) }];
}

/** A Vertex on one UDP port, with one other to talk to. */
export class VertexPeer {
  now = 0;
  readonly options: VertexOptions;
  /** All connections there ever were. */
  readonly all: VertexConnection[] = [];
  /** What ended a connection without anybody being told. */
  readonly errors: string[] = [];
  readonly #table = new Map<string, VertexConnection>();
  readonly #isListening: boolean;
  #outbox: Uint8Array[] = [];
  #nextPort = 8;

  constructor(isListening: boolean, options: VertexOptions = {}) {
    this.#isListening = isListening;
    this.options = options;
  }

  /** How many connections it remembers. */
  get connectionCount(): number {
    return this.#table.size;
  }

  connect(): VertexConnection {
    const connection = new VertexConnection(this, this.#nextPort, LISTENING_PORT);
    this.#nextPort += 1;
    this.#adopt(connection);
    connection.open();
    return connection;
  }

  get dueAt(): number {
    return Math.min(Infinity, ...this.all.map((connection) => connection.dueAt));
  }

  run(now: number): void {
    this.now = now;
    for (const connection of this.all) if (connection.dueAt <= now) connection.run(now);
  }

  /** What it has sent since the last time. */
  takeSent(): Uint8Array[] {
    const sent = this.#outbox;
    this.#outbox = [];
    return sent;
  }

  send(packet: VertexPacket): void {
    this.#outbox.push(encodeVertexPacket(packet));
  }

  datagramArrives(now: number, bytes: Uint8Array): void {
    this.now = now;
    const packet = decodeVertexPacket(bytes);
    if (packet === 'cut') this.#sendStb(bytes);
    if (typeof packet === 'string') return;
    const connection = this.#table.get(`${packet.dstPort} ${packet.srcPort}`) ?? this.#accept(packet);
    if (connection === undefined) return;
    try {
      connection.packetArrives(packet);
    } catch (error) {
      if (!(error instanceof NoTransition)) throw error;
      this.errors.push(error.message);
      connection.isForgotten = true;
      this.forget(connection);
    }
  }

  #sendStb(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const came = bytes.length - HEADER_BYTES;
    const text = Uint8Array.of(came >> 8, came & 0xff);
    const ports = { srcPort: view.getUint16(2), dstPort: view.getUint16(0) };
    this.#outbox.push(encodeVertexPacket({ ...ports, seq: 0, ack: 0, flags: STB, text }, 32_768));
  }

  #accept({ flags, srcPort, dstPort }: VertexPacket): VertexConnection | undefined {
    if (!this.#isListening || flags !== SYN || dstPort !== LISTENING_PORT) return undefined;
    const connection = new VertexConnection(this, dstPort, srcPort);
    connection.state = 'listen';
    this.#adopt(connection);
    return connection;
  }

  #adopt(connection: VertexConnection): void {
    this.all.push(connection);
    this.#table.set(`${connection.localPort} ${connection.remotePort}`, connection);
  }

  forget(connection: VertexConnection): void {
    this.#table.delete(`${connection.localPort} ${connection.remotePort}`);
  }
}

export const VertexPacketFlag = { SYN, ACK, FIN, RST, STB } as const;
