// Each time a fault strikes is an item with a name of its own, so that it can be recorded, and left out when played again.

/** What can happen to a single datagram. */
export const Fault = {
  None: 0,
  Loss: 1,
  Duplicate: 2,
  Reorder: 3,
  Flip: 4,
  Truncate: 5,
  BurstLoss: 6,
} as const;
export type Fault = (typeof Fault)[keyof typeof Fault];

const FAULT_NAMES = [
  '',
  'lost',
  'duplicated',
  'reordered',
  'flipped',
  'truncated',
  'lost in a burst',
] as const;

/** Items of these classes have the same numbers; `classOf` and `numberOf` take an item apart. */
const CLASSES = { episode: 0, shot: 1, lie: 2, datagram: 3 } as const;
const NUMBERS = 2 ** 32;

/** What decides whether a fault that the plan has drawn does strike. */
export interface FaultFilter {
  /** Whether the item strikes. Asked once for each, in the order of time. */
  strikes(item: number): boolean;
}

/** Everything strikes. */
export const ALL_FAULTS: FaultFilter = { strikes: () => true };

/** Everything strikes, and is written down. */
export class FaultRecorder implements FaultFilter {
  readonly items: number[] = [];

  strikes(item: number): boolean {
    this.items.push(item);
    return true;
  }
}

/** Only these strike. */
export class OnlyFaults implements FaultFilter {
  readonly #items: ReadonlySet<number>;
  readonly struck: number[] = [];

  constructor(items: readonly number[]) {
    this.#items = new Set(items);
  }

  strikes(item: number): boolean {
    if (!this.#items.has(item)) return false;
    this.struck.push(item);
    return true;
  }
}

/** Datagram `ordinal` of a link, and what happens to it. */
export function datagramItem(link: number, fault: Fault, ordinal: number): number {
  return ((link * 8 + fault) * 4 + CLASSES.datagram) * NUMBERS + ordinal;
}

export function episodeItem(index: number): number {
  return CLASSES.episode * NUMBERS + index;
}

export function shotItem(index: number): number {
  return CLASSES.shot * NUMBERS + index;
}

/** A lie told in the datagram `ordinal`. */
export function lieItem(ordinal: number): number {
  return CLASSES.lie * NUMBERS + ordinal;
}

/** What an item is, for people. `episodes` are those of the plan. */
export function describeItem(item: number, episodes: readonly object[]): string {
  const ordinal = item % NUMBERS;
  const rest = Math.floor(item / NUMBERS);
  switch (rest % 4) {
    case CLASSES.episode:
      return JSON.stringify(episodes[ordinal]);
    case CLASSES.shot:
      return `shot ${ordinal} of the attacker`;
    case CLASSES.lie:
      return `datagram ${ordinal} of the liar`;
    default: {
      const code = Math.floor(rest / 4);
      const way = ['first to second', 'second to first'][Math.floor(code / 8)] ?? 'elsewhere';
      return `datagram ${ordinal} from ${way} host ${FAULT_NAMES[code % 8]}`;
    }
  }
}
