import { median } from '../statistics.ts';
import { CASES, type CaseName } from './cases.ts';
import type { ContestantName } from './messages.ts';

const CASE_NAMES = Object.keys(CASES) as CaseName[];
/** The cases that the marks are about. */
const PIPELINED: readonly CaseName[] = ['outstanding50', 'outstanding500'];

/** How one contestant compares with another, and what is wanted. */
interface Comparison {
  readonly of: ContestantName;
  readonly to: ContestantName;
  readonly atLeast?: number;
}

const COMPARISONS: readonly Comparison[] = [
  { of: 'tcp', to: 'twisted', atLeast: 3 },
  { of: 'tcp', to: 'grpc', atLeast: 2 },
  { of: 'ptcp', to: 'tcp', atLeast: 0.7 },
  { of: 'tls', to: 'tcp' },
  { of: 'ptcp+tls', to: 'tls' },
];

/** Calls a second over all rounds, or a ratio over all rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Ratio extends Spread {
  readonly of: ContestantName;
  readonly to: ContestantName;
  readonly case: CaseName;
  /** Only where there is a mark. */
  readonly atLeast?: number;
  readonly isMet?: boolean;
}

/** The figures of all rounds. */
export class Results {
  readonly #rounds = new Map<ContestantName, Map<CaseName, number[]>>();

  /** Rounds of a contestant and case come in their order, none left out. */
  add(contestant: ContestantName, name: CaseName, callsPerSecond: number): void {
    let cases = this.#rounds.get(contestant);
    if (cases === undefined) this.#rounds.set(contestant, (cases = new Map()));
    const figures = cases.get(name);
    if (figures === undefined) cases.set(name, [callsPerSecond]);
    else figures.push(callsPerSecond);
  }

  get contestants(): readonly ContestantName[] {
    return [...this.#rounds.keys()];
  }

  /**
   * The ratios of each round, then their median: what slowed down a whole round does not count.
   */
  ratios(): readonly Ratio[] {
    return COMPARISONS.flatMap(({ of, to, atLeast }) =>
      CASE_NAMES.flatMap((name) => {
        const theirs = this.#rounds.get(to)?.get(name);
        const ours = this.#rounds.get(of)?.get(name);
        if (theirs === undefined || ours === undefined) return [];
        const found = spread(ours.map((figure, round) => figure / (theirs[round] ?? Number.NaN)));
        const mark =
          atLeast !== undefined && PIPELINED.includes(name)
            ? { atLeast, isMet: found.median >= atLeast }
            : {};
        return [{ of, to, case: name, ...found, ...mark }];
      }),
    );
  }

  /** Calls a second: contestants by their names, and the cases that they have. */
  figures(): Readonly<Record<string, Readonly<Record<string, Spread>>>> {
    return Object.fromEntries(
      [...this.#rounds].map(([contestant, cases]) => [
        contestant,
        Object.fromEntries([...cases].map(([name, figures]) => [name, spread(figures)])),
      ]),
    );
  }

  #spread(contestant: ContestantName, name: CaseName): Spread | undefined {
    const figures = this.#rounds.get(contestant)?.get(name);
    return figures && spread(figures);
  }

  /** Two tables for people to read. */
  table(): string {
    const head = ['calls/s'.padEnd(26), ...this.contestants.map((name) => name.padStart(24))].join('');
    const rows = CASE_NAMES.map((name) => {
      const cells = this.contestants.map((contestant) => cell(this.#spread(contestant, name)).padStart(24));
      return CASES[name].padEnd(26) + cells.join('');
    });
    const ratios = this.ratios().map((ratio) => {
      const title = `${ratio.of} / ${ratio.to}`.padEnd(16) + CASES[ratio.case].padEnd(26);
      const range = `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`.padStart(14);
      return `${title}${ratio.median.toFixed(2).padStart(7)}${range}${verdict(ratio)}`;
    });
    return [head, ...rows, '', 'ratio (median and range of the rounds)', ...ratios, ''].join('\n');
  }
}

function spread(figures: readonly number[]): Spread {
  return { median: median(figures), min: Math.min(...figures), max: Math.max(...figures) };
}

function cell(figures: Spread | undefined): string {
  if (figures === undefined) return '–';
  const [middle, min, max] = [figures.median, figures.min, figures.max].map((figure) => figure.toFixed(0));
  return `${middle} (${min}–${max})`;
}

function verdict({ atLeast, isMet }: Ratio): string {
  if (atLeast === undefined) return '';
  return `   at least ${atLeast}: ${isMet === true ? 'met' : 'missed'}`;
}
