import { expect } from 'chai';
import { pattern } from '../../support/scripted-peer.ts';
import { established, listening, synSent } from '../../support/scripted-states.ts';

const MSS = 1000;

describe('tcpInfo', () => {
  it('knows little before the handshake', () => {
    const info = synSent().connection.tcpInfo();

    expect(info).to.include({
      state: 'SYN-SENT',
      rttUs: 0,
      minRttUs: 0,
      rtoUs: 1_000_000,
      segsOut: 1,
      segsIn: 0,
      bytesSent: 0,
      bytesReceived: 0,
      unackedBytes: 1,
      retransmits: 0,
      congestion: 'newreno',
    });
  });

  it('shows what the handshake agreed on', () => {
    const peer = established({
      profile: { timestamps: true, sack: true, windowScale: 4, ptcpOption: true, crc32: true },
      peerOptions: { mss: MSS, timestamps: [1, 0], sackPermitted: true, windowScale: 2, ptcp: 1 },
    });

    const info = peer.connection.tcpInfo();

    expect(info.options).to.deep.equal({
      timestamps: true,
      sack: true,
      crc32: true,
      sndWscale: 2,
      rcvWscale: 4,
    });
    expect(info).to.include({
      state: 'ESTABLISHED',
      sndMssBytes: MSS - 12,
      pmtuBytes: 1200,
      sndCwndSegments: 10,
    });
  });

  it('measures the round trip in microseconds', () => {
    const peer = listening();
    peer.inject({ flags: 'S', options: { mss: MSS } });
    peer.pass(80.5);
    peer.inject({ seq: 1, ack: 1 });
    peer.drain();

    expect(peer.connection.tcpInfo()).to.include({
      rttUs: 80_500,
      rttvarUs: 40_250,
      minRttUs: 80_500,
      rtoUs: 241_500,
    });
  });

  it('follows a transfer from write to loss to acknowledgement', () => {
    const peer = established({
      profile: { sack: true },
      peerOptions: { mss: MSS, sackPermitted: true },
      window: 20_000,
    });
    peer.connection.write(pattern(15 * MSS));
    peer.drain();
    peer.inject({ seq: 1, ack: 1 });
    expect(peer.connection.tcpInfo()).to.include({
      unackedBytes: 10 * MSS,
      notsentBytes: 5 * MSS,
      inFlightBytes: 10 * MSS,
      sackedBytes: 0,
      lostBytes: 0,
      sndWndBytes: 20_000,
      bytesSent: 10 * MSS,
      segsOut: 11,
      segsIn: 2,
      totalRetransSegments: 0,
    });

    peer.inject({ seq: 1, ack: 1, options: { sack: [[1001, 3001]] } });
    expect(peer.connection.tcpInfo().sackedBytes).to.equal(2 * MSS);
    peer.inject({ seq: 1, ack: 1, options: { sack: [[1001, 6001]] } });
    const lossy = peer.connection.tcpInfo();
    expect(lossy.sackedBytes).to.equal(5 * MSS);
    expect(lossy.totalRetransSegments).to.equal(1);
    expect(lossy.sndSsthreshSegments).to.be.within(2, 10);
    expect(lossy.inFlightBytes).to.equal(lossy.unackedBytes - lossy.sackedBytes);

    peer.inject({ seq: 1, ack: 1 + lossy.unackedBytes });
    peer.drain();
    for (let acked = 0; peer.connection.unacknowledgedBytes > 0; acked += 1) {
      expect(acked).to.be.below(10);
      peer.inject({ seq: 1, ack: 1 + peer.connection.tcpInfo().bytesSent });
      peer.drain();
    }
    expect(peer.connection.tcpInfo()).to.include({
      unackedBytes: 0,
      notsentBytes: 0,
      sackedBytes: 0,
      lostBytes: 0,
      inFlightBytes: 0,
      bytesSent: 15 * MSS,
    });
  });

  it('counts time-outs in a row, until the peer answers', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    peer.connection.write(pattern(2 * MSS));
    peer.at(1400);
    expect(peer.connection.tcpInfo()).to.include({
      retransmits: 3,
      totalRetransSegments: 3,
      rtoUs: 1_600_000,
    });

    peer.inject({ seq: 1, ack: 1 + MSS });

    expect(peer.connection.tcpInfo().retransmits).to.equal(0);
  });

  it('shows the rate at which segments leave, Infinity where nothing is paced', () => {
    for (const pacing of [true, false]) {
      const peer = established({ profile: { pacing }, peerOptions: { mss: MSS } });
      peer.connection.write(pattern(MSS));
      peer.pass(100);
      peer.inject({ seq: 1, ack: 1 + MSS });

      const { pacingRateBytesPerSecond } = peer.connection.tcpInfo();
      expect(pacingRateBytesPerSecond === Number.POSITIVE_INFINITY).to.equal(!pacing);
    }
  });

  it('shows the receiving side', () => {
    const peer = established({ profile: { receiveBufferBytes: 10_000, receiveBufferMaxBytes: 10_000 } });
    for (let seq = 1; seq < 4000; seq += MSS) peer.inject({ seq, ack: 1, payload: pattern(MSS) });

    expect(peer.connection.tcpInfo()).to.include({
      bytesReceived: 4000,
      rcvMssBytes: MSS,
      rcvWndBytes: 6000,
      rcvbufLimitBytes: 10_000,
    });
  });
});
