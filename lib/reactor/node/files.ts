import { constants, type Stats } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  unlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileAccess, FileFacts, FileLock, Files, OpenFile, OpenMode } from '../../interfaces/files.ts';

const FLAGS = {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would occupy a thread for good. Windows has neither.
  read: constants.O_RDONLY | (constants.O_NONBLOCK ?? 0),
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  'create-secret': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  update: constants.O_RDWR | (constants.O_NOFOLLOW ?? 0),
} as const;

const PERMISSION_BITS = 0o777;

/** Turns in which a lock may be fought for before it counts as held. */
const LOCK_ATTEMPTS = 3;

/** The file system of this machine. */
export class NodeFiles implements Files {
  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    return new NodeFile(await open(path, FLAGS[mode], mode === 'create-secret' ? 0o600 : 0o666));
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    try {
      return factsOf(await lstat(path));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  list(directory: string): Promise<readonly string[]> {
    return readdir(directory);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  async renameExclusive(from: string, to: string): Promise<void> {
    try {
      await link(from, to);
    } catch (error) {
      if (!HAS_NO_LINKS.some((code) => isErrno(error, code))) throw error;
      await this.#renameIfFree(from, to);
      return;
    }
    await unlink(from);
  }

  remove(path: string): Promise<void> {
    return rm(path, { force: true });
  }

  async removeDirectory(path: string): Promise<void> {
    try {
      await rmdir(path);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }

  async syncDirectory(directory: string): Promise<void> {
    const handle = await open(directory, constants.O_RDONLY).catch(ignoreDirectoryRefusal);
    try {
      await handle?.sync().catch(ignoreDirectoryRefusal);
    } finally {
      await handle?.close();
    }
  }

  /** The lock holds the process id; a link puts it there at once, so that nobody ever reads half of it. */
  async lock(path: string): Promise<FileLock | undefined> {
    lockCount += 1;
    const own = join(dirname(path), `.${process.pid}-${lockCount}.hawser-lock`);
    for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt += 1) {
      if (await createLock(own, path)) return { release: () => this.remove(path) };
      const owner = await readFile(path, 'latin1').catch(() => undefined);
      if (owner !== undefined && isAnotherLiveProcess(Number(owner))) return undefined;
      await this.remove(path);
    }
    return undefined;
  }

  /** For file systems without hard links (FAT). Not exclusive to the instant, but nothing there can be. */
  async #renameIfFree(from: string, to: string): Promise<void> {
    if ((await this.facts(to)) !== undefined) {
      throw Object.assign(new Error(`${to} exists`), { code: 'EEXIST' });
    }
    await rename(from, to);
  }
}

/** Tells the locks apart that this process is taking. */
let lockCount = 0;

const HAS_NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

class NodeFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(position: number, maxBytes: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(maxBytes);
    let filled = 0;
    while (filled < maxBytes) {
      const { bytesRead } = await this.#handle.read(buffer, filled, maxBytes - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const left = bytes.length - written;
      const { bytesWritten } = await this.#handle.write(bytes, written, left, position + written);
      written += bytesWritten;
    }
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  async facts(): Promise<FileFacts> {
    return factsOf(await this.#handle.stat());
  }

  async setAccess({ permissions, owner, group }: FileAccess): Promise<void> {
    const { uid, gid } = await this.#handle.stat();
    if (uid !== owner || gid !== group) await this.#handle.chown(owner, group);
    await this.#handle.chmod(permissions & PERMISSION_BITS);
  }

  sync(): Promise<void> {
    // fdatasync covers the size too, where it changed.
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function factsOf(stats: Stats): FileFacts {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
    sizeBytes: stats.size,
    modifiedAtMs: stats.mtimeMs,
    changedAtMs: stats.ctimeMs,
    inode: stats.ino,
    access: { permissions: stats.mode & PERMISSION_BITS, owner: stats.uid, group: stats.gid },
  };
}

async function createLock(own: string, path: string): Promise<boolean> {
  // Made anew: what is there is a dead process's, or somebody's link to a file that is not ours to write.
  await rm(own, { force: true });
  const handle = await open(own, 'wx');
  try {
    await handle.writeFile(String(process.pid), 'latin1');
    await link(own, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    // Without hard links an exclusive file has to do.
    if (HAS_NO_LINKS.some((code) => isErrno(error, code))) return createExclusively(path);
    throw error;
  } finally {
    await handle.close();
    await rm(own, { force: true });
  }
}

async function createExclusively(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    await handle.writeFile(String(process.pid), 'latin1').finally(() => handle.close());
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Our own id can only be left from a process that is gone: the lock is not exclusive within one. */
function isAnotherLiveProcess(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is someone else's.
    return isErrno(error, 'EPERM');
  }
}

/** Windows opens no directories, and some network file systems sync none. */
function ignoreDirectoryRefusal(error: unknown): undefined {
  if (['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'].some((code) => isErrno(error, code)))
    return undefined;
  throw error;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
