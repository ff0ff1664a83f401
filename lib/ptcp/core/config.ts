// What can be set on a connection: every option with its default, unit and source. docs/ptcp.md prints this table.
import { UsageError } from '../../errors.ts';
import type { ControllerFactory } from './congestion/controller.ts';
import { OPTION_BYTES, type OptionName } from './wire/options.ts';
import { MAX_OPTION_BYTES } from './wire/segment.ts';

/** The controllers that are built in. */
const CONTROLLERS = ['newreno', 'cubic', 'bbr', 'none'] as const;

/** How segments are written: as TCP's header, or as that of divmod Vertex's PTCP. */
export type Wire = 'tcp' | 'vertex';

const WIRES: readonly Wire[] = ['tcp', 'vertex'];

/** The options of a connection. All have defaults; `resolveProfile` checks them. */
export interface Profile {
  /** What is spoken: a listener takes connections of each, `connect` uses the first. See docs/ptcp.md. */
  readonly wire: Wire | readonly Wire[];
  /** First flight, in segments. RFC 6928: 10. */
  readonly initialWindowSegments: number;
  /** MSS offered to the peer, bytes; it says what we take in. 1452 fills an Ethernet frame over UDP and IPv4. */
  readonly mssBytes: number;
  /** MSS of a peer that tells none, bytes: RFC 9293 §3.7.1 has 536 for IPv4, 1220 for IPv6. */
  readonly defaultPeerMssBytes: number;
  /**
   * Largest datagram sent from the start, bytes, header and options included. 1200 is what every path carries (RFC 8899
   * §5.1.2, BASE_PLPMTU); a path known to carry more may be told so.
   */
  readonly maxDatagramBytes: number;
  /**
   * Largest datagram that probes look for (RFC 8899 §5.1.2, MAX_PLPMTU), bytes: 1472 fills an Ethernet frame over UDP and
   * IPv4. 'off' sends none larger than maxDatagramBytes, and takes no loss for a black hole.
   */
  readonly maxPlpmtuBytes: number | 'off';
  /** Receive buffer at first, and so the first window; it grows with the rate up to its maximum. Bytes. */
  readonly receiveBufferBytes: number;
  readonly receiveBufferMaxBytes: number;
  /** Send buffer at first; it grows with the congestion window up to its maximum. Bytes. */
  readonly sendBufferBytes: number;
  readonly sendBufferMaxBytes: number;
  /** Shift offered for our window, RFC 7323 §2: 0 to 14, or 'off'. */
  readonly windowScale: number | 'off';
  /** RFC 2018. */
  readonly sack: boolean;
  /** RFC 8985 where there is SACK; without it losses are found by RFC 6675. */
  readonly rack: boolean;
  /** RFC 7323 §3, in milliseconds. */
  readonly timestamps: boolean;
  /** Added to the clock to make timestamps; random for each pair of ports when undefined (RFC 7323 §5.4). */
  readonly timestampOffset: number | undefined;
  /** Options of a SYN in their order; 'nop' pads the option after it. One that is left out is off. */
  readonly optionOrder: readonly OptionName[];
  /** Whether our SYN carries PTCP's option: without it the peer is plain TCP in UDP. */
  readonly ptcpOption: boolean;
  /** Whether a CRC-32 of each segment is offered, in PTCP's option. */
  readonly crc32: boolean;
  /** Longest delay of an ACK, ms, below 500 (RFC 9293 §3.8.6.3). 0 acknowledges at once. */
  readonly ackDelayMs: number;
  /** Full-sized segments after which an ACK is due, RFC 9293 §3.8.6.3. */
  readonly ackEverySegments: number;
  /** Segments at the start of a connection that are acknowledged at once, so that the peer's window opens fast. */
  readonly quickAckCount: number;
  /** RFC 9293 §3.7.4. */
  readonly nagle: boolean;
  /** Whether `writeUrgent` may be called (RFC 9293 §3.8.5, SHLD-13: not by new applications). Excludes `crc32`. */
  readonly urgentData: boolean;
  /** RFC 6298 §2.1: 1000. */
  readonly rtoInitialMs: number;
  /** Not RFC 6298 §2.4 (1 s): 200, as Linux has had it for decades; spurious ones cost one segment. */
  readonly rtoMinMs: number;
  /** RFC 6298 §2.5: at least 60 s. */
  readonly rtoMaxMs: number;
  /** SYNs sent again before the attempt fails. 7 take 183 s; RFC 9293 §3.8.3 asks for 180 (MUST-23). */
  readonly synRetries: number;
  /**
   * Whether a SYN carries text that was written before it left. The peer's user gets it when the handshake is over, so a
   * SYN that is replayed delivers nothing (RFC 9293 §3.10.7.2).
   */
  readonly synData: boolean;
  /** SYN-ACKs sent again for each SYN: an address not yet proven gets at most three times what it sent (RFC 9000 §8.1). */
  readonly synAckRetries: number;
  /** Retransmissions of one segment after which the path is suspect, RFC 9293 §3.8.3 R1. */
  readonly r1: number;
  /** Retransmissions of one segment after which the connection ends, RFC 9293 §3.8.3 R2, but not before 100 s. */
  readonly r2: number;
  /** Silence after which unacknowledged data ends the connection instead of R2, ms; 'off' leaves it to R2. */
  readonly userTimeoutMs: number | 'off';
  /**
   * How long a peer may keep its window shut while there is text for it, ms. After that the connection makes way, longest
   * first, when the endpoint has no room for another or little memory (RFC 6429 §3); 'off' never.
   */
  readonly shutWindowMs: number | 'off';
  /** 2 MSL, ms. RFC 9293 §3.4.2 would have 4 min; 60 s as Linux. */
  readonly timeWaitMs: number;
  /** After close: how long data that still comes is acknowledged and discarded before a reset, ms. 0 resets at once. */
  readonly lingerMs: number;
  /** RFC 9293 §3.8.4. Off unless asked for (MUST-25). */
  readonly keepAlive: boolean;
  readonly keepAliveIdleMs: number;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveProbes: number;
  /** Initial sequence number; RFC 6528 when undefined. */
  readonly iss: number | undefined;
  /** 'newreno', 'cubic', 'bbr', 'none' (no congestion control: only for tests) or a factory. */
  readonly congestion: (typeof CONTROLLERS)[number] | ControllerFactory;
  /** What share of a round trip's data 'bbr' takes to be lost by chance where no queue is seen. 0: BBR is the draft's in all. */
  readonly bbrLossTolerance: number;
  /** Whether segments leave at the controller's pace instead of in bursts. */
  readonly pacing: boolean;
  /** Whether RTT, ssthresh and PLPMTU go from a connection that ends to the next to the same host (RFC 9040). */
  readonly sharePathState: boolean;
  /** Half-open connections kept for a listener. */
  readonly backlog: number;
  /** SYN cookies (RFC 4987 §3.6): once the backlog is full, for every SYN, or never. */
  readonly synCookies: 'auto' | 'always' | 'off';
  /** Whether a segment for nobody is answered with a reset, under a rate limit (RFC 9293 §3.10.7.1). */
  readonly resets: boolean;
}

