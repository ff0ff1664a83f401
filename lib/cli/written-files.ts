import { basename, dirname, join } from 'node:path';
import type { Files } from '../interfaces/files.ts';

/** A file to be written, whole or not at all. */
export interface FileToWrite {
  readonly path: string;
  readonly text: string;
  /** Whether only its owner may read it. */
  readonly isSecret: boolean;
}

/**
 * Writes each file under another name first, and gives them their names when all are on disk.
 *
 * Fails with an error that has errno's name as `code`, and leaves nothing behind: EEXIST when a path is taken and not
 * `isForced`.
 */
export async function writeFiles(
  files: Files,
  wanted: readonly FileToWrite[],
  isForced: boolean,
): Promise<void> {
  const leftOvers: string[] = [];
  try {
    for (const file of wanted) {
      leftOvers.push(draftOf(file.path));
      await writeDraft(files, file);
    }
    for (const { path } of wanted) {
      if (isForced) await files.rename(draftOf(path), path);
      else {
        await files.renameExclusive(draftOf(path), path);
        // Where a later one turns out to be taken, this one goes again: a key without its certificate is no use.
        leftOvers.push(path);
      }
    }
    leftOvers.length = 0;
    for (const directory of new Set(wanted.map(({ path }) => dirname(path))))
      await files.syncDirectory(directory);
  } finally {
    for (const path of leftOvers) await files.remove(path).catch(() => {});
  }
}

function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.hawser-new`);
}

async function writeDraft(files: Files, { path, text, isSecret }: FileToWrite): Promise<void> {
  const draft = draftOf(path);
  await files.remove(draft);
  const file = await files.open(draft, isSecret ? 'create-secret' : 'create');
  try {
    await file.write(0, new TextEncoder().encode(text));
    await file.sync();
  } finally {
    await file.close();
  }
}
