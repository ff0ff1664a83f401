// From a seed to a plan. Each part draws from a sequence of its own, so that a new draw in one moves no other.
import { Prng } from '../lib/bytes/prng.ts';
import { type Profile, resolveProfile } from '../lib/ptcp/core/config.ts';
import { NEVER } from '../lib/time/clock.ts';
import { patienceMs } from './patience.ts';
import { CONTENT_STARTS } from './pattern.ts';
import {
  type ClockPlan,
  type Ending,
  type Episode,
  type LinkPlan,
  type NatPlan,
  type SessionPlan,
  SIDES,
  type UserPlan,
  type WorldName,
  type WorldPlan,
} from './plan.ts';
import { drawProfile, LARGE_RANGE, PATIENT_RANGE, type ProfileRange, SMALL_RANGE } from './profiles.ts';
import { chance, logUniform, oneOf } from './random.ts';

/** What sets one kind of world apart from another. */
interface Kind {
  readonly range: ProfileRange;
  readonly auditEvery: number;
  /** How bad a link may be: the largest probability of a loss. */
  readonly loss: number;
  readonly faultsMs: number;
  readonly mostEpisodes: number;
  readonly latencyMs: number;
  /** How much one user says at most. */
  readonly bytes: number;
  readonly isBulk: boolean;
}

const KINDS: Readonly<Record<WorldName, Kind>> = {
  small: {
    range: SMALL_RANGE,
    auditEvery: 1,
    loss: 0.25,
    faultsMs: 8000,
    mostEpisodes: 2,
    latencyMs: 80,
    bytes: 65_536,
    isBulk: false,
  },
  standard: {
    range: LARGE_RANGE,
    auditEvery: 64,
    loss: 0.03,
    faultsMs: 20_000,
    mostEpisodes: 2,
    latencyMs: 60,
    bytes: 1_048_576,
    isBulk: true,
  },
  attacker: {
    range: SMALL_RANGE,
    auditEvery: 1,
    loss: 0.02,
    faultsMs: 8000,
    mostEpisodes: 0,
    latencyMs: 40,
    bytes: 65_536,
    isBulk: false,
  },
  liveness: {
    range: PATIENT_RANGE,
    auditEvery: 4,
    loss: 0.6,
    faultsMs: 30_000,
    mostEpisodes: 6,
    latencyMs: 200,
    bytes: 65_536,
    isBulk: false,
  },
};

/** The plan of the world of this kind with this seed: always the same. */
export function drawPlan(world: WorldName, seed: number): WorldPlan {
  const kind = KINDS[world];
  const random = new Prng(`${world} ${seed}`);
  const isLiar = world === 'attacker' && chance(random, 0.5);
  const isCrcOn = chance(random, 0.5) && !isLiar;
  const profiles = [
    drawProfile(random.split('profile 0'), kind.range, isCrcOn),
    drawProfile(random.split('profile 1'), kind.range, isCrcOn),
  ] as const;
  const resolved = [resolveProfile(profiles[0]), resolveProfile(profiles[1])] as const;
  const setting = random.split('setting');
  const nats = drawNats(setting.split('nats'), world);
  const faultsEndAt = kind.faultsMs * (0.25 + 0.75 * setting.nextFloat());
  const links = [
    drawLink(setting.split('link 0'), kind, isCrcOn),
    drawLink(setting.split('link 1'), kind, isCrcOn),
  ] as const;
  const hasBothNats = nats[0] !== undefined && nats[1] !== undefined;
  const sessions = drawSessions(random.split('sessions'), kind, resolved, hasBothNats);
  const findsMtu = resolved.every(({ sack, maxPlpmtuBytes }) => sack && maxPlpmtuBytes !== 'off');
  const plan = {
    seed,
    world,
    key: setting.nextU32() | 0,
    profiles,
    resolved,
    isCrcOn,
    links,
    sessions,
    faultsEndAt,
    episodes: drawEpisodes(random.split('episodes'), kind, { endAt: faultsEndAt, nats, findsMtu }),
    nats,
    clocks: [drawClock(setting.split('clock 0')), drawClock(setting.split('clock 1'))] as const,
    maxSegments: oneOf(setting, [1, 4, 16, 64]),
    attack:
      world === 'attacker' && !isLiar
        ? { startAt: 5, everyMs: logUniform(setting, 1, 40), shotCount: 200 }
        : undefined,
    lies: isLiar ? drawLies(setting.split('lies')) : undefined,
    auditEvery: kind.auditEvery,
  };
  return { ...plan, patienceMs: patienceMs(plan) };
}

