import { expect } from 'chai';
import fc from 'fast-check';
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts';
import { FileReceiver } from '../../../protocols/file-transfer/index.ts';
import {
  encodeAccept,
  encodeBegin,
  encodeBlockPrefix,
  encodeDone,
  encodeEnd,
  encodeFail,
  encodeHeartbeat,
  encodeHello,
  encodeOffer,
  type Message,
  MessageReader,
} from '../../../protocols/file-transfer/messages.ts';
import { MemoryDisk, MemoryFiles } from '../../support/memory-files.ts';
import { hashes, pattern, TransferBench } from '../../support/transfer.ts';

describe('MessageReader', () => {
  const hash = pattern(32);
  const stream = Buffer.concat([
    encodeHello(),
    encodeOffer(7, 2 ** 40 + 1, 'año'),
    encodeAccept(7, 2 ** 33, hash),
    encodeBegin(5),
    encodeBlockPrefix(hash, 3),
    Uint8Array.of(1, 2, 3),
    encodeEnd(hash),
    encodeDone(7),
    encodeFail(7, 'no-space'),
    encodeHeartbeat(),
  ]);

  it('reads what was encoded, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const { reader, messages } = listening();
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];

        for (const [index, from] of edges.slice(0, -1).entries()) {
          reader.push(stream.subarray(from, edges[index + 1]));
        }

        expect(messages.map(readable)).to.deep.equal([
          { type: 'hello' },
          { type: 'offer', file: 7, sizeBytes: 2 ** 40 + 1, name: 'año' },
          { type: 'accept', file: 7, offset: 2 ** 33, hash: [...hash] },
          { type: 'begin', offset: 5 },
          { type: 'block', hash: [...hash], bytes: [1, 2, 3] },
          { type: 'end', hash: [...hash] },
          { type: 'done', file: 7 },
          { type: 'fail', file: 7, reason: 'no-space' },
          { type: 'heartbeat' },
        ]);
      }),
    );
  });

  it('takes any bytes or says what is wrong with them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { reader } = listening();

        const problem = reader.push(bytes);

        expect(problem).to.be.oneOf([
          undefined,
          'unknown-type',
          'bad-length',
          'bad-hello',
          'bad-name',
          'bad-size',
        ]);
      }),
    );
  });

  it('allocates nothing for a message that is too long or not expected', () => {
    let allocations = 0;
    const reader = new MessageReader({
      expects: () => false,
      allocate: (bodyBytes) => {
        allocations += 1;
        return new Uint8Array(bodyBytes);
      },
      message: () => {},
    });
    const tooLong = listening();

    const unexpected = reader.push(Uint8Array.of(5, 0, 0x10, 0, 0));
    const problem = tooLong.reader.push(Uint8Array.of(5, 0xff, 0xff, 0xff, 0xff));

    expect(unexpected).to.equal('unexpected');
    expect(problem).to.equal('bad-length');
    expect(allocations).to.equal(0);
  });
});

describe('FileReceiver, told nonsense', () => {
  it('never throws, and writes no file it did not agree to', async () => {
    const message = fc.oneof(
      fc.constantFrom(
        encodeHello(),
        encodeHeartbeat(),
        encodeBegin(0),
        encodeBegin(1 << 20),
        encodeEnd(pattern(32)),
      ),
      fc
        .record({ size: fc.nat(3_000_000), name: fc.constantFrom('a', '../b', '') })
        .map((offer) => encodeOffer(1, offer.size, offer.name)),
      fc
        .nat(2_000_000)
        .map((length) => Buffer.concat([encodeBlockPrefix(pattern(32), length), pattern(length)])),
      fc.uint8Array({ maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 8 }), async (messages) => {
        const bench = new TransferBench();
        const disk = new MemoryDisk();
        const files = new MemoryFiles(disk);
        const receiver = new FileReceiver({
          files,
          hashes,
          clock: new VirtualClock(),
          directory: 'in',
          maxBytes: 2_000_000,
        });
        const wire = bench.connect(
          new FileReceiver({ files, hashes, clock: bench.clock, directory: 'x' }),
          receiver,
        );

        wire.sending.write(Buffer.concat([encodeHello(), ...messages]));
        await bench.settle();
        wire.sending.abort();
        await bench.settle();

        const outside = [...disk.nodes.keys()].filter((path) => !path.startsWith('in/'));
        expect(outside).to.deep.equal([]);
        expect(disk.usedBytes).to.be.at.most(2_000_000 + 1000);
      }),
      { numRuns: 30 },
    );
  });
});

function listening(): { reader: MessageReader; messages: Message[] } {
  const messages: Message[] = [];
  const reader = new MessageReader({
    expects: () => true,
    allocate: (bodyBytes) => new Uint8Array(bodyBytes + 10),
    message: (message) => messages.push(message),
  });
  return { reader, messages };
}

/** Bytes as lists of numbers, and without the buffer that goes back. */
function readable(message: Message): object {
  const entries = Object.entries(message).filter(([key]) => key !== 'body');
  return Object.fromEntries(
    entries.map(([key, value]) => [key, value instanceof Uint8Array ? [...value] : value]),
  );
}
