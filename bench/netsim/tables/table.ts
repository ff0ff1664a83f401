import type { Cell, CellResult } from '../measure.ts';

/** A text that is made from experiments. */
export interface Table {
  /** The file is docs/netsim/NAME.txt. */
  readonly name: string;
  /** What must be measured for it. */
  readonly cells: readonly Cell[];
  /** The text; the same results give the same text, byte for byte. */
  readonly render: (results: Results) => string;
}

/** Results by experiment. */
export class Results {
  readonly #byCell = new Map<string, CellResult>();

  add(cell: Cell, result: CellResult): void {
    this.#byCell.set(cellKey(cell), result);
  }

  of(cell: Cell): CellResult {
    const result = this.#byCell.get(cellKey(cell));
    if (result === undefined) throw new RangeError(`nobody measured ${cellKey(cell)}`);
    return result;
  }
}

/** Equal cells, made the same way, have equal keys. */
export function cellKey(cell: Cell): string {
  return JSON.stringify(cell);
}

/** Lines of columns: the first `leftCount` of each row are set to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[], leftCount: number): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, text] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, text.length);
  return rows
    .map((row) =>
      row
        .map((text, index) =>
          index < leftCount ? text.padEnd(widths[index]!) : text.padStart(widths[index]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A share with three places. */
export function share(value: number): string {
  return value.toFixed(3);
}

/** A part of 1 as per cent. */
export function percent(value: number): string {
  return (100 * value).toFixed(2);
}

/** Milliseconds with one place. */
export function ms(value: number): string {
  return value.toFixed(1);
}