function drawLink(random: Prng, kind: Kind, isCrcOn: boolean): LinkPlan {
  const some = (most: number): number => (chance(random, 0.5) ? 0 : random.nextFloat() * most);
  const hasRate = chance(random, 0.5);
  const rateMbit = kind.isBulk ? logUniform(random, 2, 200) : logUniform(random, 0.5, 50);
  const latencyMs = random.nextFloat() * kind.latencyMs;
  const leastQueueBytes = kind.isBulk ? 30_000 : 6000;
  const hasBursts = chance(random, 0.2);
  const burst = {
    enter: 0.002 + random.nextFloat() * kind.loss * 0.1,
    leave: 0.1 + random.nextFloat() * 0.5,
    loss: 0.5 + random.nextFloat() * 0.5,
  };
  return {
    latencyMs,
    jitterMs: some(30),
    rateMbit: hasRate ? rateMbit : Number.POSITIVE_INFINITY,
    queueBytes: leastQueueBytes + random.below(2 * leastQueueBytes),
    loss: some(kind.loss),
    duplicate: some(kind.loss / 2),
    reorder: some(kind.loss),
    reorderMs: 0.1 + random.below(60),
    flip: isCrcOn ? some(kind.loss / 2) : 0,
    truncate: isCrcOn ? some(kind.loss / 4) : 0,
    burst: hasBursts ? burst : undefined,
  };
}

function drawClock(random: Prng): ClockPlan {
  const startAt = chance(random, 0.5) ? 0 : random.below(1_000_000_000);
  return { rate: chance(random, 0.6) ? 1 : 1 + (random.nextFloat() - 0.5) / 500, startAt };
}

/** Behind which boxes the hosts are. One before the second host is only passed where both connect at once. */
function drawNats(random: Prng, world: WorldName): readonly [NatPlan | undefined, NatPlan | undefined] {
  const has = chance(random, 0.2) && world !== 'attacker';
  const hasBoth = chance(random, 0.5);
  const first = drawNat(random.split('0'), !hasBoth);
  const second = drawNat(random.split('1'), false);
  return [has ? first : undefined, has && hasBoth ? second : undefined];
}

function drawNat(random: Prng, mayDepend: boolean): NatPlan {
  return {
    isMappingEndpointDependent: chance(random, 0.5) && mayDepend,
    filtering: oneOf(random, ['none', 'address', 'address-and-port'] as const),
    // REQ-5 of RFC 4787: two minutes at least; some are known to forget sooner.
    expiryMs: oneOf(random, [30_000, 120_000, 300_000]),
  };
}

function drawLies(random: Prng): WorldPlan['lies'] {
  const some = (): number => (chance(random, 0.6) ? 0 : random.nextFloat() * 0.2);
  return { sack: some(), optimisticAck: some() / 4, divideAck: some(), window: some(), garbage: some() };
}

/** What the faults with a time depend on. */
interface Setting {
  readonly endAt: number;
  readonly nats: WorldPlan['nats'];
  readonly findsMtu: boolean;
}

/** BASE_PLPMTU of RFC 8899 §5.1.2 with the headers of UDP and IP: what every path is taken to carry. */
const LEAST_LASTING_MTU = 1228;

/** The faults that have a time: not before the connection has begun, and over when the faults are. */
function drawEpisodes(random: Prng, kind: Kind, setting: Setting): readonly Episode[] {
  const { endAt } = setting;
  if (kind.mostEpisodes === 0 || chance(random, 0.4)) return [];
  const episodes: Episode[] = [];
  for (let left = 1 + random.below(kind.mostEpisodes); left > 0; left -= 1) {
    const at = random.nextFloat() * endAt * (chance(random, 0.5) ? 0.1 : 0.9);
    const untilAt = at + (endAt - at) * random.nextFloat();
    episodes.push(drawEpisode(random, { at, untilAt }, setting));
  }
  return episodes.sort((a, b) => a.at - b.at);
}

function drawEpisode(random: Prng, time: { at: number; untilAt: number }, setting: Setting): Episode {
  const { nats, findsMtu } = setting;
  const host = oneOf(random, SIDES);
  const { at } = time;
  switch (random.below(10)) {
    case 0:
      return { kind: 'crash', ...time, host };
    case 1:
      return { kind: 'jump', at, host, byMs: logUniform(random, 10, 10_000_000) };
    case 2:
      return { kind: 'pause', ...time, host };
    case 3:
      if (!findsMtu || chance(random, 0.5))
        return { kind: 'mtu', ...time, mtuBytes: 500 + random.below(900) };
      return { kind: 'mtu', at, untilAt: NEVER, mtuBytes: LEAST_LASTING_MTU + random.below(250) };
    case 4:
    case 5:
      return { kind: 'rate', ...time, link: host, factor: logUniform(random, 0.05, 4) };
    case 6:
      if (nats[host] !== undefined) return { kind: 'rebind', at, host };
      return { kind: 'partition', ...time, link: 2 };
    case 7:
      return { kind: 'partition', ...time, link: host };
    case 8:
      return { kind: 'partition', ...time, link: 2 };
    default:
      return { kind: 'clog', ...time, link: host };
  }
}

/** What two users do with each other. */
type Play = 'bulk' | 'ping-pong' | 'slow-reader' | 'byte-writer' | 'half-close' | 'abort' | 'idle' | 'unread';