/** What holds where nothing is said. */
export const DEFAULT_PROFILE: Profile = {
  wire: 'tcp',
  initialWindowSegments: 10,
  mssBytes: 1452,
  defaultPeerMssBytes: 536,
  maxDatagramBytes: 1200,
  maxPlpmtuBytes: 1472,
  receiveBufferBytes: 65_536,
  receiveBufferMaxBytes: 8_388_608,
  sendBufferBytes: 65_536,
  sendBufferMaxBytes: 8_388_608,
  windowScale: 7,
  sack: true,
  rack: true,
  timestamps: true,
  timestampOffset: undefined,
  optionOrder: ['mss', 'sack-permitted', 'timestamps', 'window-scale', 'ptcp'],
  ptcpOption: true,
  crc32: true,
  ackDelayMs: 25,
  ackEverySegments: 2,
  quickAckCount: 16,
  nagle: true,
  urgentData: false,
  rtoInitialMs: 1000,
  rtoMinMs: 200,
  rtoMaxMs: 60_000,
  synRetries: 7,
  synData: false,
  synAckRetries: 2,
  r1: 3,
  r2: 15,
  userTimeoutMs: 'off',
  shutWindowMs: 60_000,
  timeWaitMs: 60_000,
  lingerMs: 5000,
  keepAlive: false,
  keepAliveIdleMs: 7_200_000,
  keepAliveIntervalMs: 75_000,
  keepAliveProbes: 9,
  iss: undefined,
  congestion: 'bbr',
  bbrLossTolerance: 0.06,
  pacing: true,
  sharePathState: true,
  backlog: 1024,
  synCookies: 'auto',
  resets: true,
};

