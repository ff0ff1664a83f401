import { execFileSync, spawnSync } from 'node:child_process';

/** All that tshark checks by default, and checksums, which it takes for the network card's business. */
const CHECKS = ['tcp.check_checksum', 'udp.check_checksum', 'ip.check_checksum'].flatMap((name) => [
  '-o',
  `${name}:TRUE`,
]);

export function hasTshark(): boolean {
  return spawnSync('tshark', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Everything in the capture that tshark's experts warn of, as lines; nothing for a clean one. */
export function warningsIn(file: string): string[] {
  // Each has its count in front; the rest is the table's head.
  return linesOf(tshark(file, '-q', '-z', 'expert,warn')).filter((line) => /^ *\d/.test(line));
}

/** The fields named, of each packet that `filter` lets through. */
export function fieldsIn(file: string, filter: string, fields: readonly string[]): string[][] {
  const lines = linesOf(
    tshark(file, '-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])),
  );
  return lines.map((line) => line.split('\t'));
}

/** How many packets `filter` lets through. */
export function countIn(file: string, filter: string): number {
  return fieldsIn(file, filter, ['frame.number']).length;
}

function tshark(file: string, ...args: readonly string[]): string {
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  return execFileSync('tshark', ['-n', ...CHECKS, '-r', file, ...args], {
    encoding: 'utf8',
    stdio: [...stdio],
    maxBuffer: 1 << 28,
  });
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}
