import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import type { AckSample, ControllerFactory } from '../../../lib/ptcp/core/congestion/controller.ts';
import { NewReno } from '../../../lib/ptcp/core/congestion/newreno.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';
import type { LinkOptions } from '../../../lib/testing/link.ts';

const PORT = 49_153;
const LATENCY_MS = 20;
/** 10 Mbit/s in bytes a millisecond, and what of it is left for the text of segments of 1200 bytes and their headers. */
const LINK_RATE = 1250;
const TEXT_SHARE = 1168 / 1228;

/** A controller that keeps a copy of each sample, and else is NewReno. */
class Recorder extends NewReno {
  constructor(mss: number, segments: number, samples: AckSample[]) {
    super(mss, segments);
    const onAck = this.onAck.bind(this);
    this.onAck = (sample) => {
      samples.push({ ...sample });
      onAck(sample);
    };
  }
}

/** Writes `chunk` bytes every `everyMs` for `durationMs`, through 10 Mbit/s, and returns the samples of the sender. */
function samplesOf(chunk: number, everyMs: number, link: LinkOptions = {}, durationMs = 3000): AckSample[] {
  const samples: AckSample[] = [];
  const congestion: ControllerFactory = ({ mssBytes, initialWindowSegments }) =>
    new Recorder(mssBytes, initialWindowSegments, samples);
  const client = new PtcpEndpoint({ entropy: new Prng('client'), profile: { congestion } });
  const server = new PtcpEndpoint({ entropy: new Prng('server') });
  server.listen(PORT);
  const network = new EndpointNetwork([client, server], {
    link: { latencyMs: LATENCY_MS, rateMbit: 10, queueBytes: 60_000, ...link },
    onEvent: (event, endpoint) => {
      if (endpoint === 1 && event.type === 'readable') event.connection.read(1e6);
    },
  });
  const connection = client.connect(1, PORT);
  for (let at = 100; at < durationMs; at += everyMs) {
    network.runUntil(at);
    connection.write(new Uint8Array(chunk));
  }
  network.runUntil(durationMs + 500);
  return samples;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

describe('what a controller is told (draft-ietf-ccwg-bbr §4.1)', () => {
  it('finds the rate of the link in a bulk transfer, and never much more', () => {
    const rates = samplesOf(100_000, 5)
      .filter(({ now, deliveryRate, isAppLimited }) => now > 1000 && deliveryRate > 0 && !isAppLimited)
      .map(({ deliveryRate }) => deliveryRate);

    expect(rates.length).to.be.above(500);
    expect(median(rates)).to.be.within(0.93 * LINK_RATE * TEXT_SHARE, 1.03 * LINK_RATE * TEXT_SHARE);
    expect(rates.filter((rate) => rate > 1.1 * LINK_RATE).length / rates.length).to.be.below(0.01);
  });

  it('finds it through losses too', () => {
    const rates = samplesOf(100_000, 5, { loss: 0.005 }, 6000)
      .filter(({ deliveryRate, isAppLimited }) => deliveryRate > 0 && !isAppLimited)
      .map(({ deliveryRate }) => deliveryRate);

    expect(Math.max(...rates)).to.be.within(0.9 * LINK_RATE, 1.6 * LINK_RATE);
  });

  it('marks samples of a user who has nothing to send as saying less than the path can do', () => {
    const samples = samplesOf(2000, 50).filter(({ now }) => now > 500);

    expect(samples.length).to.be.above(30);
    expect(samples.every(({ isAppLimited }) => isAppLimited)).to.equal(true);
    expect(samples.every(({ isCwndLimited }) => !isCwndLimited)).to.equal(true);
  });

  it('does not mark those of a bulk transfer', () => {
    const samples = samplesOf(100_000, 5).filter(({ now }) => now > 500 && now < 2900);

    expect(samples.filter(({ isAppLimited }) => isAppLimited).length / samples.length).to.be.below(0.02);
  });

  it('adds up: every byte is delivered once, whether SACKed or acknowledged', () => {
    const samples = samplesOf(2000, 20, { loss: 0.03, duplicate: 0.05 });
    const total = 145 * 2000;
    const sum = (pick: (sample: AckSample) => number): number =>
      samples.reduce((total, sample) => total + pick(sample), 0);

    expect(sum(({ deliveredBytes }) => deliveredBytes)).to.equal(total);
    expect(sum(({ ackedBytes }) => ackedBytes)).to.equal(total);
    expect(samples.at(-1)?.delivered).to.equal(total);
    expect(sum(({ lostBytes }) => lostBytes)).to.be.above(0);
  });

  it('tells the round trip and the bytes in flight before and after', () => {
    for (const sample of samplesOf(100_000, 5)) {
      if (!Number.isNaN(sample.rttMs)) expect(sample.rttMs).to.be.at.least(2 * LATENCY_MS);
      expect(sample.minRttMs).to.be.at.least(2 * LATENCY_MS);
      expect(sample.priorDelivered).to.be.at.most(sample.delivered);
      expect(sample.inFlightBytes).to.be.at.least(0);
      expect(sample.priorInFlightBytes).to.be.at.least(0);
      expect(sample.ecnCeBytes).to.equal(0);
    }
  });
});