/** Looks like Linux 6.x TCP over Ethernet: for scripts, and for kernels behind a relay. */
const LINUX: Partial<Profile> = {
  mssBytes: 1460,
  maxDatagramBytes: 1480,
  maxPlpmtuBytes: 'off',
  receiveBufferBytes: 64_240,
  optionOrder: ['mss', 'sack-permitted', 'timestamps', 'nop', 'window-scale', 'ptcp'],
  ptcpOption: false,
  crc32: false,
  ackDelayMs: 40,
  rtoMaxMs: 120_000,
  synRetries: 6,
  synAckRetries: 5,
  lingerMs: 0,
  congestion: 'bbr',
  pacing: false,
};

/** Looks like FreeBSD 14 TCP over Ethernet. */
const FREEBSD: Partial<Profile> = {
  mssBytes: 1460,
  maxDatagramBytes: 1480,
  maxPlpmtuBytes: 'off',
  windowScale: 6,
  optionOrder: ['mss', 'nop', 'window-scale', 'sack-permitted', 'timestamps', 'ptcp'],
  ptcpOption: false,
  crc32: false,
  ackDelayMs: 40,
  quickAckCount: 0,
  rtoMinMs: 230,
  rtoMaxMs: 64_000,
  synRetries: 6,
  synAckRetries: 3,
  r2: 12,
  keepAliveProbes: 8,
  lingerMs: 0,
  congestion: 'bbr',
  pacing: false,
};

/** What each preset changes in the defaults. */
export const PRESETS = { default: DEFAULT_PROFILE, linux: LINUX, freebsd: FREEBSD } as const;
/** The name of a preset. */
export type PresetName = keyof typeof PRESETS;

/** A preset's name, single options over the defaults, or both. */
export type ProfileInput = PresetName | ProfileOptions;

/** Single options, over a preset's where one is named. */
export type ProfileOptions = Partial<Omit<Profile, 'timestamps'>> & {
  readonly preset?: PresetName;
  /** 'off' says the same as false, as with windowScale. */
  readonly timestamps?: boolean | 'off';
};

/** Fills in what is missing from `base` and checks the whole. Throws UsageError, naming the option. */
export function resolveProfile(input?: ProfileInput, base: Profile = DEFAULT_PROFILE): Profile {
  if (input === undefined) return base;
  if ((typeof input !== 'object' && typeof input !== 'string') || input === null)
    throw new UsageError(`a profile is the name of a preset or an object with options, not ${String(input)}`);
  if (typeof input === 'object' && WHOLE.has(input)) return input as Profile;
  const { preset, ...options } = typeof input === 'string' ? { preset: input } : input;
  if (preset !== undefined && !Object.hasOwn(PRESETS, preset)) {
    throw new UsageError(`unknown preset '${preset}'; there are ${Object.keys(PRESETS).join(', ')}`);
  }
  const start = preset === undefined ? base : { ...DEFAULT_PROFILE, ...PRESETS[preset] };
  const { timestamps = start.timestamps, ...others } = options;
  const profile: Profile = {
    ...start,
    ...dropUndefined(others),
    timestamps: timestamps === 'off' ? false : timestamps,
  };
  checkProfile(profile);
  const whole = withoutUnordered(profile);
  WHOLE.add(whole);
  return whole;
}

