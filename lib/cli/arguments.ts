import { Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../plugin/contract.ts';
import { printable } from './printable.ts';
import { complain } from './report.ts';

/** A parser of the arguments of `name` that speaks through `context` and never ends the process itself. */
export function commandLine(name: string, context: CommandContext): Command {
  const { output, messages } = context;
  return new Command(name)
    .helpOption('-h, --help', 'show this')
    .configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => messages.write(text),
      getOutHelpWidth: () => output.columns,
      getErrHelpWidth: () => messages.columns,
      outputError: (text) => complain(messages, context, `${oneLine(text)} (see '${name} --help')`),
    })
    .exitOverride();
}

/** commander's complaint without its prefix and on one line. */
function oneLine(text: string): string {
  return printable(
    text
      .replace(/^error: /, '')
      .trim()
      .replace(/\s*\n\s*/g, ' '),
  ).replace(/\.$/, '');
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** A number of bytes as people write it: 4096, 700MB, 64MiB, 1.5G. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?$/i.exec(text);
  const factor = FACTORS[match?.[2]?.toLowerCase() ?? '?'];
  const bytes = Math.floor(Number(match?.[1]) * (factor ?? Number.NaN));
  if (!Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError('Write a number of bytes such as 4096, 700MB or 64MiB.');
  }
  return bytes;
}
