import { expect } from 'chai';
import { MemoryFiles } from '../../support/memory-files.ts';
import { eventsOf, failures, holds, pattern, TransferBench } from '../../support/transfer.ts';

const MIB = 1 << 20;

describe('A file transfer that was interrupted', () => {
  let bench: TransferBench;

  beforeEach(() => {
    bench = new TransferBench();
  });

  afterEach(async () => {
    await bench.settle();
    expect(bench.clock.pending, 'calls left on the clock').to.equal(0);
  });

  /** Kills the receiver once `byteCount` are verified; returns how many were when it died. */
  async function killAfter(byteCount: number): Promise<number> {
    const files = new MemoryFiles(bench.target);
    const verified = (): number => eventsOf(bench.received, 'progress').at(-1)?.bytes ?? 0;
    const wire = bench.connect(bench.sender('a'), bench.receivers({ files }));
    await bench.settle(() => verified() >= byteCount);
    files.kill();
    const verifiedBytes = verified();
    wire.sending.abort();
    await bench.settle();
    bench.sent.length = 0;
    bench.received.length = 0;
    return verifiedBytes;
  }

  function resumedBytes(): number | undefined {
    return eventsOf(bench.sent, 'start')[0]?.resumedBytes;
  }

  it('goes on behind what was verified after kill -9 of the receiver', async () => {
    const bytes = pattern(8 * MIB + 5);
    bench.source.put('out/a', bytes);

    const verifiedBytes = await killAfter(5 * MIB);
    await bench.run(['a']);

    expect(verifiedBytes).to.be.at.least(5 * MIB);
    expect(resumedBytes()).to.be.at.least(verifiedBytes);
    expect(eventsOf(bench.received, 'start')[0]?.resumedBytes).to.equal(resumedBytes());
    expect(holds(bench.target, 'in/a', bytes)).to.equal(true);
    expect(bench.target.list('in')).to.deep.equal(['in/a']);
  });

  it('sends nothing again when everything was there but the final name', async () => {
    const bytes = pattern(3 * MIB + 5);
    bench.source.put('out/a', bytes);

    await killAfter(3 * MIB + 5);
    await bench.run(['a']);

    expect(resumedBytes()).to.equal(3 * MIB + 5);
    expect(holds(bench.target, 'in/a', bytes)).to.equal(true);
  });

  it('believes the disk and not the journal', async () => {
    const bytes = pattern(8 * MIB);
    bench.source.put('out/a', bytes);

    await killAfter(6 * MIB);
    const part = bench.target.nodes.get('in/.a.hawser-part');
    if (part !== undefined) part.bytes[4 * MIB + 7]! ^= 1;
    await bench.run(['a']);

    expect(resumedBytes()).to.equal(4 * MIB);
    expect(holds(bench.target, 'in/a', bytes)).to.equal(true);
  });

  it('skips nothing when the journal is torn or foreign', async () => {
    const bytes = pattern(4 * MIB);
    bench.source.put('out/a', bytes);

    await killAfter(2 * MIB);
    bench.target.put('in/.a.hawser-journal', pattern(3));
    await bench.run(['a']);

    expect(resumedBytes()).to.equal(0);
    expect(holds(bench.target, 'in/a', bytes)).to.equal(true);
  });

  it('starts over when the source is another file of the same size', async () => {
    const other = pattern(8 * MIB, 2);
    bench.source.put('out/a', pattern(8 * MIB, 1));

    await killAfter(5 * MIB);
    bench.source.put('out/a', other);
    await bench.run(['a']);

    expect(resumedBytes()).to.equal(0);
    expect(holds(bench.target, 'in/a', other)).to.equal(true);
    expect(failures(bench.sent)).to.deep.equal([]);
  });

  it('starts over when the source has another size', async () => {
    const longer = pattern(9 * MIB);
    bench.source.put('out/a', pattern(8 * MIB));

    await killAfter(5 * MIB);
    bench.source.put('out/a', longer);
    await bench.run(['a']);

    expect(resumedBytes()).to.equal(0);
    expect(holds(bench.target, 'in/a', longer)).to.equal(true);
  });

  it('leaves a finished file alone whose receiver died before the temporary name was gone', async () => {
    const bytes = pattern(3 * MIB);
    bench.source.put('out/a', bytes);
    await killAfter(3 * MIB);
    bench.target.nodes.set('in/a', bench.target.nodes.get('in/.a.hawser-part')!);

    bench.source.put('out/a', pattern(MIB, 2));
    const wire = bench.connect(bench.sender('a'), bench.receivers({ overwrite: true }));
    await bench.settle(() => eventsOf(bench.received, 'start').length > 0);
    const meanwhile = holds(bench.target, 'in/a', bytes);
    await bench.settle();
    wire.sending.abort();

    expect(meanwhile, 'the old file is whole').to.equal(true);
    expect(holds(bench.target, 'in/a', pattern(MIB, 2))).to.equal(true);
    expect(bench.target.list('in')).to.deep.equal(['in/a']);
  });

  it('leaves the part to a process that is still writing it', async () => {
    bench.source.put('out/a', pattern(4 * MIB));
    const other = new MemoryFiles(bench.target);
    await other.lock('in/.a.hawser-lock');

    await bench.run(['a']);
    other.kill();
    await bench.run(['a']);

    expect(failures(bench.sent)).to.deep.equal(['a: busy peer']);
    expect(eventsOf(bench.sent, 'done')).to.have.length(1);
  });

  it('goes on after a full disk has been given room', async () => {
    const bytes = pattern(6 * MIB);
    bench.source.put('out/a', bytes);
    bench.target.capacityBytes = 3 * MIB + 1000;

    await bench.run(['a']);
    bench.target.capacityBytes = 100 * MIB;
    bench.sent.length = 0;
    await bench.run(['a']);

    expect(resumedBytes()).to.equal(3 * MIB);
    expect(holds(bench.target, 'in/a', bytes)).to.equal(true);
  });
});
