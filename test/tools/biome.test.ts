import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'chai';

/** Text that breaks one rule of the house, where it stands, and the rule that has to say so. */
const FAULTS: readonly [path: string, text: string, rule: string][] = [
  ['lib/bytes/random.ts', 'export const a: number = Math.random();\n', 'plugin'],
  ['protocols/random.ts', "export const a: number = Math['random']();\n", 'plugin'],
  ['lib/cycle/a.ts', "import { b } from './b.ts';\n\nexport const a: unknown = () => b;\n", 'noImportCycles'],
  ['lib/cycle/b.ts', "import { a } from './a.ts';\n\nexport const b: unknown = () => a;\n", 'noImportCycles'],
  ['lib/ptcp/core/date.ts', 'export const a: number = Date.now();\n', 'noRestrictedGlobals'],
  ['lib/ptcp/core/buffer.ts', 'export const a: Uint8Array = Buffer.alloc(1);\n', 'noRestrictedGlobals'],
  [
    'lib/ptcp/core/node.ts',
    "import { createHash } from 'node:crypto';\n\nexport const a: unknown = createHash;\n",
    'noRestrictedImports',
  ],
  ['lib/transports/timer.ts', 'export const a: unknown = setTimeout;\n', 'noRestrictedGlobals'],
  ['lib/bytes/enum.ts', 'export enum A {\n  b,\n}\n', 'noEnum'],
  ['lib/bytes/default.ts', 'const a = 1;\nexport default a;\n', 'noDefaultExport'],
  [
    'lib/bytes/property.ts',
    'export class A {\n  constructor(readonly b: number) {}\n}\n',
    'noParameterProperties',
  ],
  [
    'lib/bytes/extension.ts',
    "import { b } from './enum';\n\nexport const a: unknown = b;\n",
    'useImportExtensions',
  ],
  ['lib/bytes/unused.ts', "import { b } from './enum.ts';\n", 'noUnusedImports'],
  ['lib/bytes/floating.ts', 'export function a(): void {\n  Promise.resolve();\n}\n', 'noFloatingPromises'],
];
const INNOCENT: readonly [path: string, text: string][] = [
  ['plugins/a.ts', 'const plugin = { name: 1 };\nexport default plugin;\n'],
  ['lib/reactor/node/clock.ts', 'export const now = (): number => performance.now();\n'],
  ['test/a.test.ts', 'export const a = Math.random();\n'],
];

describe('biome.json', function () {
  this.timeout(10_000);
  let folder: string;
  let verdict: ReadonlyMap<string, readonly string[]>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-biome-'));
    cpSync('biome.json', join(folder, 'biome.json'));
    cpSync('tools', join(folder, 'tools'), { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const [path, text] of [...FAULTS, ...INNOCENT]) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    verdict = await lint(folder);
  });

  after(() => rmSync(folder, { recursive: true }));

  for (const [path, , rule] of FAULTS) {
    it(`${rule} bites in ${path}`, () => {
      expect(verdict.get(path) ?? []).to.include(rule);
    });
  }

  it('leaves alone what is allowed where it stands', () => {
    for (const [path] of INNOCENT) expect(verdict.get(path) ?? [], path).to.deep.equal([]);
  });
});

/** The names of the rules that speak up, for each file. */
async function lint(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=200', '.'];
  const output = await new Promise<string>((done) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 24 }, (_error, stdout) => done(stdout));
  });
  const rules = new Map<string, string[]>();
  for (const { category, location } of JSON.parse(output).diagnostics) {
    const path = String(location?.path?.file ?? location?.path ?? '').replace(/^\.\//, '');
    const names = rules.get(path) ?? [];
    names.push(String(category).split('/').at(-1) ?? '');
    rules.set(path, names);
  }
  return rules;
}
