import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { UsageError } from '../../../lib/errors.ts';
import { DEFAULT_PROFILE, type Profile, resolveProfile } from '../../../lib/ptcp/core/config.ts';
import { Bbr } from '../../../lib/ptcp/core/congestion/bbr/bbr.ts';
import type { ControllerOptions } from '../../../lib/ptcp/core/congestion/controller.ts';
import { NewReno } from '../../../lib/ptcp/core/congestion/newreno.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { ack, bulkSender, RTT_MS, sent } from '../../support/bulk-sender.ts';
import { ISS, LOCAL_PORT, PATH, PEER_PORT, pattern, ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, finWait2, listening, synSent, timeWait } from '../../support/scripted-states.ts';

const MSS = 1000;
const MAX_BUFFER_BYTES = 65_535 * 2 ** 14;

/** Every numeric option: its default, its smallest and its largest value. */
const NUMBERS: readonly (readonly [keyof Profile, number | undefined | 'off', number, number])[] = [
  ['initialWindowSegments', 10, 1, 1000],
  ['mssBytes', 1452, 48, 65_487],
  ['defaultPeerMssBytes', 536, 48, 65_487],
  ['maxDatagramBytes', 1200, 128, 65_507],
  ['maxPlpmtuBytes', 1472, 128, 65_507],
  ['receiveBufferBytes', 65_536, 1, MAX_BUFFER_BYTES],
  ['receiveBufferMaxBytes', 8_388_608, 1, MAX_BUFFER_BYTES],
  ['sendBufferBytes', 65_536, 1, MAX_BUFFER_BYTES],
  ['sendBufferMaxBytes', 8_388_608, 1, MAX_BUFFER_BYTES],
  ['windowScale', 7, 0, 14],
  ['timestampOffset', undefined, 0, 0xffff_ffff],
  ['ackDelayMs', 25, 0, 499],
  ['ackEverySegments', 2, 1, 1000],
  ['quickAckCount', 16, 0, 1_000_000],
  ['rtoInitialMs', 1000, 1, 3_600_000],
  ['rtoMinMs', 200, 1, 60_000],
  ['rtoMaxMs', 60_000, 1000, 3_600_000],
  ['synRetries', 7, 0, 100],
  ['synAckRetries', 2, 0, 100],
  ['r1', 3, 1, 100],
  ['r2', 15, 1, 100],
  ['userTimeoutMs', 'off', 1, Number.MAX_SAFE_INTEGER],
  ['shutWindowMs', 60_000, 0, Number.MAX_SAFE_INTEGER],
  ['timeWaitMs', 60_000, 0, 3_600_000],
  ['lingerMs', 5000, 0, 3_600_000],
  ['keepAliveIdleMs', 7_200_000, 1, Number.MAX_SAFE_INTEGER],
  ['keepAliveIntervalMs', 75_000, 1, Number.MAX_SAFE_INTEGER],
  ['keepAliveProbes', 9, 1, 1000],
  ['iss', undefined, 0, 0xffff_ffff],
  ['backlog', 1024, 1, 1_000_000],
];

const SWITCHES = {
  sharePathState: true,
  synData: false,
  sack: true,
  rack: true,
  timestamps: true,
  ptcpOption: true,
  crc32: true,
  nagle: true,
  urgentData: false,
  keepAlive: false,
  pacing: true,
  resets: true,
} as const;

/** Values that fit `name`'s neighbours, which must not contradict it. */
function beside(name: keyof Profile, value: unknown): Partial<Profile> {
  const options: Record<string, unknown> = { [name]: value };
  if (name === 'receiveBufferBytes' || name === 'sendBufferBytes')
    options[name.replace('Bytes', 'MaxBytes')] = MAX_BUFFER_BYTES;
  if (name === 'receiveBufferMaxBytes' || name === 'sendBufferMaxBytes')
    options[name.replace('MaxBytes', 'Bytes')] = 1;
  if (name === 'rtoMaxMs') options['rtoMinMs'] = 1;
  return options as Partial<Profile>;
}

function refuses(options: unknown, message: RegExp): void {
  expect(() => resolveProfile(options as Partial<Profile>)).to.throw(UsageError, message);
}