/** Profiles that were filled in and checked: endpoints with hundreds of listeners or dials need do it only once. */
const WHOLE = new WeakSet<object>();

/** What a SYN does not offer cannot be agreed on. */
function withoutUnordered(profile: Profile): Profile {
  const isOffered = (name: OptionName): boolean => profile.optionOrder.includes(name);
  return {
    ...profile,
    windowScale: isOffered('window-scale') ? profile.windowScale : 'off',
    sack: profile.sack && isOffered('sack-permitted'),
    timestamps: profile.timestamps && isOffered('timestamps'),
    ptcpOption: profile.ptcpOption && isOffered('ptcp'),
  };
}

function dropUndefined(options: Partial<Profile>): Partial<Profile> {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) given[name] = value;
  }
  return given;
}

type Limits = readonly [number, number];

/** No path is taken to carry less: header and options, and some text. */
export const LEAST_DATAGRAM_BYTES = 128;

/** Smallest and largest value of each numeric option. */
const LIMITS: Readonly<Record<string, Limits>> = {
  initialWindowSegments: [1, 1000],
  // RFC 9293 §3.7.1: a datagram that IPv4 must carry, 576 bytes, leaves 536; less than 48 invites CVE-2019-11479.
  mssBytes: [48, 65_487],
  defaultPeerMssBytes: [48, 65_487],
  maxDatagramBytes: [LEAST_DATAGRAM_BYTES, 65_507],
  maxPlpmtuBytes: [LEAST_DATAGRAM_BYTES, 65_507],
  receiveBufferBytes: [1, 1_073_725_440],
  receiveBufferMaxBytes: [1, 1_073_725_440],
  sendBufferBytes: [1, 1_073_725_440],
  sendBufferMaxBytes: [1, 1_073_725_440],
  windowScale: [0, 14],
  timestampOffset: [0, 0xffff_ffff],
  ackDelayMs: [0, 499],
  ackEverySegments: [1, 1000],
  quickAckCount: [0, 1_000_000],
  rtoInitialMs: [1, 3_600_000],
  rtoMinMs: [1, 60_000],
  rtoMaxMs: [1000, 3_600_000],
  synRetries: [0, 100],
  synAckRetries: [0, 100],
  r1: [1, 100],
  r2: [1, 100],
  userTimeoutMs: [1, Number.MAX_SAFE_INTEGER],
  shutWindowMs: [0, Number.MAX_SAFE_INTEGER],
  timeWaitMs: [0, 3_600_000],
  lingerMs: [0, 3_600_000],
  keepAliveIdleMs: [1, Number.MAX_SAFE_INTEGER],
  keepAliveIntervalMs: [1, Number.MAX_SAFE_INTEGER],
  keepAliveProbes: [1, 1000],
  iss: [0, 0xffff_ffff],
  backlog: [1, 1_000_000],
};

/** Numbers that may be 'off' instead. */
const CHOICES: ReadonlySet<string> = new Set([
  'maxPlpmtuBytes',
  'windowScale',
  'userTimeoutMs',
  'shutWindowMs',
]);

const SWITCHES = [
  'sack',
  'rack',
  'timestamps',
  'ptcpOption',
  'crc32',
  'synData',
  'nagle',
  'urgentData',
  'keepAlive',
  'pacing',
  'sharePathState',
  'resets',
] as const satisfies readonly (keyof Profile)[];

