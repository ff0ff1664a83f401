import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'chai';

/** One name that each public entry has to export. */
const ENTRIES = {
  hawser: 'Deferred',
  'hawser/ptcp': 'PtcpEndpoint',
  'hawser/testing': 'SimulatedNetwork',
  'hawser/plugin': 'definePlugin',
  'hawser/protocols/amp': 'Amp',
} as const;

/** Commands as somebody would export them, and who calls them from what was declared of them. */
const COMMANDS = `
import { Amp, type ArgumentsOf, type ResponseOf, ampList, defineCommand, defineProtocolSwitch, integer, optional,
  responder, safeInteger, unicode } from 'hawser/protocols/amp';
export class BadThing extends Error { readonly isBad = true; }
export const Sum = defineCommand({ name: 'Sum', arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger }, errors: { BAD_THING: BadThing } });
export const Child = defineCommand({ name: 'child', arguments: { rows: ampList({ x: integer, y: optional(unicode) }) },
  extends: Sum });
export const Note = defineCommand({ name: 'note', requiresAnswer: false });
export const Switch = defineProtocolSwitch({ name: 'switch' });
export class Server extends Amp {
  @responder(Sum) sum({ a, b }: ArgumentsOf<typeof Sum>): ResponseOf<typeof Sum> { return { total: a + b }; }
}
`;
const CALLER = `
import { Amp, type ErrorsOf } from 'hawser/protocols/amp';
import { BadThing, Child, Note, Server, Sum, Switch } from './commands.mjs';
const amp: Amp = new Server();
export const total = async (): Promise<number> => (await amp.callRemote(Sum, { a: 1, b: 2 })).total;
export const bad: boolean = Child.trap(new BadThing()).isBad;
export const note: PromiseLike<void> = amp.callRemote(Note);
export const errors: ErrorsOf<typeof Child> = new BadThing();
export const switched = amp.switchProtocol(Switch, {}, () => new Server());
amp.respond(Child, ({ rows }) => { const y: string | undefined = rows[0]?.y; return y === undefined ? {} : {}; });
`;
const WRONG_CALLER = `
import { Amp } from 'hawser/protocols/amp';
import { Sum } from './commands.mjs';
new Amp().callRemote(Sum, { a: 1 });
`;

const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const TYPE_ROOTS = resolve('node_modules/@types');

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

  it('type-checks in a strict consumer, libraries checked too', async () => {
    const text = Object.entries(ENTRIES)
      .map(
        ([entry, name]) => `import { ${name} } from '${entry}';\nexport const a${name}: object = ${name};\n`,
      )
      .join('');

    expect(await compile('all.mts', text, ['--typeRoots', TYPE_ROOTS, '--types', 'node'])).to.equal('');
  });

  it('type-checks hawser/ptcp where there is neither Node nor a browser', async () => {
    const text = "import { PtcpEndpoint } from 'hawser/ptcp';\nexport const a: object = PtcpEndpoint;\n";

    expect(await compile('core.mts', text, ['--types', ''])).to.equal('');
  });

  it('refuses what its types do not allow', async () => {
    const text = "import { PtcpEndpoint } from 'hawser/ptcp';\nexport const a: number = PtcpEndpoint;\n";

    expect(await compile('wrong.mts', text, ['--types', ''])).to.include('wrong.mts(2,14): error TS2322');
  });

  it('knows the options of every built-in transport, and their ports, from either entry', async () => {
    const types = ['--typeRoots', TYPE_ROOTS, '--types', 'node'];
    const text = `
import { Factory, ClientFactory, Protocol, reactor, type PtcpPort } from 'hawser';
const factory = Factory.forProtocol(Protocol);
const port: PtcpPort = reactor.listenTLS(0, factory, { over: 'ptcp', certificate: '', key: '', pseudoPort: 7 }).below;
reactor.connectTLS('localhost', 1, ClientFactory.forProtocol(Protocol), { pin: '', timeoutMs: 5 });
export const stats: object = port.stats;
`;
    const testing = `
import { MemoryReactor } from 'hawser/testing';
export const port = new MemoryReactor().listenTCP(0, { doStart() {}, doStop() {}, buildProtocol: () => undefined }, { backlog: 1 });
`;

    expect(await compile('tls.mts', text, types)).to.equal('');
    expect(await compile('testing.mts', testing, types)).to.equal('');
    expect(await compile('wrong-tls.mts', text.replace('pin:', 'pni:'), types)).to.contain('pni');
  });

  it('lets commands be exported without their types: what is declared of them serves those who call them', async () => {
    const types = ['--typeRoots', TYPE_ROOTS, '--types', 'node'];

    expect(await compile('commands.mts', COMMANDS, types, '--declaration')).to.equal('');
    rmSync(join(consumer, 'commands.mts'));
    expect(readFileSync(join(consumer, 'commands.d.mts'), 'utf8')).to.contain('export declare const Sum');
    expect(await compile('caller.mts', CALLER, types)).to.equal('');
    expect(await compile('wrong-caller.mts', WRONG_CALLER, types)).to.contain('(4,');
  });

  /** What the compiler has to say of a file of the consumer. */
  function compile(
    name: string,
    text: string,
    types: readonly string[],
    output = '--noEmit',
  ): Promise<string> {
    writeFileSync(join(consumer, name), text);
    const options = ['--strict', output, '--skipLibCheck', 'false', '--exactOptionalPropertyTypes', 'true'];
    const target = ['--target', 'es2023', '--lib', 'es2023,esnext.disposable', '--module', 'nodenext'];
    const args = [TSC, ...options, ...target, ...types, name];
    return run(process.execPath, args, consumer).catch((error: Error) => error.message);
  }

  it('declares its types as TypeScript 5.0 understands them: generic arrays of bytes came with 5.7', () => {
    const declarations = packed.filter((path) => path.endsWith('.d.ts'));
    const generic = declarations.filter((path) => {
      const text = readFileSync(join(consumer, 'node_modules/hawser', path), 'utf8');
      return /\b(Int|Uint|BigInt|BigUint|Float)\d+(Clamped)?Array</.test(text);
    });

    expect(generic).to.deep.equal([]);
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
  return new Promise((done, reject) => {
    execFile(program, args, { cwd, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else reject(new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error }));
    });
  });
}