describe('a profile', () => {
  it('has a default for every option', () => {
    for (const [name, standard] of NUMBERS) expect(DEFAULT_PROFILE[name], name).to.equal(standard);
    expect(DEFAULT_PROFILE).to.include(SWITCHES);
    expect(DEFAULT_PROFILE.congestion).to.equal('bbr');
    expect(DEFAULT_PROFILE.synCookies).to.equal('auto');
    expect(DEFAULT_PROFILE.wire).to.equal('tcp');
    expect(DEFAULT_PROFILE.bbrLossTolerance).to.equal(0.06);
    const others = ['wire', 'optionOrder', 'synCookies', 'congestion', 'bbrLossTolerance'];
    expect(Object.keys(DEFAULT_PROFILE)).to.have.members([
      ...NUMBERS.map(([name]) => name),
      ...Object.keys(SWITCHES),
      ...others,
    ]);
  });

  it('takes every number from its smallest to its largest, and refuses others by name', () => {
    for (const [name, , least, most] of NUMBERS) {
      for (const value of [least, most]) expect(resolveProfile(beside(name, value))[name]).to.equal(value);
      for (const value of [least - 1, most * 1.01 + 1, Number.NaN, -1, '5', null, true]) {
        refuses(beside(name, value), new RegExp(`^${name} is `));
      }
    }
  });

  it('takes one wire or several, each once', () => {
    for (const wire of ['tcp', 'vertex', ['vertex'], ['tcp', 'vertex']] as const)
      expect(resolveProfile({ wire }).wire).to.equal(wire);
    for (const wire of ['sctp', [], ['tcp', 'tcp'], ['tcp', 'sctp'], null, 1, {}])
      refuses({ wire }, /^wire is /);
  });

  it('takes fractions of milliseconds, and of nothing else', () => {
    for (const [name, , least, most] of NUMBERS) {
      const value = Math.min(least + 1.5, (least + most) / 2 + 0.25);
      if (name.endsWith('Ms')) expect(resolveProfile(beside(name, value))[name]).to.equal(value);
      else refuses(beside(name, value), new RegExp(`^${name} is .* whole number`));
    }
  });

  it("takes true and false for a switch, and nothing else but 'off' for timestamps", () => {
    for (const name of Object.keys(SWITCHES) as (keyof typeof SWITCHES)[]) {
      for (const value of [true, false]) {
        // Urgent data and the CRC exclude each other.
        const profile = resolveProfile({ crc32: false, [name]: value });
        expect(profile[name]).to.equal(value);
      }
      const others = [0, 1, 'on', null, ...(name === 'timestamps' ? [] : ['off'])];
      for (const value of others) refuses({ [name]: value }, new RegExp(`^${name} is `));
    }
    expect(resolveProfile({ timestamps: 'off' }).timestamps).to.equal(false);
  });

  it('refuses buffers and timers whose maximum is less than the rest', () => {
    refuses({ receiveBufferBytes: 2, receiveBufferMaxBytes: 1 }, /receiveBufferMaxBytes/);
    refuses({ sendBufferBytes: 2, sendBufferMaxBytes: 1 }, /sendBufferMaxBytes/);
    refuses({ rtoMinMs: 2000, rtoMaxMs: 1000 }, /rtoMaxMs/);
  });

  it('refuses an order of options that no header can have', () => {
    refuses({ optionOrder: ['mss', 'fast-open'] }, /'fast-open'/);
    refuses({ optionOrder: ['mss', 'mss'] }, /'mss' twice/);
    refuses({ optionOrder: [...DEFAULT_PROFILE.optionOrder, ...Array(9).fill('nop')] }, /41 bytes/);
    expect(resolveProfile({ optionOrder: Array(40).fill('nop') }).sack).to.equal(false);
  });

  it('refuses a controller that does not exist', () => {
    refuses({ congestion: 'vegas' }, /congestion is vegas/);
  });

  it('refuses an option and a preset that do not exist', () => {
    refuses({ nagel: false }, /'nagel'/);
    refuses('solaris', /'solaris'.*default, linux, freebsd/);
    refuses({ preset: 'toString' }, /'toString'/);
  });

  it('refuses what is no profile', () => {
    for (const input of [null, 5, true, () => {}]) refuses(input, /^a profile is the name of a preset or/);
  });

  it('says what to do about urgent data beside the CRC', () => {
    refuses({ urgentData: true }, /urgentData and crc32.*set crc32 to false/);
  });

  it('takes undefined for left out', () => {
    expect(resolveProfile({ r2: undefined } as unknown as Partial<Profile>)).to.deep.equal(DEFAULT_PROFILE);
    expect(resolveProfile('default')).to.deep.equal(DEFAULT_PROFILE);
  });

  it('of an endpoint is the ground for those of its listeners and connections', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng(1), profile: { mssBytes: 900, iss: 5 } });
    endpoint.connect(PATH, PEER_PORT, { profile: { windowScale: 3 } });
    const out = new Uint8Array(2000);

    endpoint.pollTransmit(0, { out });

    expect([...out.subarray(4, 8)]).to.deep.equal([0, 0, 0, 5]);
    expect([...out.subarray(20, 24)]).to.deep.equal([2, 4, 900 >> 8, 900 & 0xff]);
    expect(() => endpoint.listen(5, { r1: 0 })).to.throw(UsageError, /r1/);
    expect(() => new PtcpEndpoint({ entropy: new Prng(1), profile: { r1: 0 } })).to.throw(UsageError, /r1/);
  });
});