const PLAYS: readonly Play[] = [
  'bulk',
  'bulk',
  'bulk',
  'bulk',
  'ping-pong',
  'slow-reader',
  'byte-writer',
  'half-close',
  'abort',
  'idle',
  'unread',
];
const BULK_PLAYS: readonly Play[] = ['bulk', 'bulk', 'bulk', 'bulk', 'bulk', 'half-close', 'idle'];

function drawSessions(
  random: Prng,
  kind: Kind,
  profiles: readonly [Profile, Profile],
  hasBothNats: boolean,
): readonly SessionPlan[] {
  const count = kind.isBulk || chance(random, 0.85) ? 1 : 2 + random.below(2);
  const sessions: SessionPlan[] = [];
  for (let index = 0; index < count; index += 1) {
    const own = random.split(`${index}`);
    sessions.push({
      startAt: index === 0 ? 0 : own.below(2000),
      users: drawUsers(own, kind, profiles, count),
      isSimultaneous: chance(own, 0.1) || hasBothNats,
    });
  }
  return sessions;
}

const QUIET: UserPlan = {
  totalBytes: 0,
  contentAt: 0,
  writeBytes: Number.POSITIVE_INFINITY,
  writeEveryMs: 0,
  readBytes: 1_048_576,
  readEveryMs: 0,
  gate: 'open',
  turnBytes: 1,
  idleAfterBytes: 0,
  idleMs: 0,
  ending: 'shutdown',
  endAt: NEVER,
};

/** More segments than this make no better small world. */
const MOST_SEGMENTS = 80;

function drawUsers(
  random: Prng,
  kind: Kind,
  profiles: readonly [Profile, Profile],
  sessionCount: number,
): readonly [UserPlan, UserPlan] {
  const leastMss = Math.min(...profiles.map((each) => Math.min(each.mssBytes, each.maxDatagramBytes - 20)));
  const leastBuffer = Math.min(...profiles.map((each) => each.receiveBufferMaxBytes));
  const segmentBytes = Math.min(leastMss, leastBuffer);
  const most = kind.isBulk ? kind.bytes : Math.min(kind.bytes, MOST_SEGMENTS * segmentBytes) / sessionCount;
  const size = (): number => {
    if (kind.isBulk) return kind.bytes;
    return chance(random, 0.1) ? 0 : Math.floor(most * (chance(random, 0.5) ? 1 : random.nextFloat()));
  };
  const endings = drawEndings(random);
  const users = SIDES.map((side) => ({
    ...QUIET,
    totalBytes: size(),
    contentAt: random.below(CONTENT_STARTS),
    ending: endings[side]!,
  }));
  const [a, b] = users as [UserPlan, UserPlan];
  return drawPlay(random, oneOf(random, kind.isBulk ? BULK_PLAYS : PLAYS), [a, b]);
}

function drawEndings(random: Prng): readonly [Ending, Ending] {
  return oneOf<readonly [Ending, Ending]>(random, [
    ['shutdown', 'shutdown'],
    ['shutdown', 'shutdown'],
    ['shutdown', 'shutdown'],
    ['shutdown', 'close'],
    ['close', 'shutdown'],
    ['close', 'close'],
  ]);
}

function drawPlay(
  random: Prng,
  play: Play,
  [a, b]: readonly [UserPlan, UserPlan],
): readonly [UserPlan, UserPlan] {
  switch (play) {
    case 'bulk':
      return [a, b];
    case 'ping-pong': {
      const turnBytes = 1 + random.below(3000);
      const turns = 1 + random.below(12);
      const both = { turnBytes, totalBytes: turns * turnBytes };
      return [
        { ...a, ...both, gate: 'ask', ending: 'shutdown' },
        { ...b, ...both, gate: 'answer', ending: 'shutdown' },
      ];
    }
    case 'slow-reader':
      return [a, { ...b, readBytes: 100 + random.below(4000), readEveryMs: 1 + random.below(50) }];
    case 'byte-writer': {
      const totalBytes = Math.min(a.totalBytes, 150);
      return [{ ...a, totalBytes, writeBytes: 1, writeEveryMs: random.nextFloat() * 40 }, b];
    }
    case 'half-close':
      return [
        { ...a, totalBytes: Math.min(a.totalBytes, 1000), ending: 'shutdown' },
        { ...b, gate: 'peer-closed' },
      ];
    case 'abort': {
      const endAt = random.nextFloat() * 3000;
      return chance(random, 0.5)
        ? [{ ...a, ending: 'abort', endAt }, b]
        : [a, { ...b, ending: 'abort', endAt }];
    }
    case 'idle': {
      const idleMs = logUniform(random, 1000, 20_000_000);
      const idleAfterBytes = Math.floor(a.totalBytes * random.nextFloat());
      return [{ ...a, idleAfterBytes, idleMs, ending: 'shutdown' }, b];
    }
    case 'unread': {
      const endAt = random.nextFloat() * 3000;
      return [a, { ...b, ending: 'close-unread', endAt }];
    }
  }
}
