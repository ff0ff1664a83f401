import type { Prng } from '../bytes/prng.ts';
import { UsageError } from '../errors.ts';
import { type Instant, NEVER } from '../time/clock.ts';

/** What UDP over IPv4 adds to a datagram: 20 bytes of IP and 8 of UDP. */
export const UDP_IP_HEADER_BYTES = 28;

/**
 * Which datagrams a link loses: a probability; a function of the datagram, told how many came before it; or a pattern
 * that is repeated for ever. A pattern is 64 bits, the lowest for the first datagram, or a string of 0 and 1 read from
 * the left; a 1 loses the datagram.
 */
export type Loss = number | bigint | string | ((index: number, bytes: Uint8Array) => boolean);

/** How a link spoils what passes. All that is left out is without fault. Probabilities are from 0 to 1. */
export interface LinkOptions {
  /** Million bits a second, headers included. Unlimited when left out: then there is no queue either. */
  readonly rateMbit?: number;
  /** From the last bit sent to its arrival. */
  readonly latencyMs?: number;
  /** Each datagram takes up to this much longer, evenly spread. It delays those behind, and never reorders. */
  readonly jitterMs?: number;
  /** Room for what waits, the datagram being sent included; what finds none is dropped. Unlimited when left out. */
  readonly queueBytes?: number;
  /** The largest packet, headers included; larger ones vanish, as in a path that hides its limit. */
  readonly mtuBytes?: number;
  /** Added to each datagram for rate, queue and MTU. UDP_IP_HEADER_BYTES when left out. */
  readonly headerBytes?: number;
  readonly loss?: Loss;
  /** Holds a datagram back by `extraMs`, so that those behind it overtake. */
  readonly reorder?: { readonly probability: number; readonly extraMs: number };
  /** Probability that a datagram is sent twice, back to back. */
  readonly duplicate?: number;
  /** Probability that one random bit of a datagram is flipped. */
  readonly corrupt?: number;
  /** Probability that a datagram is cut to a random shorter length. */
  readonly truncate?: number;
}

/** What became of a datagram when it was sent. */
export type SendFate = 'queued' | 'lost' | 'too-large' | 'queue-full';

/** Counts since the link was made; bytes without headers. */
export interface LinkStats {
  readonly sent: number;
  readonly sentBytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly lost: number;
  readonly queueDropped: number;
  readonly tooLarge: number;
  /** Held back by `reorder`. */
  readonly reordered: number;
  readonly duplicated: number;
  readonly corrupted: number;
  readonly truncated: number;
  /** The longest that a datagram waited before its first bit was sent. */
  readonly maxQueueDelayMs: number;
}

interface Transit<Envelope> {
  readonly bytes: Uint8Array;
  readonly dueAt: Instant;
  /** Tells which of two that are due together was sent first. */
  readonly ordinal: number;
  readonly envelope: Envelope;
}

/** 1 Mbit/s is 125 bytes in a millisecond. */
const BYTES_PER_MS_PER_MBIT = 125;
/** Times are fractions: a queue of exactly three datagrams must not refuse the third for a rounding error. */
const ROUNDING_BYTES = 0.001;

const NEUTRAL: Required<LinkOptions> = {
  rateMbit: Number.POSITIVE_INFINITY,
  latencyMs: 0,
  jitterMs: 0,
  queueBytes: Number.POSITIVE_INFINITY,
  mtuBytes: Number.POSITIVE_INFINITY,
  headerBytes: UDP_IP_HEADER_BYTES,
  loss: 0,
  reorder: { probability: 0, extraMs: 0 },
  duplicate: 0,
  corrupt: 0,
  truncate: 0,
};

/**
 * One direction of a network path with faults, without I/O and without a clock: told the time, it says what arrives
 * when. The same seed and the same calls give the same faults, and each fault draws from its own sequence, so that
 * switching one on leaves the others as they were.
 *
 * In order: faults of the path, a tail-drop queue served at the rate, latency. An `envelope` given to `send` comes out
 * with its datagram, untouched by faults.
 */
