import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

/** One name that each public entry has to export. */
const ENTRIES = {
  hawser: 'Deferred',
  'hawser/ptcp': 'PtcpEndpoint',
  'hawser/testing': 'SimulatedNetwork',
} as const;

describe('the package, packed and installed elsewhere', () => {
  let folder: string;
  let consumer: string;
  let packed: readonly string[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-package-'));
    consumer = join(folder, 'consumer');
    mkdirSync(consumer);
    writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true }');
    const [tarball] = JSON.parse(
      (await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], '.')).replace(
        /^[^[]*/,
        '',
      ),
    );
    packed = tarball.files.map(({ path }: { path: string }) => path);
    const install = [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      join(folder, tarball.filename),
    ];
    await run('npm', install, consumer);
  });

  after(() => rmSync(folder, { recursive: true }));

  it('holds what was built, and neither sources of tests nor tools', () => {
    expect(packed).to.include.members([
      'package.json',
      'LICENSE',
      'dist/lib/index.js',
      'dist/lib/index.d.ts',
    ]);
    expect(
      packed.filter(
        (path) => !/^(dist\/(lib|protocols|plugins|bin)\/|[A-Z]+(\.md)?$|package\.json$)/.test(path),
      ),
    ).to.deep.equal([]);
  });

  for (const [entry, name] of Object.entries(ENTRIES)) {
    it(`gives ${name} to import and to require of '${entry}', the same one`, async () => {
      const script = `
        import { createRequire } from 'node:module';
        const imported = await import('${entry}');
        const required = createRequire(import.meta.url)('${entry}');
        console.log(typeof imported.${name}, imported.${name} === required.${name});`;

      const output = await run(
        process.execPath,
        ['--no-warnings', '--input-type=module', '-e', script],
        consumer,
      );

      expect(output.trim()).to.equal('function true');
    });
  }

  it('keeps its inner modules to itself', async () => {
    const script = "import('hawser/dist/lib/errors.js').catch((error) => console.log(error.code))";

    const output = await run(process.execPath, ['-e', script], consumer);

    expect(output.trim()).to.equal('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('type-checks in a strict consumer without the types of Node', async () => {
    const imports = Object.entries(ENTRIES).map(([entry, name]) => `import { ${name} } from '${entry}';`);
    const uses = Object.values(ENTRIES).map((name) => `export const a${name}: object = ${name};`);
    writeFileSync(join(consumer, 'index.mts'), [...imports, ...uses, ''].join('\n'));
    const options = [
      '--strict',
      '--noEmit',
      '--skipLibCheck',
      'false',
      '--exactOptionalPropertyTypes',
      'true',
    ];
    const target = [
      '--target',
      'es2023',
      '--lib',
      'es2023,esnext.disposable',
      '--module',
      'nodenext',
      '--types',
      '',
    ];
    const tsc = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin',
      'tsc',
    );

    const output = await run(process.execPath, [tsc, ...options, ...target, 'index.mts'], consumer);

    expect(output).to.equal('');
  });

  it('refuses what its types do not allow', async () => {
    writeFileSync(
      join(consumer, 'wrong.mts'),
      "import { Deferred } from 'hawser';\nexport const a: number = Deferred;\n",
    );
    const tsc = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin',
      'tsc',
    );
    const args = [tsc, '--strict', '--noEmit', '--module', 'nodenext', '--types', '', 'wrong.mts'];

    const failure = await run(process.execPath, args, consumer).catch(String);

    expect(failure).to.include('TS2322');
  });

  it('installs its command, which helps', async () => {
    const command = join(consumer, 'node_modules', '.bin', 'hawser');

    expect(existsSync(command), readdirSync(dirname(command)).join(' ')).to.equal(true);
    expect(await run(command, ['--help'], consumer))
      .to.include('send')
      .and.include('receive');
  });
});

/** Standard output of a program that ends well; else an error with all that it said. */
function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error }));
    });
  });
}
