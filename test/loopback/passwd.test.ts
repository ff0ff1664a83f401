import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const HAWSER = fileURLToPath(new URL('../../bin/hawser.ts', import.meta.url));
const IN_TERMINAL = fileURLToPath(new URL('../support/in-terminal.py', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

interface Played {
  readonly status: number;
  readonly shown: string;
  readonly isRestored: boolean;
  readonly isDone: boolean;
}

describe('hawser passwd on a terminal', function () {
  this.timeout(30_000);
  let directory: string;

  before(function () {
    if (!hasPython()) {
      console.log('    python3 is missing: nothing here is tested');
      this.skip();
    }
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hawser-passwd-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  it('asks twice, shows nothing of what is typed, and writes a file for its owner only', async () => {
    const path = join(directory, 'users');

    const played = await play(
      ['passwd', path, 'alice'],
      [
        ['New password of alice: ', 'sesamx\x7fe\r'],
        ['The same again: ', 'sesame\r'],
      ],
    );
    const verified = await play(['passwd', '--verify', path, 'alice'], [['Password of alice: ', 'sesame\r']]);

    expect(played).to.include({ status: 0, isRestored: true, isDone: true });
    expect(played.shown).not.to.contain('sesam');
    expect(played.shown).to.contain(`added alice to ${path}`);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await readFile(path, 'utf8')).not.to.contain('sesame');
    expect(await readdir(directory)).to.deep.equal(['users']);
    expect(verified).to.include({ status: 0, isRestored: true });
  });

  it('leaves the terminal as it was, and no file, when Ctrl-C is typed', async () => {
    const played = await play(
      ['passwd', join(directory, 'users'), 'alice'],
      [
        ['New password of alice: ', 'sesame\r'],
        ['The same again: ', 'ses\x03'],
      ],
    );

    expect(played).to.include({ status: 130, isRestored: true, isDone: true });
    expect(played.shown).not.to.contain('ses');
    expect(await readdir(directory)).to.deep.equal([]);
  });

  async function play(
    args: readonly string[],
    steps: readonly (readonly [string, string])[],
  ): Promise<Played> {
    const command = [process.execPath, '--import', TSX, '--conditions=@hawser/source', HAWSER, ...args];
    const { stdout } = await promisify(execFile)('python3', [IN_TERMINAL, JSON.stringify(steps), ...command]);
    return JSON.parse(stdout) as Played;
  }
});

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