describe('the option', () => {
  it('initialWindowSegments sets the first flight (RFC 6928 §2)', () => {
    for (const initialWindowSegments of [1, 4, 10]) {
      const peer = established({ profile: { initialWindowSegments }, peerOptions: { mss: MSS } });
      peer.connection.write(pattern(20 * MSS));

      expect(peer.drain()).to.have.lengthOf(initialWindowSegments);
    }
  });

  it('mssBytes is told in the SYN (RFC 9293 §3.7.1)', () => {
    const peer = listening({ profile: { mssBytes: 1234 } });
    peer.inject({ flags: 'S' });

    peer.expect({ flags: 'S.', options: { mss: 1234 } });
  });

  it('defaultPeerMssBytes is what a peer takes that tells none (RFC 9293 §3.7.1, MUST-15)', () => {
    for (const defaultPeerMssBytes of [536, 1220]) {
      const peer = established({ profile: { defaultPeerMssBytes, maxDatagramBytes: 1472 } });

      peer.connection.write(new Uint8Array(5000));

      expect(peer.drain()[0]!.length).to.equal(defaultPeerMssBytes);
    }
  });

  it('synData says whether a SYN takes text along', () => {
    for (const synData of [true, false]) {
      const peer = new ScriptedPeer({ profile: { synData } });
      peer.connect().write(new Uint8Array(10));

      peer.expect({ flags: 'S', length: synData ? 10 : 0 });
    }
  });

  it('maxPlpmtuBytes is how far probes look for more (RFC 8899 §5.1.2)', () => {
    for (const maxPlpmtuBytes of [1300, 1472, 'off'] as const) {
      const peer = established({
        profile: { maxPlpmtuBytes, sack: true, congestion: 'none' },
        peerOptions: { mss: 1460, sackPermitted: true },
      });

      peer.connection.write(new Uint8Array(5 * 1180));

      const largest = maxPlpmtuBytes === 'off' ? 1200 : maxPlpmtuBytes;
      expect(Math.max(...peer.drain().map(({ length }) => length))).to.equal(largest - 20);
    }
  });

  it('maxDatagramBytes limits what is sent from the start (RFC 8899 §5.1.2)', () => {
    for (const maxDatagramBytes of [128, 1200, 1472]) {
      const peer = established({ profile: { maxDatagramBytes }, peerOptions: { mss: 9000 } });
      peer.connection.write(pattern(3000));

      expect(peer.drain()[0]!.length).to.equal(maxDatagramBytes - 20);
    }
  });

  it('receiveBufferBytes is the first window (RFC 9293 §3.8.6)', () => {
    for (const [receiveBufferBytes, window] of [
      [5000, 5000],
      [100_000, 65_535],
    ] as const) {
      const peer = listening({ profile: { receiveBufferBytes } });
      peer.inject({ flags: 'S' });

      peer.expect({ flags: 'S.', window });
    }
  });

  it('receiveBufferMaxBytes is the largest window', () => {
    const peer = established({
      profile: { receiveBufferBytes: 4000, receiveBufferMaxBytes: 9000, ackDelayMs: 0 },
    });
    for (let seq = 1; seq < 50_000; seq += 3 * MSS) {
      peer.inject({ seq, ack: 1, payload: pattern(3 * MSS) });
      peer.connection.read(3 * MSS);
    }

    expect(peer.connection.tcpInfo().rcvbufLimitBytes).to.equal(9000);
  });

  it('sendBufferBytes is how much may be written at first', () => {
    const peer = synSent({ profile: { sendBufferBytes: 70_000 } });

    expect(peer.connection.write(pattern(100_000))).to.equal(70_000);
  });

  it('sendBufferMaxBytes is how much may be written however wide the congestion window is', () => {
    const peer = synSent({
      profile: { congestion: 'none', sendBufferBytes: 1000, sendBufferMaxBytes: 80_000 },
    });

    expect(peer.connection.write(pattern(100_000))).to.equal(80_000);
  });

  it('windowScale is offered, or not (RFC 7323 §2)', () => {
    const scaled = synSent({ profile: { windowScale: 9 } });
    scaled.pass(1000);
    scaled.expect({ options: { mss: 1452, windowScale: 9 } });
    const plain = synSent({ profile: { windowScale: 'off' } });
    plain.pass(1000);
    plain.expect({ options: { mss: 1452 } });
  });

  it('sack is offered, or not (RFC 2018 §2)', () => {
    for (const sack of [true, false]) {
      const peer = synSent({ profile: { sack } });
      peer.pass(1000);
      expect(peer.expect({}).options.sackPermitted ?? false).to.equal(sack);
    }
  });

  it('rack finds losses by time, or only by what is SACKed beyond them (RFC 8985 §6.2, RFC 6675 §4)', () => {
    const resent = [true, false].map((rack) => {
      const peer = bulkSender({ profile: { sack: true, rack } });
      peer.pass(RTT_MS);
      ack(peer, 0, [1, 2]);
      peer.drain();
      peer.pass(RTT_MS / 4);
      return sent(peer);
    });

    expect(resent).to.deep.equal([[0], []]);
  });

  it('timestamps are offered, or not (RFC 7323 §3)', () => {
    for (const timestamps of [true, false, 'off'] as const) {
      const peer = synSent({ profile: { timestamps } });
      peer.pass(1000);
      expect(peer.expect({}).options.timestamps !== undefined).to.equal(timestamps === true);
    }
  });

  it('timestampOffset is where timestamps begin (RFC 7323 §5.4)', () => {
    const peer = synSent({ profile: { timestamps: true, timestampOffset: 5_000_000 } });
    peer.pass(1000);

    peer.expect({ options: { mss: 1452, timestamps: [5_001_000, 0] } });
  });

  it('optionOrder is that of the SYN, padding included; what it leaves out is off', () => {
    const bytes = synBytes({
      ...DEFAULT_PROFILE,
      optionOrder: ['nop', 'nop', 'sack-permitted', 'mss', 'nop', 'window-scale'],
    });

    expect(bytes.subarray(20)).to.deep.equal(Uint8Array.of(1, 1, 4, 2, 2, 4, 5, 172, 1, 3, 3, 7));
  });

  it('ptcpOption and crc32 are offered, or not', () => {
    for (const [ptcpOption, crc32, flags] of [
      [true, true, 5],
      [true, false, 4],
      [false, true, undefined],
    ] as const) {
      const peer = synSent({ profile: { ptcpOption, crc32 } });
      peer.pass(1000);

      expect(peer.expect({}).options.ptcp).to.equal(flags);
    }
  });

  it('ackDelayMs is how long an ACK may wait (RFC 9293 §3.8.6.3)', () => {
    const peer = established({ profile: { ackDelayMs: 123.5, quickAckCount: 0, ackEverySegments: 5 } });
    peer.inject({ seq: 1, ack: 1, payload: 'x' });

    expect(peer.endpoint.nextTimeout()).to.equal(123.5);
  });

  it('ackEverySegments is how many segments an ACK may cover (RFC 9293 §3.8.6.3)', () => {
    const peer = established({ profile: { ackEverySegments: 3, quickAckCount: 0 } });
    for (let i = 0; i < 9; i += 1) peer.inject({ seq: 1 + i * MSS, ack: 1, payload: pattern(MSS) });

    expect(peer.drain().map(({ ack }) => ack)).to.deep.equal([3001, 6001, 9001]);
  });

  it('quickAckCount is how many segments are acknowledged at once', () => {
    const peer = established({ profile: { quickAckCount: 2 } });
    for (let i = 0; i < 3; i += 1) peer.inject({ seq: 1 + i * MSS, ack: 1, payload: pattern(MSS) });

    expect(peer.drain()).to.have.lengthOf(2);
  });

  it('nagle holds small segments back (RFC 9293 §3.7.4)', () => {
    for (const nagle of [true, false]) {
      const peer = established({ profile: { nagle } });
      peer.connection.write(pattern(1));
      peer.drain();
      peer.connection.write(pattern(1));

      expect(peer.drain()).to.have.lengthOf(nagle ? 0 : 1);
    }
  });

  it('urgentData lets urgent data be sent (RFC 9293 §3.8.5)', () => {
    const peer = established({ profile: { urgentData: true } });
    peer.connection.writeUrgent(pattern(3));

    expect(peer.expect({ checkField: 3 }).flags).to.contain('U');
  });

  it('rtoInitialMs is the RTO without a sample (RFC 6298 §2.1)', () => {
    const peer = synSent({ profile: { rtoInitialMs: 700 } });

    expect(peer.endpoint.nextTimeout()).to.equal(700);
  });

  it('rtoMinMs is the least RTO (RFC 6298 §2.4)', () => {
    expect(established({ profile: { rtoMinMs: 333 } }).connection.tcpInfo().rtoUs).to.equal(333_000);
  });

  it('rtoMaxMs is the largest RTO (RFC 6298 §2.5)', () => {
    const peer = synSent({ profile: { rtoMaxMs: 2500 } });
    peer.at(9000);

    expect(peer.drain().map(({ sentAt }) => sentAt)).to.deep.equal([1000, 3000, 5500, 8000]);
  });

  it('synRetries is how often a SYN is sent again (RFC 9293 §3.8.3)', () => {
    for (const synRetries of [0, 2]) {
      const peer = synSent({ profile: { synRetries } });
      peer.at(3_600_000);

      expect(peer.drain()).to.have.lengthOf(synRetries);
      peer.expectEvents('closed timeout');
    }
  });

  it('synAckRetries is how often a SYN-ACK is sent again (RFC 9000 §8.1)', () => {
    for (const synAckRetries of [0, 4]) {
      const peer = listening({ profile: { synAckRetries } });
      peer.inject({ flags: 'S', options: { mss: MSS } });
      peer.at(3_600_000);

      expect(peer.drain()).to.have.lengthOf(1 + synAckRetries);
    }
  });

  it('r1 is after how many retransmissions a path is suspect (RFC 9293 §3.8.3)', () => {
    const peer = established({ profile: { r1: 2 } });
    peer.connection.write(pattern(1));
    peer.at(599);
    peer.expectEvents();
    peer.at(600);

    peer.expectEvents('pathSuspect');
  });

  it('r2 is after how many retransmissions a connection ends (RFC 9293 §3.8.3)', () => {
    for (const r2 of [9, 12]) {
      const peer = established({ profile: { r2 } });
      peer.connection.write(pattern(1));
      peer.at(3_600_000);

      expect(peer.drain()).to.have.lengthOf(1 + r2);
      expect(peer.connection.closeReason).to.equal('timeout');
    }
  });

  it('shutWindowMs is how long a window may stay shut before its connection makes way for another (RFC 6429 §3)', () => {
    const peer = listening({ profile: { shutWindowMs: 2000 }, endpoint: { maxConnections: 1 } });
    peer.inject({ flags: 'S', window: 0 });
    peer.inject({ seq: 1, ack: 1, window: 0 });
    peer.connection.write(pattern(10));
    peer.at(1999);
    peer.drain();
    peer.inject({ flags: 'S', srcPort: 50_100 });
    peer.expectNothing();

    peer.at(2001);
    peer.drain();
    peer.inject({ flags: 'S', srcPort: 50_100 });

    expect(peer.drain().map(({ flags, dstPort }) => [flags, dstPort])).to.deep.include(['S.', 50_100]);
  });

  it('userTimeoutMs is how long anything may go unacknowledged (RFC 9293 §3.8.3, MUST-21)', () => {
    const peer = established({ profile: { userTimeoutMs: 1234 } });
    peer.connection.write(pattern(1));
    peer.at(1233);
    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.at(1234);

    peer.expectEvents('closed timeout');
  });

  it('timeWaitMs is 2 MSL (RFC 9293 §3.6.1)', () => {
    const peer = timeWait({ profile: { timeWaitMs: 7000 } });
    peer.at(6999);
    expect(peer.endpoint.timeWaitCount).to.equal(1);
    peer.at(7000);

    expect(peer.endpoint.timeWaitCount).to.equal(0);
  });

  it('lingerMs is how long a peer may go on after close (RFC 9293 §3.6.1)', () => {
    const peer = finWait2({ profile: { lingerMs: 3000 }, closeBy: 'close' });
    peer.at(2999);
    peer.expectNothing();
    peer.at(3000);

    peer.expect({ flags: 'R.' });
    peer.expectEvents('closed linger-expired');
  });

  it('keepAlive, keepAliveIdleMs, keepAliveIntervalMs and keepAliveProbes ask a silent peer (RFC 9293 §3.8.4)', () => {
    const peer = established({
      profile: { keepAlive: true, keepAliveIdleMs: 500, keepAliveIntervalMs: 70, keepAliveProbes: 2 },
    });
    peer.at(10_000);

    expect(peer.drain().map(({ sentAt }) => sentAt)).to.deep.equal([500, 570]);
    peer.expectEvents('closed timeout');
  });

  it('iss is the initial sequence number; without it nobody can tell (RFC 6528 §3)', () => {
    expect([...synBytes({ iss: 0x0102_0304 }).subarray(4, 8)]).to.deep.equal([1, 2, 3, 4]);
    expect(synBytes({}, 'one seed').subarray(4, 8)).not.to.deep.equal(synBytes({}, 'another').subarray(4, 8));
  });

  it('congestion names a controller or makes one (RFC 5681 §3)', () => {
    const made: number[][] = [];
    const factory = ({ mssBytes, initialWindowSegments }: ControllerOptions): NewReno => {
      made.push([mssBytes, initialWindowSegments]);
      return new NewReno(mssBytes, 3);
    };
    const flights = (['newreno', 'cubic', 'bbr', 'none', factory] as const).map((congestion) => {
      const peer = established({ profile: { congestion }, peerOptions: { mss: MSS } });
      peer.connection.write(pattern(20 * MSS));
      return peer.drain().length;
    });

    expect(flights).to.deep.equal([10, 10, 10, 20, 3]);
    expect(made).to.deep.equal([[1180, 10]]);
  });

  it('bbrLossTolerance is a share from none to a half, and reaches the controller (draft-ietf-ccwg-bbr §5.5.10)', () => {
    for (const value of [0, 0.25, 0.5])
      expect(resolveProfile({ bbrLossTolerance: value }).bbrLossTolerance).to.equal(value);
    for (const value of [-0.01, 0.51, Number.NaN, '0.1', null])
      refuses({ bbrLossTolerance: value }, /^bbrLossTolerance is /);
    const { congestion } = established({ profile: { congestion: 'bbr', bbrLossTolerance: 0.25 } }).connection
      .tcb.path;

    expect(congestion).to.be.instanceOf(Bbr);
    expect((congestion as Bbr).model.lossTolerance).to.equal(0.25);
  });

  it('pacing spreads segments over a round trip', () => {
    const [paced, bursty] = [true, false].map((pacing) => {
      const peer = established({ profile: { pacing }, peerOptions: { mss: MSS } });
      for (let round = 0, sent = 0; round < 3; round += 1) {
        sent += peer.connection.write(pattern(40 * MSS));
        peer.drain();
        peer.pass(100);
        peer.drain();
        peer.inject({ seq: 1, ack: 1 + Math.min(sent, 10 * MSS * (2 ** (round + 1) - 1)) });
        if (round < 2) peer.pass(0);
      }
      peer.pass(100);
      return new Set(peer.drain().map(({ sentAt }) => sentAt)).size;
    });

    expect(bursty).to.equal(1);
    expect(paced).to.be.above(3);
  });

  it('backlog is how many connections of a listener may be half open', () => {
    const peer = listening({ profile: { backlog: 3, synCookies: 'off' } });
    for (let srcPort = 51_000; srcPort < 51_010; srcPort += 1) peer.inject({ flags: 'S', srcPort });

    expect(peer.drain()).to.have.lengthOf(3);
    expect(peer.endpoint.stats.droppedSyns).to.equal(7);
  });

  it('synCookies says whether SYNs beyond the backlog, all of them or none are answered by a cookie', () => {
    const answered = (['auto', 'always', 'off'] as const).map((synCookies) => {
      const peer = listening({ profile: { backlog: 3, synCookies } });
      for (let srcPort = 51_000; srcPort < 51_010; srcPort += 1) peer.inject({ flags: 'S', srcPort });
      return [peer.drain().length, peer.endpoint.stats.synCookiesSent];
    });

    expect(answered).to.deep.equal([
      [10, 7],
      [10, 10],
      [3, 0],
    ]);
    refuses({ synCookies: 'never' }, /synCookies is never; it must be 'auto', 'always' or 'off'/);
  });

  it('resets answers what is for nobody (RFC 9293 §3.10.7.1)', () => {
    for (const resets of [true, false]) {
      const peer = new ScriptedPeer({ profile: { resets } });
      peer.inject({ flags: '.', seq: 1, ack: 1 });

      expect(peer.drain()).to.have.lengthOf(resets ? 1 : 0);
    }
  });
});