function checkProfile(profile: Profile): void {
  for (const name of Object.keys(profile)) {
    if (!Object.hasOwn(DEFAULT_PROFILE, name))
      throw new UsageError(`no option of a profile is called '${name}'`);
  }
  for (const [name, limits] of Object.entries(LIMITS)) {
    const value = profile[name as keyof Profile];
    const isLeftOut = value === undefined || (value === 'off' && CHOICES.has(name));
    if (!isLeftOut) checkNumber(name, value, limits);
  }
  for (const name of SWITCHES) {
    if (typeof profile[name] !== 'boolean')
      throw new UsageError(`${name} is ${String(profile[name])}; it must be true or false`);
  }
  checkWire(profile.wire);
  checkOptionOrder(profile.optionOrder);
  const { congestion } = profile;
  if (typeof congestion !== 'function' && !CONTROLLERS.includes(congestion))
    throw new UsageError(
      `congestion is ${String(congestion)}; it must be '${CONTROLLERS.join("', '")}' or a factory`,
    );
  const { bbrLossTolerance } = profile;
  if (!(typeof bbrLossTolerance === 'number' && bbrLossTolerance >= 0 && bbrLossTolerance <= 0.5))
    throw new UsageError(
      `bbrLossTolerance is ${String(bbrLossTolerance)}; it must be a number from 0 to 0.5`,
    );
  if (!['auto', 'always', 'off'].includes(profile.synCookies))
    throw new UsageError(`synCookies is ${String(profile.synCookies)}; it must be 'auto', 'always' or 'off'`);
  if (profile.receiveBufferMaxBytes < profile.receiveBufferBytes) {
    throw new UsageError('receiveBufferMaxBytes is smaller than receiveBufferBytes');
  }
  if (profile.sendBufferMaxBytes < profile.sendBufferBytes) {
    throw new UsageError('sendBufferMaxBytes is smaller than sendBufferBytes');
  }
  if (profile.urgentData && profile.ptcpOption && profile.crc32)
    throw new UsageError(
      'urgentData and crc32 exclude each other, for they share four bytes of the header: set crc32 to false',
    );
  if (profile.rtoMaxMs < profile.rtoMinMs) throw new UsageError('rtoMaxMs is smaller than rtoMinMs');
}

/** Durations may have fractions, numbers of things may not. */
function checkNumber(name: string, value: unknown, [least, most]: Limits): void {
  const isWhole = !name.endsWith('Ms');
  if (typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isInteger(value)))
    return;
  const kind = CHOICES.has(name) ? `'off' or a` : 'a';
  const number = isWhole ? 'whole number' : 'number';
  throw new UsageError(`${name} is ${String(value)}; it must be ${kind} ${number} from ${least} to ${most}`);
}

function checkWire(wire: unknown): void {
  const wires: readonly unknown[] = Array.isArray(wire) ? wire : [wire];
  const isFit = wires.length > 0 && new Set(wires).size === wires.length;
  if (!isFit || !wires.every((name) => WIRES.includes(name as Wire)))
    throw new UsageError(`wire is ${JSON.stringify(wire)}; it must be 'tcp', 'vertex' or an array of them`);
}

function checkOptionOrder(order: readonly OptionName[]): void {
  const seen = new Set<OptionName>();
  let bytes = 0;
  for (const name of order) {
    if (!Object.hasOwn(OPTION_BYTES, name))
      throw new UsageError(`optionOrder has '${String(name)}', which is no option`);
    if (name !== 'nop' && seen.has(name)) throw new UsageError(`optionOrder has '${name}' twice`);
    seen.add(name);
    bytes += OPTION_BYTES[name];
  }
  if (bytes > MAX_OPTION_BYTES)
    throw new UsageError(
      `optionOrder takes ${bytes} bytes; a TCP header has ${MAX_OPTION_BYTES} for options`,
    );
}
