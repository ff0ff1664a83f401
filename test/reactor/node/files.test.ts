import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { NodeFiles } from '../../../lib/reactor/node/files.ts';

describe('NodeFiles', () => {
  const files = new NodeFiles();
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hawser-files-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  it('reads and writes at positions, and reads less only at the end', async () => {
    const file = await files.open(join(directory, 'a'), 'create');

    await file.write(0, Uint8Array.of(1, 2, 3, 4));
    await file.write(2, Uint8Array.of(9));
    await file.sync();
    const bytes = await file.read(1, 100);
    await file.truncate(1);
    const facts = await file.facts();
    await file.close();

    expect([...bytes]).to.deep.equal([2, 9, 4]);
    expect(facts).to.include({ kind: 'file', sizeBytes: 1 });
  });

  it('creates a secret file that only its owner may read and write', async function () {
    if (process.platform === 'win32') this.skip();

    const file = await files.open(join(directory, 'key'), 'create-secret');
    await file.close();

    expect((await stat(join(directory, 'key'))).mode & 0o777).to.equal(0o600);
    expect(await codeOf(files.open(join(directory, 'key'), 'create-secret'))).to.equal('EEXIST');
  });

  it('gives a file the permissions that another has', async function () {
    if (process.platform === 'win32') this.skip();
    const file = await files.open(join(directory, 'a'), 'create-secret');
    const { access } = await file.facts();

    await file.setAccess({ ...access, permissions: 0o640 });
    await file.close();

    expect((await files.facts(join(directory, 'a')))?.access).to.deep.equal({
      ...access,
      permissions: 0o640,
    });
    expect((await stat(join(directory, 'a'))).mode & 0o7777).to.equal(0o640);
  });

  it('creates no file where one is, and updates none through a link', async () => {
    await writeFile(join(directory, 'a'), 'a');
    await symlink(join(directory, 'a'), join(directory, 'link'));

    const creating = await codeOf(files.open(join(directory, 'a'), 'create'));
    const updating = await codeOf(files.open(join(directory, 'link'), 'update'));

    expect(creating).to.equal('EEXIST');
    expect(updating).to.equal('ELOOP');
  });

  it('does not wait for a writer when it opens a pipe', async () => {
    execFileSync('mkfifo', [join(directory, 'pipe')]);

    const pipe = await files.open(join(directory, 'pipe'), 'read');
    const facts = await pipe.facts();
    await pipe.close();

    expect(facts.kind).to.equal('other');
  });

  it('renames exclusively: a path that is taken stays as it was', async () => {
    await writeFile(join(directory, 'a'), 'a');
    await writeFile(join(directory, 'b'), 'b');

    const refused = await codeOf(files.renameExclusive(join(directory, 'a'), join(directory, 'b')));
    await files.renameExclusive(join(directory, 'a'), join(directory, 'c'));
    await files.syncDirectory(directory);

    expect(refused).to.equal('EEXIST');
    expect((await readdir(directory)).sort()).to.deep.equal(['b', 'c']);
    expect(await readFile(join(directory, 'b'), 'utf8')).to.equal('b');
  });

  it('removes a directory that is empty, and no other', async () => {
    await mkdir(join(directory, 'empty'));
    await mkdir(join(directory, 'full', 'of'), { recursive: true });

    await files.removeDirectory(join(directory, 'empty'));
    await files.removeDirectory(join(directory, 'empty'));
    const failure = await files.removeDirectory(join(directory, 'full')).catch((error: unknown) => error);

    expect(failure).to.have.property('code', 'ENOTEMPTY');
    expect((await files.facts(join(directory, 'empty'))) ?? 'gone').to.equal('gone');
    expect((await files.facts(join(directory, 'full')))?.kind).to.equal('directory');
  });

  it('takes a lock from a process that is gone, and from no other', async () => {
    const path = join(directory, 'lock');
    const child = spawn('sleep', ['60']);
    await writeFile(path, String(child.pid));

    const whileItLives = await files.lock(path);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    const afterwards = await files.lock(path);
    await afterwards?.release();

    expect(whileItLives).to.equal(undefined);
    expect(afterwards).not.to.equal(undefined);
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it('takes a lock whose name is as long as a name can be', async () => {
    const lock = await files.lock(join(directory, 'n'.repeat(255)));
    await lock?.release();

    expect(lock).not.to.equal(undefined);
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it('writes through no link while it takes a lock', async () => {
    const precious = join(directory, 'precious');
    await writeFile(precious, 'precious');
    const path = join(directory, 'inbox', 'lock');
    await mkdir(join(directory, 'inbox'));
    await symlink(precious, `${path}.${process.pid}`);
    for (let count = 0; count < 100; count += 1) {
      await symlink(precious, join(directory, 'inbox', `.${process.pid}-${count}.hawser-lock`));
    }

    const lock = await files.lock(path);
    await lock?.release();

    expect(lock).not.to.equal(undefined);
    expect(await readFile(precious, 'utf8')).to.equal('precious');
  });
});

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
