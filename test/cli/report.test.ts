import { expect } from 'chai';
import { Report } from '../../lib/cli/report.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { TransferError, type TransferEvent } from '../../protocols/file-transfer/index.ts';
import { commandContext, type KeptContext } from '../support/command-context.ts';

const EVIL = 'a\x1b[2J\u202e.txt';
const MIB = 2 ** 20;

describe('Report', () => {
  const clock = new VirtualClock();

  function play(context: KeptContext, isJson: boolean): void {
    const report = new Report(context, { clock, role: 'receiver', isJson });
    const observe = report.observer('1.2.3.4:5', () => ({
      rttUs: 50_000,
      totalRetransSegments: 3,
      segsOut: 1000,
    }));
    const events: TransferEvent[] = [
      { event: 'start', name: EVIL, sizeBytes: 10 * MIB, resumedBytes: 2 * MIB },
      { event: 'progress', name: EVIL, sizeBytes: 10 * MIB, bytes: 4 * MIB },
      { event: 'done', name: EVIL, sizeBytes: 10 * MIB, sha256: 'ab' },
      { event: 'failed', name: EVIL, error: new TransferError('exists') },
      { event: 'end', error: undefined },
    ];
    report.say('listening');
    for (const event of events) {
      clock.advance(1000);
      observe(event);
    }
  }

  it('is quiet in a pipe but for what came of each file', async () => {
    const context = await commandContext();

    play(context, false);

    expect(context.output.lines).to.deep.equal([
      'received a\\u{1b}[2J\\u{202e}.txt: 8.0 MiB of 10.0 MiB in 2.0 s, the rest was there, sha256 ab',
    ]);
    expect(context.messages.text).not.to.match(/[\p{Cf}\x7f]|\p{Cc}(?<!\n)/u);
    expect(context.messages.lines.at(-1)).to.match(/^hawser: .* was not received: .*--overwrite$/);
  });

  it('draws a bar on a terminal, with nothing of a name that would act on it', async () => {
    const context = await commandContext({ isTerminal: true, environment: { NO_COLOR: '1' } });

    play(context, false);

    const { text } = context.messages;
    expect(text).to.match(/\[=+ +\] 20 %/);
    expect(text).to.contain('2.0 MiB are there already');
    expect(text).not.to.contain('\u202e');
  });

  it('tells a program one JSON object a line, in ASCII', async () => {
    const context = await commandContext();

    play(context, true);

    expect(context.output.events.map(({ event }) => event)).to.deep.equal([
      'start',
      'progress',
      'done',
      'failed',
      'end',
    ]);
    expect(context.output.events[0]).to.include({ name: EVIL, resumedBytes: 2 * MIB });
    expect(context.output.events[1]).to.include({ bytesPerSecond: 2 * MIB, secondsLeft: 3, rttUs: 50_000 });
    expect(context.output.events[2]).to.include({ sizeBytes: 10 * MIB, resumedBytes: 2 * MIB });
    expect(context.output.events[3]).to.include({ reason: 'exists', side: 'here' });
    expect(context.output.text).to.match(/^[\x20-\x7e\n]*$/);
  });

  it('lists a sender all its failures, and a receiver the first of each connection', async () => {
    const linesOf = async (role: 'sender' | 'receiver'): Promise<string[]> => {
      const context = await commandContext();
      const report = new Report(context, { clock, role, isJson: false });
      const observe = report.observer('1.2.3.4:5', () => undefined);
      for (let count = 0; count < 30; count += 1) {
        observe({ event: 'failed', name: `f${count}`, error: new TransferError('exists') });
      }
      return context.messages.lines;
    };

    expect(await linesOf('sender')).to.have.length(30);
    const lines = await linesOf('receiver');
    expect(lines).to.have.length(21);
    expect(lines.at(-1)).to.equal('hawser: and more from 1.2.3.4:5, which are not listed');
  });

  it('speaks of no rest when nothing was there', async () => {
    const context = await commandContext();
    const report = new Report(context, { clock, role: 'sender', isJson: false });
    const observe = report.observer('1.2.3.4:5', () => undefined);

    observe({ event: 'start', name: 'a', sizeBytes: MIB, resumedBytes: 0 });
    observe({ event: 'done', name: 'a', sizeBytes: MIB, sha256: 'ab' });

    expect(context.output.lines).to.deep.equal(['sent a: 1.0 MiB in 0.0 s, sha256 ab']);
  });
});
