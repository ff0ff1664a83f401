import {
  closeSync,
  fstatSync,
  ftruncateSync,
  constants as modes,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import process from 'node:process';
import { CannotWrite } from '../../errors.ts';
import { errnoOf } from '../../transports/connect-error.ts';

/** This much is collected before it is written. */
const WRITE_AT_BYTES = 65_536;
/** A kill -9 costs at most what came in this time. */
const WRITE_AFTER_MS = 200;

/** Where the records of a RecordFile come from. */
export interface RecordSource {
  /** How many bytes wait to be taken. */
  readonly byteCount: number;
  /** Whole records, which belong behind those that were taken before. */
  take(): Uint8Array;
}

/**
 * A file that grows while the process runs, record by record, and ends with a whole one however the process ends.
 *
 * Written synchronously, so that neither memory nor the end of the process is a concern. It keeps no process alive.
 */
export class RecordFile {
  readonly #path: string;
  readonly #source: RecordSource;
  readonly #writeAtExit = (): void => this.write();
  #file: number | undefined;
  #sizeBytes = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  /**
   * Replaces what an earlier one wrote, but no other file: what begins unlike `source` is left alone.
   *
   * Throws CannotWrite.
   */
  constructor(path: string, source: RecordSource) {
    this.#path = path;
    this.#source = source;
    try {
      const beginning = source.take();
      this.#file = openForRecords(path, beginning);
      this.#append(this.#file, beginning);
    } catch (error) {
      throw new CannotWrite(`${path} cannot be written: ${reasonOf(error)}`, { cause: error });
    }
    process.on('exit', this.#writeAtExit);
  }

  /** There is more to take: it is written soon, or at once where it is much. */
  grown(): void {
    if (this.#source.byteCount >= WRITE_AT_BYTES) this.write();
    else this.#timer ??= setTimeout(() => this.write(), WRITE_AFTER_MS).unref();
  }

  /** Writes what waits. A full disk ends the file behind its last whole record; that is one line on standard error. */
  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#source.take();
    const file = this.#file;
    if (file === undefined || records.length === 0) return;
    try {
      this.#append(file, records);
    } catch (error) {
      this.#giveUp(file, error);
    }
  }

  #append(file: number, records: Uint8Array): void {
    for (let written = 0; written < records.length; ) {
      written += writeSync(file, records, written, records.length - written);
    }
    this.#sizeBytes += records.length;
  }

  #giveUp(file: number, error: unknown): void {
    this.#file = undefined;
    process.off('exit', this.#writeAtExit);
    process.stderr.write(`hawser: ${this.#path} ends here: ${reasonOf(error)}\n`);
    try {
      ftruncateSync(file, this.#sizeBytes);
    } catch {
      // A pipe has no size.
    }
    closeSync(file);
  }
}

function openForRecords(path: string, beginning: Uint8Array): number {
  const file = openSync(path, modes.O_RDWR | modes.O_CREAT, 0o666);
  try {
    const { size } = fstatSync(file);
    const found = new Uint8Array(Math.min(size, beginning.length, 4));
    if (found.length > 0) readSync(file, found, 0, found.length, 0);
    if (found.some((byte, index) => byte !== beginning[index])) {
      throw new Error('there is another file of this name');
    }
    if (size > 0) ftruncateSync(file, 0);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
}
