import { expect } from 'chai';
import sinon from 'sinon';
import { UsernamePassword } from '../../lib/cred/credentials.ts';
import { PasswordFile } from '../../lib/cred/password-file.ts';
import { makeUserRecord } from '../../lib/cred/password-record.ts';
import { StoredUsers } from '../../lib/cred/stored-users.ts';
import type { UserRecord } from '../../lib/cred/user-store.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { UsageError, UserStoreFailure } from '../../lib/errors.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { CHEAP, failureOf, settled } from '../support/logins.ts';
import { MemoryDisk, MemoryFiles } from '../support/memory-files.ts';

const PATH = '/etc/users';
const cryptography = new NodeCryptography();

describe('PasswordFile', () => {
  let alice: UserRecord;
  let bob: UserRecord;
  let disk: MemoryDisk;
  let files: MemoryFiles;
  let file: PasswordFile;
  let problems: string[];

  before(async () => {
    [alice, bob] = await Promise.all([recordOf('alice', 'sesame'), recordOf('bob', 'open')]);
  });

  beforeEach(() => {
    disk = new MemoryDisk();
    files = new MemoryFiles(disk);
    problems = [];
    file = opened(files);
  });

  it('is made with its first user, for its owner only', async () => {
    await file.put(alice);

    expect(await file.find('alice')).to.deep.equal(alice);
    expect((await files.facts(PATH))?.access.permissions).to.equal(0o600);
    expect(disk.list('/etc')).to.deep.equal([PATH]);
    expect((await file.decoyKey())?.length).to.equal(32);
  });

  it('is replaced whole: written under another name, synced, renamed, and the directory synced', async () => {
    await file.put(alice);
    disk.log.length = 0;

    await file.put(bob);

    const size = disk.get(PATH)?.length;
    expect(disk.log).to.deep.equal([
      `write ${PATH}.new ${size}`,
      `sync ${PATH}.new`,
      `rename ${PATH}.new ${PATH}`,
      'sync /etc/',
    ]);
  });

  it('keeps its owner and its permissions when a user changes', async () => {
    await file.put(alice);
    const access = { permissions: 0o640, owner: 5, group: 6 };
    const opened = await files.open(PATH, 'read');
    await opened.setAccess(access);

    await file.put(bob);

    expect((await files.facts(PATH))?.access).to.deep.equal(access);
  });

  it('stays as it was when the disk is full or cannot be synced', async () => {
    await file.put(alice);
    const before = disk.get(PATH);

    disk.capacityBytes = disk.usedBytes;
    const full = await failureOf(file.put(bob));
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    disk.syncFailures.push('EIO');
    const unsynced = await failureOf(file.put(bob));

    expect(full).to.be.instanceOf(UserStoreFailure).with.property('message').that.contains('ENOSPC');
    expect(unsynced).to.be.instanceOf(UserStoreFailure).with.property('message').that.contains('EIO');
    expect(disk.get(PATH)).to.deep.equal(before);
    expect(disk.list('/etc')).to.deep.equal([PATH]);
    expect(await file.find('alice')).to.deep.equal(alice);
  });

  it('is read anew when it has changed, and only then', async () => {
    const other = opened(new MemoryFiles(disk));
    await file.put(alice);
    await file.find('alice');
    const reads = countReads(files);

    expect(await file.find('bob')).to.equal(undefined);
    expect(reads.count).to.equal(0);
    await other.put(bob);
    expect(await file.find('bob')).to.deep.equal(bob);
    await other.remove('alice');
    expect(await file.find('alice')).to.equal(undefined);
    expect(reads.count).to.equal(2);
  });

  it('is read anew when another file of the same size and time takes its place', async () => {
    await file.put(alice);
    await file.find('alice');
    const bytes = disk.get(PATH) ?? new Uint8Array();
    disk.put(PATH, new TextEncoder().encode(new TextDecoder().decode(bytes).replace('alice', 'alicf')));

    expect(await file.find('alice')).to.equal(undefined);
    expect((await file.find('alicf'))?.scrypt).to.equal(alice.scrypt);
  });

  it('lets nobody in while it cannot be read, not even whom it knew before', async () => {
    await file.put(alice);
    await file.find('alice');
    await files.remove(PATH);

    const failure = await failureOf(file.find('alice'));

    expect(failure).to.be.instanceOf(UserStoreFailure).with.property('message').that.contains(PATH);
  });

  it('is read once for all who ask meanwhile', async () => {
    await file.put(alice);
    const opening = sinon.spy(files, 'open');

    await Promise.all(Array.from({ length: 10 }, () => file.find('alice')));

    expect(opening.callCount).to.equal(1);
  });

  it('shows a change to whoever asks after it, also while an older reading is under way', async () => {
    await file.put(alice);
    const open = files.open.bind(files);
    let isSlow = true;
    const goOn = new Deferred<void>();
    sinon.stub(files, 'open').callsFake(async (path, mode) => {
      const opened = await open(path, mode);
      if (path !== PATH || !isSlow) return opened;
      isSlow = false;
      await goOn;
      return opened;
    });

    const early = file.find('bob');
    await settled();
    await file.put(bob);
    const late = file.find('bob');
    goOn.callback();

    expect(await late).to.deep.equal(bob);
    expect(await early).to.equal(undefined);
    expect(await file.find('bob')).to.deep.equal(bob);
  });

  it('takes a user out', async () => {
    await file.put(alice);
    await file.put(bob);

    expect(await file.remove('alice')).to.equal(true);
    expect(await file.remove('alice')).to.equal(false);
    expect(await file.list()).to.deep.equal(['bob']);
  });

  it('replaces a record only while it is the one that was found', async () => {
    await file.put(alice);
    const stronger = await recordOf('alice', 'sesame');
    const changed = await recordOf('alice', 'another');

    await file.replace(alice, stronger);
    expect(await file.find('alice')).to.deep.equal(stronger);
    await file.replace(alice, changed);
    expect(await file.find('alice')).to.deep.equal(stronger);
    await file.replace(bob, bob);
    expect(await file.find('bob')).to.equal(undefined);
    expect(await failureOf(file.replace(stronger, bob))).to.be.instanceOf(UsageError);
  });

  it('keeps every change when several are made at once', async () => {
    await Promise.all([file.put(alice), file.put(bob)]);

    expect(await file.list()).to.deep.equal(['alice', 'bob']);
  });

  it('is changed by one process at a time', async () => {
    const other = new MemoryFiles(disk);
    await file.put(alice);
    const lock = await other.lock(`${PATH}.lock`);

    const failure = await failureOf(file.put(bob));
    await lock?.release();
    await file.put(bob);

    expect(failure)
      .to.be.instanceOf(UserStoreFailure)
      .with.property('message')
      .that.contains('another process');
    expect(await file.list()).to.deep.equal(['alice', 'bob']);
  });

  it('does not mind what a process left that was killed while it wrote', async () => {
    await file.put(alice);
    disk.put(`${PATH}.new`, new TextEncoder().encode('half a l'));

    await file.put(bob);

    expect(disk.list('/etc')).to.deep.equal([PATH]);
    expect(await file.list()).to.deep.equal(['alice', 'bob']);
  });

  it('leaves garbled lines out and reports them, once for each change of the file', async () => {
    await file.put(alice);
    const text = new TextDecoder().decode(disk.get(PATH));
    disk.put(PATH, new TextEncoder().encode(`${text}${'hunter2\n'.repeat(7)}`));

    await file.find('alice');
    await file.find('alice');

    const lines = problems.filter((problem) => !problem.includes('chmod'));
    expect(lines.length).to.equal(6);
    expect(lines[0]).to.contain('line 3').and.to.contain(PATH);
    expect(lines[5]).to.contain('2 more');
    expect(problems.join()).not.to.contain('hunter2');
    expect(await file.find('alice')).to.deep.equal(alice);
  });

  it('warns when everybody on the machine may read it', async () => {
    await file.put(alice);
    const handle = await files.open(PATH, 'read');
    await handle.setAccess({ permissions: 0o644, owner: 0, group: 0 });
    disk.put('/etc/other', new Uint8Array());

    await opened(files).find('alice');

    expect(problems.join()).to.contain('chmod 600');
  });

  it('finds every line that cannot be used, when asked', async () => {
    await file.put(alice);
    await file.put({ ...bob, scrypt: bob.scrypt.replace(/ln=\d+/, 'ln=99') });
    const text = new TextDecoder().decode(disk.get(PATH));
    disk.put(PATH, new TextEncoder().encode(`${text}garbled\n`));

    expect((await file.problems()).map(({ line }) => line)).to.deep.equal([3, 4]);
  });

  it('is no directory, and is not made by a change of what is not there', async () => {
    disk.directories.add('/etc/dir');

    const directory = await failureOf(opened(files, '/etc/dir').find('alice'));
    const linked = await failureOf(opened(files, '/etc/dir').put(alice));
    const missing = await failureOf(file.replace(alice, alice));

    for (const failure of [directory, linked, missing]) expect(failure).to.be.instanceOf(UserStoreFailure);
    expect(disk.get(PATH)).to.equal(undefined);
  });

  it('keeps the users of a StoredUsers, and takes their stronger records', async () => {
    await file.put(alice);
    const cost = { ...CHEAP, iterations: 5000 };
    const checker = new StoredUsers(file, { cryptography, cost });
    const replace = file.replace.bind(file);
    const replaced = new Promise<void>((resolve) => {
      sinon.stub(file, 'replace').callsFake((old, record) => replace(old, record).then(resolve));
    });

    expect(await checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
    await replaced;

    expect((await file.find('alice'))?.scram).to.contain('$5000:');
    expect(await checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
  });

  it('lets in by a name in any case where case does not count', async () => {
    await file.put({ ...alice, name: 'Alice' });
    const folding = new PasswordFile(PATH, { files, cryptography, nameCase: 'fold' });
    const checker = new StoredUsers(folding, { cryptography, cost: CHEAP, nameCase: 'fold' });

    expect(await checker.requestAvatarId(new UsernamePassword('aLICE', 'sesame'))).to.equal('alice');
  });

  function opened(of: MemoryFiles, path = PATH): PasswordFile {
    return new PasswordFile(path, { files: of, cryptography, report: (problem) => problems.push(problem) });
  }
});

function recordOf(name: string, password: string): Promise<UserRecord> {
  return makeUserRecord(name, new TextEncoder().encode(password), cryptography, CHEAP);
}

/** Counts how often what is in a file is read. */
function countReads(files: MemoryFiles): { count: number } {
  const reads = { count: 0 };
  const open = files.open.bind(files);
  sinon.stub(files, 'open').callsFake(async (path, mode) => {
    const file = await open(path, mode);
    const read = file.read.bind(file);
    file.read = (...range) => {
      reads.count += 1;
      return read(...range);
    };
    return file;
  });
  return reads;
}
