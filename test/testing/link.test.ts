import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { UsageError } from '../../lib/errors.ts';
import { Link, type LinkOptions } from '../../lib/testing/link.ts';
import { type Instant, NEVER } from '../../lib/time/clock.ts';

interface Arrival {
  readonly at: Instant;
  readonly bytes: number[];
}

function makeLink(options: LinkOptions = {}, seed: number | string = 1): Link {
  return new Link({ random: new Prng(seed), ...options });
}

/** Lets time run to the end; each arrival is taken at the very instant the link announced. */
function drain(link: Link): Arrival[] {
  const arrivals: Arrival[] = [];
  for (let at = link.nextAt(); at !== NEVER; at = link.nextAt()) {
    const bytes = link.takeDue(at);
    if (bytes === undefined) throw new Error(`nothing came at ${at}`);
    arrivals.push({ at, bytes: [...bytes] });
  }
  return arrivals;
}

/** Sends `count` datagrams of 100 bytes, each marked with its number, one a millisecond. */
function sendNumbered(link: Link, count: number): void {
  for (let i = 0; i < count; i++) link.send(i, numbered(i));
}

function numbered(number: number, length = 100): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function numbersOf(arrivals: readonly Arrival[]): number[] {
  return arrivals.map(({ bytes }) => new DataView(Uint8Array.from(bytes).buffer).getUint32(0));
}

