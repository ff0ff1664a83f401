import { expect } from 'chai';
import type { TraceEvent, TraceEvents } from '../../../lib/trace/trace.ts';
import { LOCAL_PORT, PEER_PORT, pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, type StateOptions } from '../../support/scripted-states.ts';

const MSS = 1000;

describe('what a trace sink is told', () => {
  let events: TraceEvent[];

  beforeEach(() => {
    events = [];
  });

  /** ESTABLISHED, with everything since the first SYN in `events`. */
  function traced(options: StateOptions = {}): ScriptedPeer {
    return established({
      peerOptions: { mss: MSS },
      ...options,
      endpoint: { trace: { trace: (event) => events.push(event) } },
    });
  }

  function told<Name extends keyof TraceEvents>(name: Name): TraceEvents[Name][] {
    return events.filter((event) => event.name === name).map(({ data }) => data as TraceEvents[Name]);
  }

  function toldSince<Name extends keyof TraceEvents>(count: number, name: Name): TraceEvents[Name][] {
    events = events.slice(count);
    return told(name);
  }

  it('is how a connection began, its states, and why it ended', () => {
    const peer = traced({ role: 'active' });
    peer.inject({ flags: 'R.', seq: 1, ack: 1 });

    expect(told('connectivity:connection_started')).to.deep.equal([{ role: 'client' }]);
    expect(told('connectivity:connection_state_updated')).to.deep.equal([
      { old: undefined, new: 'SYN-SENT' },
      { old: 'SYN-SENT', new: 'ESTABLISHED' },
      { old: 'ESTABLISHED', new: 'CLOSED' },
    ]);
    expect(told('connectivity:connection_closed')).to.deep.equal([{ reason: 'reset' }]);
    for (const { connection } of events) {
      expect(connection).to.include({ localPort: LOCAL_PORT, remotePort: PEER_PORT });
    }
  });

  it('is the end of a connection once, though TIME-WAIT comes before CLOSED', () => {
    const peer = traced();
    peer.connection.close();
    peer.drain();
    peer.inject({ flags: 'F.', seq: 1, ack: 2 });
    peer.pass(100_000);

    expect(told('connectivity:connection_started')).to.deep.equal([{ role: 'server' }]);
    expect(told('connectivity:connection_closed')).to.deep.equal([{ reason: 'done' }]);
  });

  it('is the header of every segment, both ways', () => {
    const peer = traced({
      profile: { timestamps: true, sack: true },
      peerOptions: { mss: MSS, timestamps: [7, 0], sackPermitted: true },
    });
    const [syn] = told('transport:packet_received');
    const [synAck] = told('transport:packet_sent');
    expect(syn?.header).to.deep.equal({
      flags: 'S',
      seq: syn?.header.seq,
      ack: 0,
      window: syn?.header.window,
      payloadBytes: 0,
      mss: MSS,
      sackPermitted: true,
      tsVal: 7,
      tsEcr: 0,
    });
    const iss = synAck?.header.seq ?? 0;
    expect(synAck?.header).to.include({ flags: 'S.', sackPermitted: true, tsEcr: 7 });
    expect(synAck?.header.ack).to.equal((syn?.header.seq ?? 0) + 1);

    const before = events.length;
    peer.connection.write(pattern(2 * MSS));
    peer.drain();
    peer.inject({ seq: 1, ack: 1, options: { timestamps: [8, 0], sack: [[501, 801]] } });

    const sent = toldSince(before, 'transport:packet_sent').map(({ header }) => header);
    expect(
      sent.map(({ flags, seq, payloadBytes }) => [flags, (seq - iss) >>> 0, payloadBytes]),
    ).to.deep.equal([
      ['.', 1, MSS - 12],
      ['.', 1 + (MSS - 12), MSS - 12],
    ]);
    expect(told('transport:packet_received')[0]?.header.sackBlocks).to.deep.equal([
      [(iss + 501) >>> 0, (iss + 801) >>> 0],
    ]);
  });

  it('is each segment found lost, once for each time that it was sent, and the state of the repair', () => {
    const peer = traced({ profile: { sack: true }, peerOptions: { mss: MSS, sackPermitted: true } });
    const before = events.length;
    peer.connection.write(pattern(10 * MSS));
    peer.drain();
    peer.inject({ seq: 1, ack: 1, options: { sack: [[1001, 2001]] } });
    peer.pass(1);
    peer.inject({ seq: 1, ack: 1, options: { sack: [[1001, 6001]] } });
    peer.drain();
    peer.inject({ seq: 1, ack: 10_001 });

    const lost = toldSince(before, 'recovery:packet_lost');
    expect(lost).to.have.length(1);
    expect(lost[0]).to.include({ lengthBytes: MSS, transmissions: 1 });
    expect(lost[0]?.seq).to.equal(told('transport:packet_sent')[0]?.header.seq);
    const states = told('recovery:congestion_state_updated');
    expect(states[0]?.old).to.equal('open');
    expect(states.map((change) => change.new)).to.include('recovery');
    expect(states.at(-1)?.new).to.equal('open');
  });

  it('is the retransmission timer when it is set, when it runs out, and when it is not needed any more', () => {
    const peer = traced();
    const before = events.length;
    peer.connection.write(pattern(10));
    peer.drain();
    peer.pass(250);
    peer.drain();
    peer.inject({ seq: 1, ack: 11 });

    const timers = toldSince(before, 'recovery:loss_timer_updated');
    expect(timers.every(({ timer }) => timer === 'retransmit')).to.equal(true);
    expect(timers.map(({ event }) => event)).to.deep.equal(['set', 'expired', 'set', 'cancelled']);
    expect(timers[0]?.deltaMs).to.be.greaterThan(0);
    expect(timers[2]?.deltaMs).to.equal(2 * (timers[0]?.deltaMs ?? 0));
  });

  it('is the metrics, whenever one has changed and only then', () => {
    const peer = traced();
    const before = events.length;
    peer.connection.write(pattern(MSS));
    peer.drain();
    peer.pass(50);
    peer.inject({ seq: 1, ack: 1 + MSS });

    const metrics = toldSince(before, 'recovery:metrics_updated');
    expect(metrics[0]).to.include({ inFlightBytes: MSS });
    expect(metrics.at(-1)).to.include({ inFlightBytes: 0 });
    expect(metrics.at(-1)?.srttUs).to.be.a('number');
    const count = events.length;
    peer.inject({ seq: 1, ack: 1 + MSS });
    expect(toldSince(count, 'recovery:metrics_updated')).to.deep.equal([]);
  });

  it('is that the path is suspect', () => {
    const peer = traced({ profile: { r1: 2 } });
    peer.connection.write(pattern(10));
    peer.drain();
    peer.pass(1000);

    expect(told('connectivity:path_suspect')).to.have.length(1);
  });

  it('is each datagram that reaches no connection, and why', () => {
    const peer = traced();
    const before = events.length;
    peer.inject(Uint8Array.of(0));
    peer.inject(new Uint8Array(30));

    expect(toldSince(before, 'transport:packet_dropped')).to.deep.equal([
      { lengthBytes: 1, reason: 'short' },
      { lengthBytes: 30, reason: 'foreign' },
    ]);
  });

  it('costs no event without a sink, and changes nothing about what is sent', () => {
    const [quiet, watched] = [established({ peerOptions: { mss: MSS } }), traced()].map((peer) => {
      peer.connection.write(pattern(5 * MSS));
      peer.pass(3000);
      return peer.drain().map(({ seq, flags }) => [seq, flags]);
    });

    expect(watched).to.deep.equal(quiet);
  });
});
