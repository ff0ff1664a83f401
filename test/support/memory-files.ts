import type {
  FileAccess,
  FileFacts,
  FileLock,
  Files,
  OpenFile,
  OpenMode,
} from '../../lib/interfaces/files.ts';

interface Node {
  bytes: Uint8Array;
  sizeBytes: number;
  changes: number;
  access: FileAccess;
  readonly inode: number;
  /** Whether only its owner may read it. */
  isSecret?: true;
}

/** What a disk did, in order: 'write a 5', 'sync a', 'rename a b'. */
export type DiskLog = string[];

/** A disk in memory, used by one or more processes. */
export class MemoryDisk {
  readonly nodes = new Map<string, Node>();
  readonly directories = new Set<string>();
  readonly locks = new Map<string, MemoryFiles>();
  readonly log: DiskLog = [];
  /** Writes beyond it fail with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** The next syncs of files fail with these codes, one each: as with fsync, the one after that knows of nothing. */
  readonly syncFailures: string[] = [];
  /** While set, writes wait for it. */
  writeGate: Promise<void> | undefined = undefined;
  #inodes = 0;

  put(path: string, bytes: Uint8Array): void {
    const node = this.create(path);
    node.bytes = bytes.slice();
    node.sizeBytes = bytes.length;
  }

  get(path: string): Uint8Array | undefined {
    const node = this.nodes.get(path);
    return node?.bytes.slice(0, node.sizeBytes);
  }

  create(path: string): Node {
    const node = {
      bytes: new Uint8Array(0),
      sizeBytes: 0,
      changes: 0,
      inode: ++this.#inodes,
      access: { ...ANYBODY },
    };
    this.nodes.set(path, node);
    return node;
  }

  get usedBytes(): number {
    let used = 0;
    for (const node of this.nodes.values()) used += node.sizeBytes;
    return used;
  }

  /** The paths below `directory`, sorted. */
  list(directory: string): string[] {
    return [...this.nodes.keys()].filter((path) => path.startsWith(`${directory}/`)).sort();
  }
}

/** The files of a MemoryDisk as one process sees them. */
export class MemoryFiles implements Files {
  readonly #disk: MemoryDisk;
  #isAlive = true;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  /** As kill -9 does it: nothing that is under way ends, and what was written stays. */
  kill(): void {
    this.#isAlive = false;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  open(path: string, mode: OpenMode): Promise<OpenFile> {
    return this.turn(() => {
      const existing = this.#disk.nodes.get(path);
      const isNew = mode === 'create' || mode === 'create-secret';
      if (isNew && existing !== undefined) throw errno('EEXIST', path);
      const isDirectory = this.#disk.directories.has(path);
      if (!isNew && existing === undefined && !isDirectory) throw errno('ENOENT', path);
      const node = existing ?? this.#disk.create(path);
      if (mode === 'create-secret') {
        node.isSecret = true;
        node.access = { ...ANYBODY, permissions: 0o600 };
      }
      if (isDirectory) this.#disk.nodes.delete(path);
      return new MemoryFile(this, this.#disk, node, path);
    });
  }

  facts(path: string): Promise<FileFacts | undefined> {
    return this.turn(() => {
      if (this.#disk.directories.has(path)) return DIRECTORY;
      const node = this.#disk.nodes.get(path);
      return node === undefined ? undefined : factsOf(node);
    });
  }

  list(directory: string): Promise<readonly string[]> {
    return this.turn(() => this.#disk.list(directory).map((path) => path.slice(directory.length + 1)));
  }

  rename(from: string, to: string): Promise<void> {
    return this.turn(() => {
      const node = this.#disk.nodes.get(from);
      if (node === undefined) throw errno('ENOENT', from);
      this.#disk.log.push(`rename ${from} ${to}`);
      this.#disk.nodes.delete(from);
      this.#disk.nodes.set(to, node);
    });
  }

  async renameExclusive(from: string, to: string): Promise<void> {
    if (this.#disk.nodes.has(to)) throw errno('EEXIST', to);
    await this.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.turn(() => {
      this.#disk.nodes.delete(path);
    });
  }

  removeDirectory(path: string): Promise<void> {
    return this.turn(() => {
      this.#disk.directories.delete(path);
    });
  }

  syncDirectory(directory: string): Promise<void> {
    return this.turn(() => {
      this.#disk.log.push(`sync ${directory}`);
    });
  }

  lock(path: string): Promise<FileLock | undefined> {
    return this.turn(() => {
      const owner = this.#disk.locks.get(path);
      if (owner !== undefined && owner !== this && owner.isAlive) return undefined;
      this.#disk.locks.set(path, this);
      return {
        release: async () => {
          this.#disk.locks.delete(path);
        },
      };
    });
  }

  /** One operation: it takes effect in a later turn, or never. */
  async turn<T>(operation: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#isAlive) return new Promise(() => {});
    return operation();
  }
}

class MemoryFile implements OpenFile {
  readonly #files: MemoryFiles;
  readonly #disk: MemoryDisk;
  readonly #node: Node;
  readonly #path: string;
  readonly #isDirectory: boolean;

  constructor(files: MemoryFiles, disk: MemoryDisk, node: Node, path: string) {
    this.#files = files;
    this.#disk = disk;
    this.#node = node;
    this.#path = path;
    this.#isDirectory = disk.directories.has(path);
  }

  read(position: number, maxBytes: number): Promise<Uint8Array> {
    return this.#files.turn(() => {
      const end = Math.min(position + maxBytes, this.#node.sizeBytes);
      return this.#node.bytes.slice(position, Math.max(position, end));
    });
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    await this.#disk.writeGate;
    await this.#files.turn(() => {
      const node = this.#node;
      const end = position + bytes.length;
      const grown = Math.max(0, end - node.sizeBytes);
      if (this.#disk.usedBytes + grown > this.#disk.capacityBytes) throw errno('ENOSPC', this.#path);
      if (end > node.bytes.length) {
        const larger = new Uint8Array(Math.max(end, node.bytes.length * 2));
        larger.set(node.bytes);
        node.bytes = larger;
      }
      node.bytes.set(bytes, position);
      node.sizeBytes = Math.max(node.sizeBytes, end);
      node.changes += 1;
      this.#disk.log.push(`write ${this.#path} ${bytes.length}`);
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#files.turn(() => {
      this.#node.bytes = this.#node.bytes.slice(0, sizeBytes);
      this.#node.sizeBytes = sizeBytes;
    });
  }

  facts(): Promise<FileFacts> {
    return this.#files.turn(() => ({
      ...factsOf(this.#node),
      kind: this.#isDirectory ? 'directory' : 'file',
    }));
  }

  setAccess(access: FileAccess): Promise<void> {
    return this.#files.turn(() => {
      this.#node.access = access;
    });
  }

  sync(): Promise<void> {
    return this.#files.turn(() => {
      const code = this.#disk.syncFailures.shift();
      if (code !== undefined) throw errno(code, this.#path);
      this.#disk.log.push(`sync ${this.#path}`);
    });
  }

  close(): Promise<void> {
    return this.#files.turn(() => {});
  }
}

const ANYBODY: FileAccess = { permissions: 0o644, owner: 1000, group: 1000 };

const DIRECTORY: FileFacts = {
  kind: 'directory',
  sizeBytes: 0,
  modifiedAtMs: 0,
  changedAtMs: 0,
  inode: 0,
  access: ANYBODY,
};

function factsOf(node: Node): FileFacts {
  const { sizeBytes, changes, inode, access } = node;
  return { kind: 'file', sizeBytes, modifiedAtMs: changes, changedAtMs: changes, inode, access };
}

function errno(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
