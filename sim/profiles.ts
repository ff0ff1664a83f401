// Which options two ends have: every option of the core is switched about by the swarm, new ones too.
import type { Prng } from '../lib/bytes/prng.ts';
import { UsageError } from '../lib/errors.ts';
import { DEFAULT_PROFILE, type Profile, type ProfileInput, resolveProfile } from '../lib/ptcp/core/config.ts';
import { chance, oneOf } from './random.ts';

/** How much a profile may differ from the default: small worlds may have odd sizes, that take long with much to say. */
export interface ProfileRange {
  readonly mss: readonly number[];
  readonly datagram: readonly number[];
  readonly buffers: readonly number[];
  /** How likely an end is one of the presets. */
  readonly presets: number;
  readonly cookies: readonly string[];
  readonly rtoInitialMs: readonly number[];
}

export const SMALL_RANGE: ProfileRange = {
  mss: [100, 536, 1000, 1200, 1452, 1452, 1452],
  datagram: [128, 600, 1200, 1200, 1200, 1472],
  buffers: [500, 3000, 20_000, 65_536, 65_536],
  presets: 0.15,
  cookies: ['auto', 'auto', 'always', 'off'],
  rtoInitialMs: [200, 1000, 1000, 3000],
};

/** A cookie is out of date, and the last of many quick SYNs lost, before all is over that these worlds have in store. */
export const PATIENT_RANGE: ProfileRange = {
  ...SMALL_RANGE,
  cookies: ['auto', 'off'],
  rtoInitialMs: [1000, 1000, 3000],
};

export const LARGE_RANGE: ProfileRange = {
  mss: [1200, 1452],
  datagram: [1200, 1200, 1400, 1472],
  buffers: [20_000, 65_536, 262_144],
  presets: 0.1,
  cookies: ['auto', 'auto', 'always', 'off'],
  rtoInitialMs: [200, 1000, 1000, 3000],
};

const CONTROLLERS = ['newreno', 'cubic', 'bbr', 'none'].filter(isController);

/** Whether this version of the core has it. */
function isController(name: string): boolean {
  try {
    resolveProfile({ congestion: name as 'newreno' });
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** Draws an option's value. What is not here and is a switch is thrown one way or the other. */
type Drawer = (random: Prng, range: ProfileRange, isCrcOn: boolean) => unknown;

const DRAWERS: Readonly<Record<string, Drawer>> = {
  sack: (random) => chance(random, 0.8),
  timestamps: (random) => chance(random, 0.8),
  windowScale: (random) => oneOf(random, ['off', 0, 3, 7, 7, 14]),
  mssBytes: (random, { mss }) => oneOf(random, mss),
  maxDatagramBytes: (random, { datagram }) => oneOf(random, datagram),
  maxPlpmtuBytes: (random) => oneOf(random, ['off', 1300, 1472, 1472]),
  ackDelayMs: (random) => oneOf(random, [0, 25, 25, 100, 400]),
  ackEverySegments: (random) => oneOf(random, [1, 2, 2, 8]),
  quickAckCount: (random) => oneOf(random, [0, 16]),
  initialWindowSegments: (random) => oneOf(random, [1, 4, 10, 10]),
  defaultPeerMssBytes: (random) => oneOf(random, [48, 536, 1220]),
  optionOrder: (random, _range, isCrcOn) => drawOptionOrder(random, isCrcOn),
  rtoInitialMs: (random, range) => oneOf(random, range.rtoInitialMs),
  rtoMinMs: (random) => oneOf(random, [10, 200, 200, 1000]),
  // With less R2 would be over before the longest time without a network is.
  rtoMaxMs: (random) => oneOf(random, [10_000, 60_000, 60_000]),
  synAckRetries: (random) => oneOf(random, [0, 2, 2, 5]),
  r1: (random) => oneOf(random, [1, 3]),
  // With less a lost ACK of the last text may be asked for when nobody is there any more.
  timeWaitMs: (random) => oneOf(random, [60_000, 60_000, 240_000]),
  // Of no effect while there is room: these worlds are small.
  shutWindowMs: (random) => oneOf(random, [0, 60_000, 'off']),
  bbrLossTolerance: (random) => oneOf(random, [0, 0.06, 0.5]),
  congestion: (random) => oneOf(random, CONTROLLERS),
  iss: (random) => (chance(random, 0.3) ? (0x1_0000_0000 - random.below(50_000)) % 0x1_0000_0000 : undefined),
  timestampOffset: (random) => (chance(random, 0.2) ? 0xffff_ffff - random.below(2000) : undefined),
  lingerMs: (random) => oneOf(random, [0, 1000, 5000]),
  keepAlive: (random) => chance(random, 0.3),
  keepAliveIdleMs: (random) => oneOf(random, [5000, 30_000, 7_200_000]),
  // Long enough, nine times over, for the longest time without a network.
  keepAliveIntervalMs: (random) => oneOf(random, [15_000, 75_000]),
  // More than a world has connections: one that makes way for another (RFC 4987 §3.4) ends with a reset.
  backlog: (random) => oneOf(random, [64, 1024]),
  synCookies: (random, { cookies }) => oneOf(random, cookies),
  // The two share four bytes of the header.
  urgentData: (random, _range, isCrcOn) => chance(random, 0.3) && !isCrcOn,
  // Decided for both ends together, or by the world.
  ptcpOption: () => undefined,
  crc32: () => undefined,
  resets: () => true,
};

const OPTION_ORDERS = [DEFAULT_PROFILE, resolveProfile('linux'), resolveProfile('freebsd')].map(
  ({ optionOrder }) => optionOrder,
);

/** As somebody has it, or in any order; then one may be missing, but for the one that a CRC takes. */
function drawOptionOrder(random: Prng, isCrcOn: boolean): Profile['optionOrder'] {
  const known = oneOf(random, OPTION_ORDERS);
  if (chance(random, 0.6)) return known;
  const left = known.filter((name) => name !== 'nop');
  const order: (typeof left)[number][] = [];
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1));
  const missing = oneOf(random, order);
  if (chance(random, 0.5) || (isCrcOn && missing === 'ptcp')) return order;
  return order.filter((name) => name !== missing);
}

/** Draws the options of one end. */
export function drawProfile(random: Prng, range: ProfileRange, isCrcOn: boolean): ProfileInput {
  const crc = { ptcpOption: isCrcOn || chance(random, 0.5), crc32: isCrcOn };
  if (chance(random, range.presets)) return { preset: oneOf(random, ['linux', 'freebsd'] as const), ...crc };
  const profile: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(DEFAULT_PROFILE)) {
    const drawer = DRAWERS[name];
    const drawn = drawer === undefined ? drawSwitch(random, value) : drawer(random, range, isCrcOn);
    if (drawn !== undefined) profile[name] = drawn;
  }
  const receiveBufferBytes = oneOf(random, range.buffers);
  const sendBufferBytes = oneOf(random, range.buffers);
  return {
    ...(profile as Partial<Profile>),
    ...crc,
    receiveBufferBytes,
    receiveBufferMaxBytes: oneOf(random, [1, 10]) * receiveBufferBytes,
    sendBufferBytes,
    sendBufferMaxBytes: oneOf(random, [1, 10]) * sendBufferBytes,
  };
}

/** Draws whether it is used or not, so that the draws of other options stay where they are. */
function drawSwitch(random: Prng, value: unknown): boolean | undefined {
  const drawn = chance(random, 0.5);
  return typeof value === 'boolean' ? drawn : undefined;
}
