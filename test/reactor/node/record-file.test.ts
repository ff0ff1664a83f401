import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CannotWrite } from '../../../lib/errors.ts';
import { RecordFile, type RecordSource } from '../../../lib/reactor/node/record-file.ts';

const MODULE = fileURLToPath(new URL('../../../lib/reactor/node/record-file.ts', import.meta.url));

/** Texts that wait to be taken. */
class Texts implements RecordSource {
  #waiting: string;

  constructor(beginning: string) {
    this.#waiting = beginning;
  }

  get byteCount(): number {
    return this.#waiting.length;
  }

  add(text: string): void {
    this.#waiting += text;
  }

  take(): Uint8Array {
    const taken = new TextEncoder().encode(this.#waiting);
    this.#waiting = '';
    return taken;
  }
}

describe('RecordFile', () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hawser-record-'));
    path = join(directory, 'records');
  });

  afterEach(() => rm(directory, { recursive: true }));

  it('has its beginning at once, and much of what follows too', async () => {
    const texts = new Texts('HEAD');
    const file = new RecordFile(path, texts);
    expect(await readFile(path, 'latin1')).to.equal('HEAD');

    texts.add('x'.repeat(70_000));
    file.grown();

    expect(await readFile(path, 'latin1')).to.have.length(70_004);
  });

  it('writes what is little a moment later', async () => {
    const texts = new Texts('HEAD');
    const file = new RecordFile(path, texts);

    texts.add('more');
    file.grown();
    expect(await readFile(path, 'latin1')).to.equal('HEAD');
    await sleep(400);

    expect(await readFile(path, 'latin1')).to.equal('HEADmore');
  });

  it('replaces an earlier one, and nothing else', async () => {
    await writeFile(path, 'HEAD of an earlier one, which was longer');
    new RecordFile(path, new Texts('HEAD'));
    expect(await readFile(path, 'latin1')).to.equal('HEAD');

    const letter = join(directory, 'letter');
    await writeFile(letter, 'Dear Sir');
    expect(() => new RecordFile(letter, new Texts('HEAD'))).to.throw(CannotWrite, 'another file');
    expect(await readFile(letter, 'latin1')).to.equal('Dear Sir');
  });

  it('says in one line why it cannot be written', () => {
    const nowhere = join(directory, 'no', 'such', 'folder');

    expect(() => new RecordFile(nowhere, new Texts('HEAD'))).to.throw(
      CannotWrite,
      `${nowhere} cannot be written: ENOENT`,
    );
  });

  /** Runs a process that writes to `path`. The shell sets it up first. */
  function runProcess(rest: string, setUp = ':'): { readonly stderr: string } {
    const program = `
      import { RecordFile } from ${JSON.stringify(MODULE)};
      let waiting = 'HEAD';
      const source = {
        get byteCount() { return waiting.length; },
        take() { const taken = Buffer.from(waiting); waiting = ''; return taken; },
      };
      const file = new RecordFile(process.argv[1], source);
      const add = (text) => { waiting += text; file.grown(); };
      ${rest}`;
    const node = [process.execPath, '--import', 'tsx', '--conditions=@hawser/source', '--input-type=module'];
    const args = ['-c', `${setUp}; exec "$@"`, 'sh', ...node, '-e', program, path];
    return spawnSync('sh', args, { encoding: 'utf8' });
  }

  it('is whole when the process exits, which it does not delay', async () => {
    runProcess(`add('last'); process.exit(3);`);

    expect(await readFile(path, 'latin1')).to.equal('HEADlast');
  }).timeout(10_000);

  it('ends behind the last whole record when there is no more room, and says so once', async () => {
    // Files of at most 100 or 200 KiB: shells differ in the unit.
    const { stderr } = runProcess(
      `for (let i = 0; i < 6; i += 1) add('x'.repeat(66_000));`,
      `trap '' XFSZ; ulimit -f 200`,
    );

    expect(stderr).to.equal(`hawser: ${path} ends here: EFBIG\n`);
    const { size } = await stat(path);
    expect(size).to.be.within(66_004, 200_000);
    expect((size - 4) % 66_000).to.equal(0);
  }).timeout(10_000);
});
