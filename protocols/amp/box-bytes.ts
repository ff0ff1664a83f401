import { UsageError } from '../../lib/errors.ts';
import type { Box } from './box.ts';
import { BoxReader } from './box-reader.ts';
import { BoxWriter, writeField } from './box-writer.ts';
import { NoEmptyBoxes } from './errors.ts';
import { wireKey } from './wire-key.ts';

/** The box as it goes: its keys in the order of their bytes. NoEmptyBoxes, TooLong, or UsageError for what are no bytes. */
export function encodeBox(box: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const writer = new BoxWriter();
  writeBox(writer, box);
  return writer.take();
}

/** The same, into a writer. Where it throws, nothing was written. */
export function writeBox(writer: BoxWriter, box: ReadonlyMap<string, Uint8Array>): void {
  if (box.size === 0) throw new NoEmptyBoxes();
  writer.beginBox();
  try {
    // Characters stand for bytes, so the order of texts is that of bytes.
    for (const name of [...box.keys()].sort()) {
      const value = box.get(name);
      if (!(value instanceof Uint8Array)) throw new UsageError(`the value of '${name}' is no Uint8Array`);
      writeField(writer, wireKey(name), value);
    }
    writer.endBox();
  } catch (error) {
    writer.abandonBox();
    throw error;
  }
}

/**
 * All boxes of a file or a text of bytes: amp.parseString. What follows the last whole box is dropped.
 *
 * Throws what a connection ends with: TooLong, NoEmptyBoxes, BoxTooLarge.
 */
export function parseBoxes(bytes: Uint8Array): Box[] {
  const boxes: Box[] = [];
  const fault = new BoxReader((box) => void boxes.push(box.toMap())).push(bytes);
  if (fault !== undefined) throw fault;
  return boxes;
}