export class Link<Envelope = undefined> {
  #options: Required<LinkOptions>;
  #loses: (index: number, bytes: Uint8Array) => boolean;
  readonly #random: Readonly<
    Record<'loss' | 'jitter' | 'reorder' | 'duplicate' | 'corrupt' | 'truncate', Prng>
  >;
  readonly #inOrder = new Fifo<Transit<Envelope>>();
  readonly #heldBack = new Fifo<Transit<Envelope>>();
  readonly #slab = new Slab();
  /** When the last bit of all that was sent has left. */
  #busyUntil: Instant = Number.NEGATIVE_INFINITY;
  /** Ascending within each queue, whatever jitter and new options say. */
  #lastInOrderAt: Instant = Number.NEGATIVE_INFINITY;
  #lastHeldBackAt: Instant = Number.NEGATIVE_INFINITY;
  #ordinal = 0;
  readonly #stats = {
    sent: 0,
    sentBytes: 0,
    delivered: 0,
    deliveredBytes: 0,
    lost: 0,
    queueDropped: 0,
    tooLarge: 0,
    reordered: 0,
    duplicated: 0,
    corrupted: 0,
    truncated: 0,
    maxQueueDelayMs: 0,
  };

  constructor({ random, ...options }: LinkOptions & { readonly random: Prng }) {
    this.#random = {
      loss: random.split('loss'),
      jitter: random.split('jitter'),
      reorder: random.split('reorder'),
      duplicate: random.split('duplicate'),
      corrupt: random.split('corrupt'),
      truncate: random.split('truncate'),
    };
    this.#options = checked({ ...NEUTRAL, ...options });
    this.#loses = lossFunction(this.#options.loss, this.#random.loss);
  }

  get options(): Readonly<Required<LinkOptions>> {
    return this.#options;
  }

  get stats(): LinkStats {
    return this.#stats;
  }

  /** Changes some options from now on. What is under way arrives as it was going to. */
  change(options: LinkOptions): void {
    this.#options = checked({ ...this.#options, ...options });
    if (options.loss !== undefined) this.#loses = lossFunction(options.loss, this.#random.loss);
  }

  /** Bytes, headers included, whose last bit has not left at `now`. */
  queuedBytes(now: Instant): number {
    const { rateMbit } = this.#options;
    if (this.#busyUntil <= now || rateMbit === Number.POSITIVE_INFINITY) return 0;
    return (this.#busyUntil - now) * rateMbit * BYTES_PER_MS_PER_MBIT;
  }

  /** Sends a copy of `bytes`; `now` never goes back from call to call. */
  send(
    now: Instant,
    bytes: Uint8Array,
    ...[envelope]: Envelope extends undefined ? [envelope?: Envelope] : [envelope: Envelope]
  ): SendFate {
    const { jitterMs, reorder, duplicate, corrupt, truncate, headerBytes, mtuBytes } = this.#options;
    const random = this.#random;
    const index = this.#stats.sent++;
    this.#stats.sentBytes += bytes.length;
    // Every fault draws for every datagram, also for one that is lost: so no fault shifts the draws of another.
    const isLost = this.#loses(index, bytes);
    const jitter = jitterMs > 0 ? random.jitter.nextFloat() * jitterMs : 0;
    const isHeldBack = reorder.probability > 0 && random.reorder.nextFloat() < reorder.probability;
    const isDoubled = duplicate > 0 && random.duplicate.nextFloat() < duplicate;
    const corruptAt = corrupt > 0 ? drawPlace(random.corrupt, corrupt) : undefined;
    const truncateAt = truncate > 0 ? drawPlace(random.truncate, truncate) : undefined;

    if (bytes.length + headerBytes > mtuBytes) {
      this.#stats.tooLarge++;
      return 'too-large';
    }
    if (isLost) {
      this.#stats.lost++;
      return 'lost';
    }
    if (!this.#serve(now, bytes.length + headerBytes)) return 'queue-full';
    const spoiled = this.#spoil(bytes, corruptAt, truncateAt);
    this.#deliverLater(spoiled, jitter, isHeldBack, envelope as Envelope);
    if (isDoubled && this.#serve(now, bytes.length + headerBytes)) {
      this.#stats.duplicated++;
      this.#deliverLater(this.#slab.copy(bytes), jitter, false, envelope as Envelope);
    }
    return 'queued';
  }

  /** When the next datagram arrives, or NEVER. */
  nextAt(): Instant {
    return Math.min(this.#inOrder.first?.dueAt ?? NEVER, this.#heldBack.first?.dueAt ?? NEVER);
  }

  /** The next datagram that has arrived at `now`; it is the caller's to keep. */
  takeDue(now: Instant): Uint8Array | undefined {
    return this.#take(now)?.bytes;
  }

  /** Hands out all that has arrived at `now`, in order of arrival. */
  deliverDue(now: Instant, deliver: (bytes: Uint8Array, envelope: Envelope) => void): void {
    for (let transit = this.#take(now); transit !== undefined; transit = this.#take(now)) {
      deliver(transit.bytes, transit.envelope);
    }
  }

  /** Reserves the link for one packet, unless the queue has no room for it. */
  #serve(now: Instant, packetBytes: number): boolean {
    if (this.queuedBytes(now) + packetBytes > this.#options.queueBytes + ROUNDING_BYTES) {
      this.#stats.queueDropped++;
      return false;
    }
    const startAt = Math.max(now, this.#busyUntil);
    this.#stats.maxQueueDelayMs = Math.max(this.#stats.maxQueueDelayMs, startAt - now);
    this.#busyUntil = startAt + packetBytes / (this.#options.rateMbit * BYTES_PER_MS_PER_MBIT);
    return true;
  }

  #spoil(bytes: Uint8Array, corruptAt: number | undefined, truncateAt: number | undefined): Uint8Array {
    let copy = this.#slab.copy(bytes);
    if (truncateAt !== undefined && copy.length > 0) {
      copy = copy.subarray(0, Math.floor(truncateAt * copy.length));
      this.#stats.truncated++;
    }
    if (corruptAt !== undefined && copy.length > 0) {
      const bit = Math.floor(corruptAt * copy.length * 8);
      copy[bit >>> 3]! ^= 1 << (bit & 7);
      this.#stats.corrupted++;
    }
    return copy;
  }

  /** The packet was served last: it has left at `#busyUntil`. */
  #deliverLater(bytes: Uint8Array, jitter: number, isHeldBack: boolean, envelope: Envelope): void {
    const { latencyMs, reorder } = this.#options;
    const ordinal = this.#ordinal++;
    const inOrderAt = Math.max(this.#lastInOrderAt, this.#busyUntil + latencyMs + jitter);
    if (isHeldBack) {
      this.#lastHeldBackAt = Math.max(this.#lastHeldBackAt, inOrderAt + reorder.extraMs);
      this.#heldBack.push({ bytes, dueAt: this.#lastHeldBackAt, ordinal, envelope });
      this.#stats.reordered++;
    } else {
      this.#lastInOrderAt = inOrderAt;
      this.#inOrder.push({ bytes, dueAt: inOrderAt, ordinal, envelope });
    }
  }

  #take(now: Instant): Transit<Envelope> | undefined {
    const queue = isEarlier(this.#heldBack.first, this.#inOrder.first) ? this.#heldBack : this.#inOrder;
    const transit = queue.first;
    if (transit === undefined || transit.dueAt > now) return undefined;
    queue.dropFirst();
    this.#stats.delivered++;
    this.#stats.deliveredBytes += transit.bytes.length;
    return transit;
  }
}

function isEarlier(a: Transit<unknown> | undefined, b: Transit<unknown> | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.ordinal < b.ordinal);
}

/** Where in the datagram the fault strikes, as a fraction of it. Draws twice, whether it strikes or not. */
function drawPlace(random: Prng, probability: number): number | undefined {
  const strikes = random.nextFloat() < probability;
  const place = random.nextFloat();
  return strikes ? place : undefined;
}

function lossFunction(loss: Loss, random: Prng): (index: number, bytes: Uint8Array) => boolean {
  if (typeof loss === 'function') return loss;
  if (typeof loss === 'number') return loss > 0 ? () => random.nextFloat() < loss : () => false;
  const pattern =
    typeof loss === 'string' ? loss : [...loss.toString(2).padStart(64, '0')].reverse().join('');
  return (index) => pattern[index % pattern.length] === '1';
}

function checked(options: Required<LinkOptions>): Required<LinkOptions> {
  const { reorder, loss } = options;
  const probabilities = {
    'reorder.probability': reorder.probability,
    duplicate: options.duplicate,
    corrupt: options.corrupt,
    truncate: options.truncate,
    loss: typeof loss === 'number' ? loss : 0,
  };
  for (const [name, value] of Object.entries(probabilities)) {
    if (!(value >= 0 && value <= 1))
      throw new UsageError(`${name} is a probability from 0 to 1, not ${value}`);
  }
  const { latencyMs, jitterMs, queueBytes, mtuBytes, headerBytes } = options;
  const amounts = {
    latencyMs,
    jitterMs,
    queueBytes,
    mtuBytes,
    headerBytes,
    'reorder.extraMs': reorder.extraMs,
  };
  for (const [name, value] of Object.entries(amounts)) {
    if (!(value >= 0)) throw new UsageError(`${name} is at least 0, not ${value}`);
  }
  if (!(options.rateMbit > 0)) throw new UsageError(`rateMbit is more than 0, not ${options.rateMbit}`);
  if (typeof loss === 'bigint' && (loss < 0n || loss >= 1n << 64n))
    throw new UsageError('loss is a mask of 64 bits');
  if (typeof loss === 'string' && !/^[01]+$/.test(loss)) throw new UsageError('loss is a pattern of 0 and 1');
  return options;
}

/** First in, first out, at a constant cost however long it grows. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  dropFirst(): void {
    this.#items[this.#head++] = undefined;
    if (this.#head < 1024 || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}

const SLAB_BYTES = 65_536;

/** Copies small datagrams into large allocations, which costs a third of one allocation for each. */
class Slab {
  #free = new Uint8Array(0);

  copy(bytes: Uint8Array): Uint8Array {
    if (bytes.length > SLAB_BYTES / 8) return bytes.slice();
    if (bytes.length > this.#free.length) this.#free = new Uint8Array(SLAB_BYTES);
    const copy = this.#free.subarray(0, bytes.length);
    this.#free = this.#free.subarray(bytes.length);
    copy.set(bytes);
    return copy;
  }
}