describe('the preset', () => {
  it('linux sends the SYN of a Linux kernel, byte for byte', () => {
    const bytes = synBytes({ preset: 'linux', iss: 0x0102_0304, timestampOffset: 0x0a0b_0c0d });

    expect(hex(bytes)).to.equal(
      `c001c350 01020304 00000000 a002faf0 00000000 020405b4 0402080a 0a0b0c0d 00000000 01030307`,
    );
  });

  it('freebsd sends the SYN of a FreeBSD kernel, byte for byte', () => {
    const bytes = synBytes({ preset: 'freebsd', iss: 0x0102_0304, timestampOffset: 0x0a0b_0c0d });

    expect(hex(bytes)).to.equal(
      `c001c350 01020304 00000000 a002ffff 00000000 020405b4 01030306 0402080a 0a0b0c0d 00000000`,
    );
  });

  it('default sends the PTCP option with a token and the CRC-32 of the SYN in it', () => {
    const bytes = synBytes({ iss: 0x0102_0304, timestampOffset: 0x0a0b_0c0d });

    expect(hex(bytes.subarray(0, 40))).to.equal(
      `c001c350 01020304 00000000 d002ffff 00000000 020405ac 0402080a 0a0b0c0d 00000000 030307fd`,
    );
    expect(hex(bytes.subarray(40, 44))).to.equal('0d505415');
    expect(bytes.length).to.equal(20 + 32);
  });

  it('linux and freebsd give up when their kernels do', () => {
    for (const [preset, synSeconds, r2] of [
      ['linux', 127, 15],
      ['freebsd', 127, 12],
    ] as const) {
      const peer = new ScriptedPeer({ endpoint: { profile: { preset, iss: ISS, timestampOffset: 0 } } });
      peer.connect();
      peer.at(synSeconds * 1000 - 1);
      expect(peer.drain()).to.have.lengthOf(7);
      peer.expectEvents('pathSuspect');
      peer.at(synSeconds * 1000);

      peer.expectEvents('closed timeout');
      expect(resolveProfile(preset).r2).to.equal(r2);
    }
  });

  it('gives way to single options', () => {
    const profile = resolveProfile({ preset: 'linux', ackDelayMs: 7 });

    expect(profile).to.include({ ackDelayMs: 7, mssBytes: 1460, ptcpOption: false });
    expect(resolveProfile({ r2: 4 }, profile)).to.include({ ackDelayMs: 7, mssBytes: 1460, r2: 4 });
  });

  for (const [preset, kernelOptions, scale] of [
    ['linux', { mss: 1460, sackPermitted: true, timestamps: [7000, 0], raw: [1], windowScale: 7 }, 7],
    ['freebsd', { mss: 1460, raw: [1], windowScale: 6, sackPermitted: true, timestamps: [7000, 0] }, 6],
  ] as const) {
    it(`${preset} opens to its kernel, sends, is acknowledged and closes`, () => {
      const peer = new ScriptedPeer({ endpoint: { profile: { preset, iss: ISS, timestampOffset: 0 } } });
      peer.connect();
      peer.expect({ flags: 'S' });
      peer.pass(10);
      const answer = { ...kernelOptions, timestamps: [7000, 0] as const };
      peer.inject({ flags: 'S.', seq: 0, ack: 1, window: 65_160, options: answer });
      const ack = peer.expect({ flags: '.', seq: 1, ack: 1, checkField: 0 });
      expect(ack.options).to.deep.equal({ timestamps: [10, 7000] });
      expect(peer.connection.tcpInfo().options).to.deep.equal({
        timestamps: true,
        sack: true,
        crc32: false,
        sndWscale: scale,
        rcvWscale: scale,
      });

      peer.usualOptions = { timestamps: [7010, 10] };
      peer.connection.write(pattern(20 * 1448));
      const flight = peer.drain();
      expect(flight.map(({ length }) => length)).to.deep.equal(Array(10).fill(1448));
      peer.inject({ seq: 1, ack: 1 + 10 * 1448, window: 501 });
      expect(peer.connection.tcpInfo().sndWndBytes).to.equal(501 << scale);
      expect(peer.drain().at(-1)).to.include({ flags: 'P.' });
      peer.inject({ flags: 'F.', seq: 1, ack: 1 + 20 * 1448, window: 501 });
      peer.connection.close();

      expect(peer.drain().at(-1)).to.include({ flags: 'F.', ack: 2 });
      peer.inject({ seq: 2, ack: 2 + 20 * 1448 });
      expect(peer.connection.closeReason).to.equal('done');
    });

    it(`${preset} answers its kernel with what that offered`, () => {
      const peer = new ScriptedPeer({ endpoint: { profile: { preset, iss: ISS, timestampOffset: 0 } } });
      peer.endpoint.listen(LOCAL_PORT);
      peer.inject({ flags: 'S', window: 64_240, options: kernelOptions });

      const { options, checkField } = peer.expect({ flags: 'S.', ack: 1 });
      expect(checkField).to.equal(0);
      expect(options).to.deep.equal({
        mss: 1460,
        sackPermitted: true,
        timestamps: [0, 7000],
        windowScale: scale,
      });
      peer.inject({ seq: 1, ack: 1, options: { timestamps: [7001, 0] } });
      peer.expectEvents('accepted', 'established');
    });
  }
});

/** The SYN that an endpoint sends at 0. */
function synBytes(profile: NonNullable<Parameters<typeof resolveProfile>[0]>, seed = 'syn'): Uint8Array {
  const endpoint = new PtcpEndpoint({ entropy: new Prng(seed), profile });
  endpoint.connect(PATH, PEER_PORT, { localPseudoPort: LOCAL_PORT });
  const out = new Uint8Array(2000);
  const burst = endpoint.pollTransmit(0, { out });
  return out.slice(0, burst?.lastBytes);
}

function hex(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/(.{8})(?=.)/g, '$1 ');
}
