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
      bytesAcked: 0,
      dataSegsOut: 10,
      segsIn: 3,
      totalRetransSegments: 0,
      caState: 'open',
    });

    peer.inject({ seq: 1, ack: 1, options: { sack: [[1001, 3001]] } });
    expect(peer.connection.tcpInfo().sackedBytes).to.equal(2 * MSS);
    peer.inject({ seq: 1, ack: 1, options: { sack: [[1001, 6001]] } });
    const lossy = peer.connection.tcpInfo();
    expect(lossy.sackedBytes).to.equal(5 * MSS);
    expect(lossy).to.include({
      caState: 'recovery',
      totalRetransSegments: 1,
      bytesRetrans: MSS,
      retransBytes: MSS,
    });
    expect(lossy.sndSsthreshSegments).to.be.within(2, 10);
    expect(lossy.inFlightBytes).to.equal(lossy.unackedBytes - lossy.sackedBytes);

    peer.inject({ seq: 1, ack: 1 + lossy.unackedBytes });
    peer.drain();
    for (let acked = 0; peer.connection.unacknowledgedBytes > 0; acked += 1) {
      expect(acked).to.be.below(10);
      const { bytesAcked, unackedBytes } = peer.connection.tcpInfo();
      peer.inject({ seq: 1, ack: 1 + bytesAcked + unackedBytes });
      peer.drain();
    }
    expect(peer.connection.tcpInfo()).to.include({
      unackedBytes: 0,
      notsentBytes: 0,
      sackedBytes: 0,
      lostBytes: 0,
      inFlightBytes: 0,
      retransBytes: 0,
      bytesSent: 16 * MSS,
      bytesAcked: 15 * MSS,
      deliveredBytes: 15 * MSS,
      caState: 'open',
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

  it('counts the SYN among what a listener received, and the FIN as no text', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    expect(peer.connection.tcpInfo()).to.include({ segsIn: 2, segsOut: 1, dataSegsIn: 0, dataSegsOut: 0 });

    peer.connection.write(pattern(MSS));
    peer.connection.shutdown();
    peer.drain();
    expect(peer.connection.tcpInfo()).to.include({ unackedBytes: MSS + 1, bytesAcked: 0, dataSegsOut: 1 });
    peer.inject({ seq: 1, ack: 1 + MSS + 1 });

    expect(peer.connection.tcpInfo()).to.include({ bytesAcked: MSS, bytesSent: MSS, unackedBytes: 0 });
  });

  it('says how long ago text left and came, and an ACK', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    expect(peer.connection.tcpInfo()).to.include({
      lastDataSentMs: Number.POSITIVE_INFINITY,
      lastDataRecvMs: Number.POSITIVE_INFINITY,
    });

    peer.connection.write(pattern(10));
    peer.drain();
    peer.pass(30);
    peer.inject({ seq: 1, ack: 11, payload: pattern(10) });
    peer.pass(20);
    peer.inject({ seq: 11, ack: 11 });
    peer.pass(5);

    const info = peer.connection.tcpInfo(peer.endpoint.now + 100);
    expect(info.lastDataSentMs).to.equal(155);
    expect(info.lastDataRecvMs).to.equal(125);
    expect(info.lastAckRecvMs).to.equal(105);
  });

  it('tells the time limited by the window of the peer from that of the path', () => {
    const peer = established({ profile: { pacing: false }, peerOptions: { mss: MSS }, window: 2 * MSS });
    peer.connection.write(pattern(3 * MSS));
    peer.drain();
    peer.pass(40);
    peer.inject({ seq: 1, ack: 1 + 2 * MSS, window: 20 * MSS });
    peer.drain();
    peer.pass(60);
    peer.inject({ seq: 1, ack: 1 + 3 * MSS, window: 20 * MSS });
    peer.drain();
    peer.pass(500);

    const { busyTimeUs, rwndLimitedUs, sndbufLimitedUs } = peer.connection.tcpInfo();
    expect(rwndLimitedUs).to.equal(40_000);
    expect(busyTimeUs).to.equal(100_000);
    expect(sndbufLimitedUs).to.equal(0);
  });

  it('tells the time in which the user waits for room in the buffer', () => {
    const profile = { sendBufferBytes: 2 * MSS, sendBufferMaxBytes: 2 * MSS, pacing: false };
    const peer = established({ profile, peerOptions: { mss: MSS }, window: 60 * MSS });
    expect(peer.connection.write(pattern(4 * MSS))).to.equal(2 * MSS);
    peer.drain();
    peer.pass(70);

    expect(peer.connection.tcpInfo()).to.include({ sndbufLimitedUs: 70_000, busyTimeUs: 70_000 });
  });

  it('counts the time-outs, the rows of them that an ACK ended, and the time they took', () => {
    const peer = established({ profile: { rtoMinMs: 200 }, peerOptions: { mss: MSS } });
    peer.connection.write(pattern(MSS));
    peer.drain();
    peer.at(1400);
    const { totalRto, backoff } = peer.connection.tcpInfo();
    expect(totalRto).to.equal(3);
    expect(backoff).to.equal(3);

    peer.inject({ seq: 1, ack: 1 + MSS });
    const info = peer.connection.tcpInfo();
    expect(info).to.include({ totalRto: 3, totalRtoRecoveries: 1, retransmits: 0 });
    expect(info.totalRtoTimeMs).to.be.within(1000, 1300);
    peer.pass(1000);
    expect(peer.connection.tcpInfo().totalRtoTimeMs).to.equal(info.totalRtoTimeMs);
  });

  it('counts segments that came before their turn', () => {
    const peer = established();
    peer.inject({ seq: 1 + MSS, ack: 1, payload: pattern(MSS) });
    peer.inject({ seq: 1, ack: 1, payload: pattern(MSS) });

    expect(peer.connection.tcpInfo()).to.include({ rcvOoopack: 1, dataSegsIn: 2, bytesReceived: 2 * MSS });
  });

  it('counts the D-SACKs of the peer (RFC 2883)', () => {
    const peer = established({
      profile: { sack: true, rtoMinMs: 200 },
      peerOptions: { mss: MSS, sackPermitted: true },
    });
    peer.connection.write(pattern(2 * MSS));
    peer.drain();
    peer.pass(250);
    peer.drain();
    peer.inject({ seq: 1, ack: 1 + MSS, options: { sack: [[1, 1 + MSS]] } });

    expect(peer.connection.tcpInfo().dsackDups).to.equal(1);
  });

  it('shows the rate of delivery, and whether the user kept it low', () => {
    const peer = established({ profile: { pacing: false }, peerOptions: { mss: MSS }, window: 60 * MSS });
    expect(peer.connection.tcpInfo().deliveryRateBytesPerSecond).to.equal(0);
    peer.connection.write(pattern(10 * MSS));
    peer.drain();
    peer.pass(100);
    peer.inject({ seq: 1, ack: 1 + 10 * MSS });

    const info = peer.connection.tcpInfo();
    expect(info.deliveryRateBytesPerSecond).to.be.closeTo(10 * MSS * 10, 1);
    expect(info.deliveryRateAppLimited).to.be.a('boolean');
  });
});
