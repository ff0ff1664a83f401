import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { Link, type LinkStats, Prng } from 'hawser/testing';
import type { RelayReport, SenderReport } from '../../../examples/demo/messages.ts';
import { type Result, resultOf } from '../../../examples/demo/result.ts';
import type { Reports } from '../../../examples/demo/run.ts';
import type { Settings } from '../../../examples/demo/settings.ts';
import { describeResult, describeTask, formatBytes } from '../../../examples/demo/table.ts';

const SETTINGS: Settings = {
  rateMbit: 100,
  rttMs: 50,
  jitterMs: 0,
  queueBytes: 625_000,
  loss: 0,
  congestion: 'newreno',
  reorder: 0.001,
  duplicate: 0.001,
  corrupt: 0,
  file: undefined,
  sizeBytes: 67_108_864,
  seed: '1',
  json: false,
  pcapFile: undefined,
  traceFile: undefined,
};
const HASH = 'a1'.repeat(32);
const USAGE = { peakRssBytes: 1, cpuSeconds: 1 };

describe('the result of the demo', () => {
  it('counts the goodput in payload bits and its share of the raw rate', () => {
    const result = resultOf(SETTINGS, reports({ bytes: 10_000_000, seconds: 1 }));

    expect(result).to.include({ goodputMbps: 80, linkShare: 0.8, sha256Equal: true });
  });

  it('is not equal when either hash, the number of bytes or the confirmation differs', () => {
    const good = reports({});
    const { receiver } = good;

    expect(equal({ ...good, receiver: { ...receiver, sha256: 'b2'.repeat(32) } })).to.equal(false);
    expect(equal({ ...good, receiver: { ...receiver, bytes: receiver.bytes - 1 } })).to.equal(false);
    expect(equal(reports({ isConfirmed: false }))).to.equal(false);
  });

  it('tells what was lost in the sockets from what the link lost', () => {
    const { receiver, ...others } = reports({});
    const tooFew = { ...receiver, datagrams: others.relay.toReceiver.delivered - 3 };

    expect(resultOf(SETTINGS, { ...others, receiver: tooFew }).lostInSockets).to.equal(3);
  });

  it('fits into 80 columns', () => {
    const result = resultOf({ ...SETTINGS, loss: 0.01 }, reports({ seconds: 200 }));
    const settings = { ...SETTINGS, loss: 0.01, corrupt: 0.001, jitterMs: 5 };

    const lines = stripVTControlCharacters(describeTask(settings) + describeResult(result)).split('\n');

    for (const line of lines) expect(line.length, line).to.be.at.most(80);
  });

  it('says why NewReno is slow where datagrams get lost at random, and only there', () => {
    const slow = reports({ seconds: 200 });

    expect(shown(resultOf({ ...SETTINGS, loss: 0.01 }, slow))).to.match(/newreno: .*random loss.*bbr/);
    expect(shown(resultOf({ ...SETTINGS, corrupt: 0.01 }, slow))).to.match(/newreno: .*random loss.*bbr/);
    expect(shown(resultOf(SETTINGS, slow))).to.match(/controller +newreno\n/);
  });

  it('shows both hashes and a verdict', () => {
    const good = reports({});
    const bad = { ...good, receiver: { ...good.receiver, sha256: 'b2'.repeat(32) } };

    expect(shown(resultOf(SETTINGS, good))).to.include('every byte arrived');
    expect(shown(resultOf(SETTINGS, bad)))
      .to.include(HASH)
      .and.include('b2b2')
      .and.include('not those that were sent');
  });

  it('writes sizes in the unit that was meant', () => {
    expect([67_108_864, 700_000_000, 1_500_000, 4096, 12, 1_234_567].map(formatBytes)).to.deep.equal([
      '64 MiB',
      '700 MB',
      '1.5 MB',
      '4 KiB',
      '12 bytes',
      '1.2 MiB',
    ]);
  });

  function equal(said: Reports): boolean {
    return resultOf(SETTINGS, said).sha256Equal;
  }

  function shown(result: Result): string {
    return stripVTControlCharacters(describeResult(result));
  }

  function reports(sender: Partial<SenderReport>): Reports {
    const bytes = sender.bytes ?? 1_000_000;
    const relay: RelayReport = { toReceiver: passed(700), toSender: passed(350), usage: USAGE };
    return {
      sender: {
        bytes,
        seconds: 1,
        sha256: HASH,
        isConfirmed: true,
        measures: {
          rttUs: 50_000,
          rttvarUs: 1000,
          minRttUs: 50_000,
          sndMssBytes: 1432,
          sndCwndSegments: 10,
          unackedBytes: 0,
          notsentBytes: 0,
          segsOut: 700,
          segsIn: 350,
          totalRetransSegments: 7,
          congestion: 'newreno',
        },
        usage: USAGE,
        ...sender,
      },
      receiver: { bytes, sha256: HASH, datagrams: 700, crcFailures: 0, malformed: 0, usage: USAGE },
      relay,
    };
  }

  /** The counts of a link that spoiled nothing. */
  function passed(count: number): LinkStats {
    return { ...new Link({ random: new Prng(1) }).stats, sent: count, delivered: count };
  }
});
