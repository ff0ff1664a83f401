/** Who may do what with a file, by POSIX. Elsewhere the numbers mean little, and setting them does nothing. */
export interface FileAccess {
  /** The nine bits of chmod. */
  readonly permissions: number;
  readonly owner: number;
  readonly group: number;
}

/** What is known of a file without reading it. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  /** When its content was last written, in milliseconds of the wall clock, fractions allowed. */
  readonly modifiedAtMs: number;
  /** When anything about it last changed; nobody can set this one back. */
  readonly changedAtMs: number;
  readonly inode: number;
  readonly access: FileAccess;
}

/** An open file, read and written at positions: calls may overlap. */
export interface OpenFile {
  /** The next `maxBytes` from `position`; fewer only where the file ends. The bytes belong to the caller. */
  read(position: number, maxBytes: number): Promise<Uint8Array>;
  /** Writes all of `bytes`, which must not change meanwhile. A full disk fails with code ENOSPC. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  facts(): Promise<FileFacts>;
  /** Fails with EPERM when this process may not give the file to that owner or group; then its access is as before. */
  setAccess(access: FileAccess): Promise<void>;
  /** Resolves when content and size would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** How `Files.open` opens. */
export type OpenMode = 'read' | 'create' | 'create-secret' | 'update';

/**
 * The file system, as far as protocols need it. Every promise rejects with an error whose `code` is errno's name.
 *
 * `open`: 'read' never waits, not even for a pipe; 'create' fails with EEXIST when the path is taken, also by a
 * dangling link; 'create-secret' does the same, and only the file's owner may read and write it, from the start (where
 * the system knows owners); 'update' reads and writes a file that is there, and does not follow a link.
 */
export interface Files {
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Of the path itself, links not followed; undefined when nothing is there. */
  facts(path: string): Promise<FileFacts | undefined>;
  /** The names in a directory, in no order. */
  list(directory: string): Promise<readonly string[]>;
  /** Puts `from` in the place of `to`, at once for every observer. */
  rename(from: string, to: string): Promise<void>;
  /** Like `rename`, but fails with EEXIST when `to` is taken. */
  renameExclusive(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>;
  /** Removes a directory. One that is not there is no error; one that is not empty stays, and is. */
  removeDirectory(path: string): Promise<void>;
  /** Resolves when renames and removals in `directory` would survive a power cut. */
  syncDirectory(directory: string): Promise<void>;
  /**
   * Takes the lock file `path` for this process, or resolves to undefined while another process has it.
   *
   * A lock whose process is gone, however it went, is free. Within one process the lock is not exclusive.
   */
  lock(path: string): Promise<FileLock | undefined>;
}

/** A lock file that is held. */
export interface FileLock {
  release(): Promise<void>;
}
