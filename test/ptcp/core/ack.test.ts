import { expect } from 'chai';
import type { ControllerFactory } from '../../../lib/ptcp/core/congestion/controller.ts';
import { NewReno } from '../../../lib/ptcp/core/congestion/newreno.ts';
import { ack, bulkSender, sent } from '../../support/bulk-sender.ts';
import { pattern } from '../../support/scripted-peer.ts';
import { established } from '../../support/scripted-states.ts';

/** A controller that begins with a window of `cwndBytes`. */
function beginningWith(cwndBytes: number): ControllerFactory {
  return ({ mssBytes, initialWindowSegments }) => {
    const controller = new NewReno(mssBytes, initialWindowSegments);
    controller.setMss = () => {
      controller.cwndBytes = cwndBytes;
    };
    return controller;
  };
}

describe('the send buffer of a connection', () => {
  it('takes whole bytes, whatever fraction the congestion window has', () => {
    const peer = established({
      profile: { congestion: beginningWith(1000.75), sendBufferBytes: 400, sendBufferMaxBytes: 100_000 },
    });

    const accepted = peer.connection.write(pattern(5000));
    const texts: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      for (const { payload } of peer.drain()) texts.push(...payload);
      peer.inject({ seq: 1, ack: 1 + texts.length });
    }

    expect(accepted).to.be.at.least(1000);
    expect(Number.isInteger(accepted)).to.equal(true);
    expect(texts).to.deep.equal([...pattern(accepted)]);
  });

  it('keeps to its bounds', () => {
    const profile = { sendBufferBytes: 5000, sendBufferMaxBytes: 8000 };
    const accepted = [100, 50_000].map((cwnd) => {
      const peer = established({ profile: { ...profile, congestion: beginningWith(cwnd) } });
      return peer.connection.write(pattern(20_000));
    });

    expect(accepted).to.deep.equal([5000, 8000]);
  });

  it('asks for more while SACKs let new data out, though the hole before it keeps everything in the buffer', () => {
    const peer = bulkSender({ profile: { sack: true, rack: false, pacing: false, sendBufferBytes: 10_000 } });
    let highest = Math.max(...sent(peer));

    for (let n = 1; n <= highest && n < 40; n += 1) {
      ack(peer, 0, [1, n + 1]);
      if (peer.takeEvents().some(({ type }) => type === 'writable'))
        peer.connection.write(new Uint8Array(100_000));
      highest = Math.max(highest, ...sent(peer));
    }

    expect(highest).to.be.above(40);
  });
});
