import type { Command, CommandContext } from '../../plugin/contract.ts';
import { commandLine } from '../arguments.ts';
import { ExitStatus } from '../exit-status.ts';
import { printable } from '../printable.ts';

/** `hawser plugins [--all]`: loads no plugin's implementation. */
export const plugins: Command = async (args, context) => {
  const command = commandLine('hawser plugins', context)
    .usage('[options]')
    .description('Lists the plugins: commands, endpoint words and the rest.')
    .option('--all', 'also where each was found, and the files that are broken and why')
    .allowExcessArguments(false);
  command.parse([...args], { from: 'user' });
  list(context, command.opts<{ all?: true }>().all === true);
  return ExitStatus.ok;
};

function list(context: CommandContext, isAll: boolean): void {
  const { all, broken } = context.plugins;
  const rows = all.map(({ plugin, origin }) => ({ ...plugin, origin }));
  rows.sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.origin, b.origin));
  const kindWidth = Math.max(0, ...rows.map(({ kind }) => kind.length));
  const nameWidth = Math.max(0, ...rows.map(({ name }) => name.length));
  for (const { kind, name, summary, origin } of rows) {
    const where = isAll ? `  (${printable(origin)})` : '';
    const line = `${kind.padEnd(kindWidth)}  ${name.padEnd(nameWidth)}  ${printable(summary)}${where}`;
    context.output.write(`${line}\n`);
  }
  for (const { origin, reason } of isAll ? broken : []) {
    context.output.write(`broken  ${printable(origin)}: ${printable(reason)}\n`);
  }
  if (!isAll && broken.length > 0) {
    const text = broken.length === 1 ? '1 file is broken' : `${broken.length} files are broken`;
    context.messages.write(`${text}: 'hawser plugins --all' says why\n`);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
