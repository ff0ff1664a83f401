import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { Protocol } from '../../../lib/protocol/protocol.ts';
import {
  encodeAccept,
  encodeDone,
  encodeFail,
  encodeHeartbeat,
  encodeHello,
  encodeOffer,
} from '../../../protocols/file-transfer/messages.ts';
import { eventsOf, failures, holds, pattern, TransferBench } from '../../support/transfer.ts';

const MIB = 1 << 20;

describe('FileSender and FileReceiver', () => {
  let bench: TransferBench;

  beforeEach(() => {
    bench = new TransferBench();
  });

  afterEach(async () => {
    await bench.settle();
    expect(bench.clock.pending, 'calls left on the clock').to.equal(0);
  });

  for (const byteCount of [0, 1, MIB, 3 * MIB + 17]) {
    it(`bring over a file of ${byteCount} bytes under its name, and nothing else`, async () => {
      const bytes = pattern(byteCount);
      bench.source.put('out/a.bin', bytes);

      await bench.run(['a.bin']);

      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(failures(bench.sent)).to.deep.equal([]);
      expect(bench.target.list('in')).to.deep.equal(['in/a.bin']);
      expect(holds(bench.target, 'in/a.bin', bytes)).to.equal(true);
      expect(eventsOf(bench.sent, 'done')).to.deep.equal([
        { event: 'done', name: 'a.bin', sizeBytes: byteCount, sha256 },
      ]);
      expect(eventsOf(bench.received, 'done')).to.deep.equal(eventsOf(bench.sent, 'done'));
      expect(bench.sent.at(-1)).to.deep.equal({ event: 'end', error: undefined });
      expect(bench.received.at(-1)).to.deep.equal({ event: 'end', error: undefined });
    });
  }

  it('bring over several files in one session', async () => {
    bench.source.put('out/a', pattern(10));
    bench.source.put('out/b', pattern(20));

    await bench.run(['a', 'b']);

    expect(bench.target.list('in')).to.deep.equal(['in/a', 'in/b']);
    expect(eventsOf(bench.sent, 'end')).to.have.length(1);
  });

  it('go on with the next file after one that is refused', async () => {
    bench.source.put('out/a', pattern(10));
    bench.source.put('out/large', pattern(30));
    bench.source.put('out/z', pattern(20));
    bench.target.put('in/a', pattern(5));

    await bench.run(['a', 'large', 'z'], { maxBytes: 20 });

    expect(failures(bench.sent)).to.deep.equal(['a: exists peer', 'large: too-large peer']);
    expect(failures(bench.received)).to.deep.equal(['a: exists here', 'large: too-large here']);
    expect(bench.target.list('in')).to.deep.equal(['in/a', 'in/z']);
    expect(holds(bench.target, 'in/a', pattern(5))).to.equal(true);
  });

  it('overwrite a file only when the receiver says so, and never a directory', async () => {
    bench.source.put('out/a', pattern(10));
    bench.source.put('out/d', pattern(10));
    bench.target.put('in/a', pattern(5));
    bench.target.directories.add('in/d');

    await bench.run(['a', 'd'], { overwrite: true });

    expect(holds(bench.target, 'in/a', pattern(10))).to.equal(true);
    expect(failures(bench.sent)).to.deep.equal(['d: exists peer']);
  });

  it('do not overwrite a file that appeared while another one was arriving', async () => {
    bench.source.put('out/a', pattern(2 * MIB));
    bench.connect(bench.sender('a'), bench.receivers());

    await bench.settle(() => eventsOf(bench.received, 'progress').length > 0);
    bench.target.put('in/a', pattern(5));
    await bench.settle();

    expect(failures(bench.sent)).to.deep.equal(['a: exists peer']);
    expect(holds(bench.target, 'in/a', pattern(5))).to.equal(true);
  });

  it('put data on disk before the journal says so, and all of it before the final name', async () => {
    bench.source.put('out/a', pattern(2 * MIB));

    await bench.run(['a']);

    const log = bench.target.log;
    const firstRecord = log.findIndex((line, at) => at > 2 && line.startsWith('write in/.a.hawser-journal'));
    expect(log.slice(0, firstRecord).lastIndexOf('sync in/.a.hawser-part')).to.be.greaterThan(
      log.indexOf(`write in/.a.hawser-part ${MIB}`),
    );
    expect(log.slice(-3)).to.deep.equal([
      'sync in/.a.hawser-part',
      'rename in/.a.hawser-part in/a',
      'sync in',
    ]);
  });

  it('keep the reads of the sender bounded while the receiver is slow', async () => {
    bench.source.put('out/a', pattern(14 * MIB));
    let openGate = (): void => {};
    bench.target.writeGate = undefined;
    bench.connect(bench.sender('a'), bench.receivers());
    await bench.settle(() => eventsOf(bench.received, 'start').length > 0);
    bench.target.writeGate = new Promise((resolve) => {
      openGate = resolve;
    });

    await bench.settle();
    const handedOver = eventsOf(bench.sent, 'progress').at(-1)?.bytes ?? 0;
    bench.target.writeGate = undefined;
    openGate();
    await bench.settle();

    expect(handedOver).to.be.at.most(8 * MIB);
    expect(holds(bench.target, 'in/a', pattern(14 * MIB))).to.equal(true);
  });

  it('notice a file that changes while it is sent, on both sides, and leave no file', async () => {
    bench.source.put('out/a', pattern(3 * MIB));
    bench.connect(bench.sender('a'), bench.receivers());

    await bench.settle(() => eventsOf(bench.sent, 'progress').length > 0);
    const node = bench.source.nodes.get('out/a');
    if (node !== undefined) node.changes += 1;
    await bench.settle();

    expect(failures(bench.sent)).to.deep.equal(['a: changed here']);
    expect(failures(bench.received)).to.deep.equal(['a: changed peer']);
    expect(bench.target.get('in/a')).to.equal(undefined);
  });

  it('notice a file that becomes shorter while it is sent', async () => {
    bench.source.put('out/a', pattern(9 * MIB));
    bench.connect(bench.sender('a'), bench.receivers());

    await bench.settle(() => eventsOf(bench.sent, 'progress').length > 0);
    bench.source.nodes.get('out/a')!.sizeBytes = 2 * MIB;
    await bench.settle();

    expect(failures(bench.sent)).to.deep.equal(['a: changed here']);
  });

  it('say what cannot be read, and go on', async () => {
    bench.source.put('out/z', pattern(5));
    bench.source.directories.add('out/folder');

    await bench.run(['missing', 'folder', 'z']);

    expect(failures(bench.sent)).to.deep.equal(['missing: cannot-read here', 'folder: not-a-file here']);
    expect(bench.target.list('in')).to.deep.equal(['in/z']);
  });

  it('end the file with a full disk and keep what was verified', async () => {
    bench.source.put('out/a', pattern(6 * MIB));
    bench.target.capacityBytes = 3 * MIB + 1000;

    await bench.run(['a']);

    expect(failures(bench.sent)).to.deep.equal(['a: no-space peer']);
    expect(failures(bench.received)).to.deep.equal(['a: no-space here']);
    expect(bench.target.get('in/a')).to.equal(undefined);
    expect(bench.target.get('in/.a.hawser-part')?.length).to.equal(3 * MIB);
  });

  it('give no name to a file whose last bytes the disk could not keep', async () => {
    bench.source.put('out/a', pattern(MIB));
    bench.connect(bench.sender('a'), bench.receivers());

    await bench.settle(() => eventsOf(bench.received, 'start').length > 0);
    bench.target.syncFailures.push('EIO');
    await bench.settle();

    expect(failures(bench.sent)).to.deep.equal(['a: cannot-write peer']);
    expect(bench.target.get('in/a')).to.equal(undefined);
  });

  it('take two files of one name, one after the other only', async () => {
    bench.source.put('out/a', pattern(2 * MIB));
    const receivers = bench.receivers();

    bench.connect(bench.sender('a'), receivers);
    bench.connect(bench.sender('a'), receivers);
    await bench.settle();

    expect(failures(bench.sent)).to.deep.equal(['a: busy peer']);
    expect(eventsOf(bench.sent, 'done')).to.have.length(1);
    expect(holds(bench.target, 'in/a', pattern(2 * MIB))).to.equal(true);
  });

  it('tell a sender too many that there are too many', async () => {
    bench.source.put('out/a', pattern(2 * MIB));
    const receivers = bench.receivers({ maxSessions: 1 });

    bench.connect(bench.sender('a'), receivers);
    bench.connect(bench.sender('a'), receivers);
    await bench.settle();

    expect(eventsOf(bench.sent, 'end').map((event) => event.error?.reason)).to.have.members([
      undefined,
      'crowded',
    ]);
  });

  it('read no more from a sender that takes no answers', async () => {
    const { sender, wire } = hostileSender();
    wire.sending.pause();
    sender.transport.write(encodeHello());
    const offers = Buffer.concat(Array.from({ length: 100 }, () => encodeOffer(1, 1, '..')));
    for (let count = 0; count < 200; count += 1) sender.transport.write(offers);
    await bench.settle();
    const answered = failures(bench.received).length;
    wire.sending.resume();
    await bench.settle();
    wire.sending.abort();

    expect(answered).to.be.within(1, 15_000);
    expect(failures(bench.received)).to.have.length(20_000);
  });

  it('open one file at a time, however many are offered and withdrawn', async () => {
    let mostAtATime = 0;
    const { sender, wire } = hostileSender();
    sender.transport.write(encodeHello());
    for (let number = 1; number <= 1_000; number += 1) {
      sender.transport.write(encodeOffer(number, 1, `f${number}`));
      sender.transport.write(encodeFail(number, 'cancelled'));
    }
    await bench.settle(() => {
      mostAtATime = Math.max(mostAtATime, bench.target.locks.size);
      return false;
    });
    wire.sending.abort();

    expect(failures(bench.received)).to.have.length(1_000);
    expect(mostAtATime).to.be.at.most(2);
    expect(bench.target.list('in')).to.deep.equal([]);
  });

  /** A peer that does as the test says. */
  function hostileSender() {
    const sender = new Protocol();
    return { sender, wire: bench.connect(sender, bench.receivers()) };
  }

  it('report a receiver that says nothing for 30 s, and not sooner', async () => {
    bench.source.put('out/a', pattern(20));
    bench.connect(bench.sender('a'), new Mute([encodeHello()]));

    await bench.settle();
    bench.clock.advance(29_999);
    await bench.settle();
    const before = eventsOf(bench.sent, 'end').length;
    bench.clock.advance(1);
    await bench.settle();

    expect(before).to.equal(0);
    expect(eventsOf(bench.sent, 'end').map((event) => event.error?.reason)).to.deep.equal(['vanished']);
    expect(failures(bench.sent)).to.deep.equal(['a: vanished here']);
  });

  it('end a session in which heartbeats come and no offers, and let others in', async () => {
    const receivers = bench.receivers({ maxSessions: 1 });
    const idler = new Protocol();
    bench.connect(idler, receivers);
    idler.transport.write(encodeHello());
    const beat = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count += 1) {
        bench.clock.advance(10_000);
        idler.transport.write(encodeHeartbeat());
        await bench.settle();
      }
    };

    await beat(4);
    idler.transport.write(encodeOffer(1, 1, '..'));
    await bench.settle();
    await beat(5);
    const before = eventsOf(bench.received, 'end').length;
    await beat(1);
    idler.transport.loseConnection();
    await bench.settle();

    expect(before, 'an offer counts').to.equal(0);
    expect(eventsOf(bench.received, 'end').map((event) => event.error?.reason)).to.deep.equal(['idle']);
    bench.source.put('out/a', pattern(20));
    bench.connect(bench.sender('a'), receivers);
    await bench.settle();
    expect(eventsOf(bench.sent, 'done')).to.have.length(1);
  });

  const nonsense: [string, Uint8Array][] = [
    ['an offset behind the end', encodeAccept(1, 21, new Uint8Array(32))],
    ['an offset within a block', encodeAccept(1, 7, new Uint8Array(32))],
    ['an answer about another file', encodeAccept(2, 0, new Uint8Array(32))],
    ['done before anything was sent', encodeDone(1)],
    ['an offer of its own', encodeOffer(1, 5, 'x')],
    ['bytes of another protocol', new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ];
  for (const [what, answer] of nonsense) {
    it(`give up on a receiver that answers with ${what}`, async () => {
      bench.source.put('out/a', pattern(20));

      bench.connect(bench.sender('a', 'b'), new Mute([encodeHello(), answer]));
      await bench.settle();

      expect(eventsOf(bench.sent, 'end').map((event) => event.error?.reason)).to.deep.equal(['protocol']);
      expect(eventsOf(bench.sent, 'done')).to.deep.equal([]);
    });
  }

  it('report a sender that says nothing for 30 s, and leave nothing of an empty part', async () => {
    bench.connect(new Mute([encodeHello(), encodeOffer(1, 100, 'a')]), bench.receivers());

    await bench.settle();
    bench.clock.advance(30_000);
    await bench.settle();

    expect(failures(bench.received)).to.deep.equal(['a: vanished here']);
    expect(bench.target.list('in')).to.deep.equal([]);
  });

  it('wait for a peer that is slow but lives', async () => {
    bench.source.put('out/a', pattern(14 * MIB));
    let openGate = (): void => {};
    bench.connect(bench.sender('a'), bench.receivers());
    await bench.settle(() => eventsOf(bench.received, 'start').length > 0);
    bench.target.writeGate = new Promise((resolve) => {
      openGate = resolve;
    });

    for (let minute = 0; minute < 5; minute += 1) {
      bench.clock.advance(60_000);
      await bench.settle();
    }
    bench.target.writeGate = undefined;
    openGate();
    await bench.settle();

    expect(failures(bench.sent)).to.deep.equal([]);
    expect(eventsOf(bench.received, 'done')).to.have.length(1);
  });

  it('stop well when the sender is cancelled', async () => {
    bench.source.put('out/a', pattern(14 * MIB));
    const sender = bench.sender('a');
    bench.connect(sender, bench.receivers());
    await bench.settle(() => eventsOf(bench.received, 'progress').length > 2);

    sender.cancel();
    await bench.settle();

    expect(bench.sent.at(-1)).to.have.property('error').that.has.property('reason', 'cancelled');
    expect(failures(bench.received)).to.deep.equal(['a: cancelled peer']);
    expect(bench.received.at(-1)).to.deep.equal({ event: 'end', error: undefined });
    expect(bench.target.list('in')).to.deep.equal(['in/.a.hawser-journal', 'in/.a.hawser-part']);
  });

  it('stop well when the receiver is cancelled', async () => {
    bench.source.put('out/a', pattern(14 * MIB));
    const receivers = bench.receivers();
    bench.connect(bench.sender('a'), receivers);
    await bench.settle(() => eventsOf(bench.received, 'progress').length > 2);

    receivers.cancel();
    await bench.settle();

    expect(failures(bench.sent)).to.deep.equal(['a: cancelled peer']);
    expect(bench.sent.at(-1)).to.have.property('error').that.has.property('reason', 'cancelled');
    expect(bench.target.list('in')).to.deep.equal(['in/.a.hawser-journal', 'in/.a.hawser-part']);
  });
});

/** A peer that says what it is told to, and nothing more. */
class Mute extends Protocol {
  readonly #words: readonly Uint8Array[];

  constructor(words: readonly Uint8Array[]) {
    super();
    this.#words = words;
  }

  override connectionMade(): void {
    this.transport.writeSequence(this.#words);
  }
}