describe('Link', () => {
  describe('without faults', () => {
    it('delivers a copy after the latency, and not a moment earlier', () => {
      const link = makeLink({ latencyMs: 20 });
      const bytes = Uint8Array.of(1, 2, 3);

      link.send(5, bytes);
      bytes.fill(9);

      expect(link.nextAt()).to.equal(25);
      expect(link.takeDue(24.999)).to.equal(undefined);
      expect(link.takeDue(25)).to.deep.equal(Uint8Array.of(1, 2, 3));
      expect(link.nextAt()).to.equal(NEVER);
    });

    it('delivers what arrives together in the order in which it was sent', () => {
      const link = makeLink({ latencyMs: 1 });
      for (let i = 0; i < 5; i++) link.send(0, numbered(i));

      expect(numbersOf(drain(link))).to.deep.equal([0, 1, 2, 3, 4]);
    });

    it('carries empty datagrams, and ones larger than its slabs', () => {
      const link = makeLink();
      link.send(0, new Uint8Array(0));
      link.send(0, new Uint8Array(65_507).fill(7));

      const [empty, large] = drain(link);

      expect(empty?.bytes.length).to.equal(0);
      expect(large?.bytes).to.deep.equal(new Array(65_507).fill(7));
    });

    it('gives the envelope back with its datagram', () => {
      const link = new Link<string>({ random: new Prng(1), reorder: { probability: 0.5, extraMs: 3 } });
      for (let i = 0; i < 50; i++) link.send(i, numbered(i), `letter ${i}`);
      const pairs: [number, string][] = [];

      link.deliverDue(1_000, (bytes, envelope) => {
        pairs.push([new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), envelope]);
      });

      expect(pairs).to.have.length(50);
      for (const [number, envelope] of pairs) expect(envelope).to.equal(`letter ${number}`);
    });

    it('keeps its order and forgets nothing over a long queue', () => {
      const link = makeLink({ latencyMs: 50 });
      const arrived: number[] = [];
      for (let i = 0; i < 5_000; i++) {
        link.send(i / 100, numbered(i, 4));
        link.deliverDue(i / 100, (bytes) => {
          arrived.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
        });
      }
      arrived.push(...numbersOf(drain(link)));

      expect(arrived).to.deep.equal(Array.from({ length: 5_000 }, (_, i) => i));
    });
  });

  describe('rate and queue', () => {
    it('sends exactly at its rate, headers counted', () => {
      // 1 Mbit/s is 125 bytes a millisecond; 97 + 28 bytes take one.
      const link = makeLink({ rateMbit: 1, latencyMs: 10 });
      for (let i = 0; i < 4; i++) link.send(0, numbered(i, 97));

      expect(drain(link).map(({ at }) => at)).to.deep.equal([11, 12, 13, 14]);
    });

    it('is idle when its queue has drained', () => {
      const link = makeLink({ rateMbit: 1 });
      link.send(0, numbered(0, 97));
      link.send(100, numbered(1, 97));

      expect(drain(link).map(({ at }) => at)).to.deep.equal([1, 101]);
      expect(link.stats.maxQueueDelayMs).to.equal(0);
    });

    it('drops at the tail what finds no room, the datagram being sent included', () => {
      const link = makeLink({ rateMbit: 1, queueBytes: 375 });

      const fates = [0, 1, 2, 3].map((i) => link.send(0, numbered(i, 97)));
      const later = link.send(1, numbered(4, 97));

      expect(fates).to.deep.equal(['queued', 'queued', 'queued', 'queue-full']);
      expect(later, 'one has left').to.equal('queued');
      expect(link.queuedBytes(1)).to.equal(375);
      expect(numbersOf(drain(link))).to.deep.equal([0, 1, 2, 4]);
      expect(link.stats).to.include({ sent: 5, delivered: 4, queueDropped: 1, maxQueueDelayMs: 2 });
    });

    it('has no queue without a rate', () => {
      const link = makeLink({ queueBytes: 200 });
      for (let i = 0; i < 10; i++) link.send(0, numbered(i));

      expect(drain(link)).to.have.length(10);
      expect(link.queuedBytes(0)).to.equal(0);
    });

    it('hides datagrams larger than its MTU, headers counted', () => {
      const link = makeLink({ mtuBytes: 1500 });

      expect(link.send(0, new Uint8Array(1472))).to.equal('queued');
      expect(link.send(0, new Uint8Array(1473))).to.equal('too-large');
      expect(link.stats).to.include({ tooLarge: 1, sent: 2, sentBytes: 2945 });
      expect(drain(link)).to.have.length(1);
    });
  });

  describe('loss', () => {
    it('is asked of a function, with the index and the bytes', () => {
      const asked: [number, number][] = [];
      const link = makeLink({
        loss: (index, bytes) => {
          asked.push([index, bytes.length]);
          return index === 1;
        },
      });

      sendNumbered(link, 3);

      expect(asked).to.deep.equal([
        [0, 100],
        [1, 100],
        [2, 100],
      ]);
      expect(numbersOf(drain(link))).to.deep.equal([0, 2]);
    });

    it('follows a string of 0 and 1 again and again', () => {
      const link = makeLink({ loss: '011' });
      sendNumbered(link, 7);

      expect(numbersOf(drain(link))).to.deep.equal([0, 3, 6]);
      expect(link.stats.lost).to.equal(4);
    });

    it('follows a mask of 64 bits from the lowest and again after 64 datagrams', () => {
      const link = makeLink({ loss: (1n << 63n) | 0b101n });
      sendNumbered(link, 130);

      const arrived = new Set(numbersOf(drain(link)));
      const lost = Array.from({ length: 130 }, (_, i) => i).filter((i) => !arrived.has(i));

      expect(lost).to.deep.equal([0, 2, 63, 64, 66, 127, 128]);
    });

    it('comes as often as its probability says', () => {
      const link = makeLink({ loss: 0.1 });
      sendNumbered(link, 10_000);

      expect(link.stats.lost).to.be.within(900, 1_100);
      expect(drain(link)).to.have.length(10_000 - link.stats.lost);
    });
  });

  describe('jitter and reordering', () => {
    it('spreads the latency with jitter and keeps the order', () => {
      const link = makeLink({ latencyMs: 10, jitterMs: 30 });
      sendNumbered(link, 200);

      const arrivals = drain(link);
      const delays = arrivals.map(({ at }, i) => at - i);

      expect(numbersOf(arrivals)).to.deep.equal(Array.from({ length: 200 }, (_, i) => i));
      expect(Math.min(...delays)).to.be.within(10, 40);
      expect(Math.max(...delays)).to.be.within(30, 40);
    });

    it('holds a datagram back so that those behind it overtake', () => {
      const link = makeLink({ latencyMs: 10, reorder: { probability: 1, extraMs: 5 } });
      link.send(0, numbered(0));
      link.change({ reorder: { probability: 0, extraMs: 5 } });
      link.send(1, numbered(1));
      link.send(10, numbered(2));

      expect(drain(link).map(({ at }) => at)).to.deep.equal([11, 15, 20]);
      expect(link.stats.reordered).to.equal(1);
    });

    it('delivers everything exactly once however much is reordered', () => {
      const link = makeLink({ jitterMs: 3, reorder: { probability: 0.3, extraMs: 4 } });
      sendNumbered(link, 1_000);

      const arrivals = drain(link);
      const numbers = numbersOf(arrivals);

      expect(numbers).not.to.deep.equal([...numbers].sort((a, b) => a - b));
      expect(new Set(numbers).size).to.equal(1_000);
      expect(arrivals.map(({ at }) => at)).to.deep.equal(arrivals.map(({ at }) => at).sort((a, b) => a - b));
    });
  });

  describe('damage', () => {
    it('sends a duplicate right behind, which takes its time on the link', () => {
      const link = makeLink({ rateMbit: 1, duplicate: 1 });
      link.send(0, numbered(7, 97));

      const arrivals = drain(link);

      expect(arrivals.map(({ at }) => at)).to.deep.equal([1, 2]);
      expect(arrivals[0]?.bytes).to.deep.equal(arrivals[1]?.bytes);
      expect(link.stats).to.include({ sent: 1, duplicated: 1, delivered: 2 });
    });

    it('flips exactly one bit of a corrupted datagram, any of them', () => {
      const link = makeLink({ corrupt: 1 });
      const places = new Set<number>();
      for (let i = 0; i < 400; i++) link.send(i, new Uint8Array(4));

      for (const { bytes } of drain(link)) {
        const word = new DataView(Uint8Array.from(bytes).buffer).getUint32(0);
        expect(word & (word - 1), 'one bit').to.equal(0);
        expect(word).not.to.equal(0);
        places.add(Math.log2(word));
      }

      expect(places.size).to.equal(32);
    });

    it('cuts a truncated datagram to a shorter beginning of itself', () => {
      const link = makeLink({ truncate: 1 });
      const whole = Array.from({ length: 50 }, (_, i) => i);
      for (let i = 0; i < 100; i++) link.send(i, Uint8Array.from(whole));

      for (const { bytes } of drain(link)) {
        expect(bytes.length).to.be.below(50);
        expect(bytes).to.deep.equal(whole.slice(0, bytes.length));
      }
      expect(link.stats.truncated).to.equal(100);
    });
  });

  describe('repetition', () => {
    const all: LinkOptions = {
      rateMbit: 5,
      latencyMs: 10,
      jitterMs: 4,
      queueBytes: 2_000,
      loss: 0.1,
      reorder: { probability: 0.1, extraMs: 5 },
      duplicate: 0.1,
      corrupt: 0.1,
      truncate: 0.05,
    };

    it('gives the same run for the same seed, and another for another', () => {
      const [first, again, other] = [7, 7, 8].map((seed) => {
        const link = makeLink(all, seed);
        sendNumbered(link, 500);
        return drain(link);
      });

      expect(again).to.deep.equal(first);
      expect(other).not.to.deep.equal(first);
    });

    it('leaves the draws of every fault as they were when another is switched on', () => {
      const duplicatesOf = (options: LinkOptions): number[] => {
        const link = makeLink(options);
        const marked: number[] = [];
        for (let i = 0; i < 500; i++) {
          const before = link.stats.duplicated;
          const fate = link.send(i * 10, numbered(i));
          if (fate === 'lost' || link.stats.duplicated > before) marked.push(fate === 'lost' ? -1 : i);
          else marked.push(0);
        }
        return marked;
      };
      const alone = duplicatesOf({ duplicate: 0.3 });
      const withAll = duplicatesOf({ ...all, duplicate: 0.3 });

      expect(withAll.filter((mark) => mark === -1).length).to.be.above(10);
      withAll.forEach((mark, i) => {
        if (mark !== -1) expect(mark, `datagram ${i}`).to.equal(alone[i]);
      });
    });

    it('changes options on the way without disturbing what is under way', () => {
      const link = makeLink({ latencyMs: 100 });
      link.send(0, numbered(0));
      link.change({ latencyMs: 1, loss: (index) => index === 2 });
      link.send(10, numbered(1));
      link.send(200, numbered(2));
      link.send(200, numbered(3));

      const arrivals = drain(link);

      expect(numbersOf(arrivals)).to.deep.equal([0, 1, 3]);
      expect(
        arrivals.map(({ at }) => at),
        'no overtaking',
      ).to.deep.equal([100, 100, 201]);
    });
  });

  it('refuses options that mean nothing', () => {
    const nonsense: LinkOptions[] = [
      { loss: 1.5 },
      { loss: '' },
      { loss: '0x1' },
      { loss: 1n << 64n },
      { duplicate: -0.1 },
      { corrupt: Number.NaN },
      { reorder: { probability: 2, extraMs: 1 } },
      { latencyMs: -1 },
      { rateMbit: 0 },
    ];

    for (const options of nonsense) expect(() => makeLink(options)).to.throw(UsageError);
  });
});
