import { UsageError } from '../../lib/errors.ts';
import type { Schema } from './argument.ts';
import type { Box, ReceivedBox } from './box.ts';
import { writeBox } from './box-bytes.ts';
import { BoxView } from './box-view.ts';
import type { BoxWriter, Tag } from './box-writer.ts';
import { type DeclaredErrors, refuseName } from './declared-errors.ts';
import { CompiledSchema, RESERVED_KEYS } from './schema.ts';
import { byteString } from './wire-key.ts';

/** What replaces the making and parsing of a command's boxes. */
export interface WireHooks<A, R> {
  makeArguments?(values: A): Box;
  parseArguments?(box: ReceivedBox): A;
  makeResponse?(values: R): Box;
  parseResponse?(box: ReceivedBox): R;
}

/** Values by their names, of kinds that only the schema knows. */
export type Values = Readonly<Record<string, unknown>>;

/** What a command's wire is made of. */
interface WireDefinition extends WireHooks<unknown, unknown> {
  readonly name: string;
  readonly arguments?: Schema;
  readonly response?: Schema;
}

/** A command as it goes over the wire: its schemas made ready, or what replaces them, and its errors. */
export class CommandWire {
  readonly errors: DeclaredErrors;
  readonly #name: Uint8Array;
  readonly #arguments: CompiledSchema;
  readonly #response: CompiledSchema;
  readonly #hooks: WireHooks<unknown, unknown>;

  constructor(definition: WireDefinition, errors: DeclaredErrors) {
    refuseName(definition.name, 'the name of a command');
    this.errors = errors;
    this.#name = byteString(definition.name);
    this.#hooks = definition;
    this.#arguments = new CompiledSchema(definition.arguments ?? {});
    this.#response = new CompiledSchema(definition.response ?? {});
  }

  /** Writes a call; without a tag nobody answers it. Where it throws, nothing was written. */
  writeCall(writer: BoxWriter, tag: Tag | undefined, values: Values): void {
    if (this.#hooks.makeArguments === undefined) {
      this.#arguments.writeCall(writer, values, this.#name, tag);
    } else writeBox(writer, this.makeCall(tag, values));
  }

  /** Writes an answer. Where it throws, nothing was written. */
  writeAnswer(writer: BoxWriter, tag: Tag, values: Values): void {
    if (this.#hooks.makeResponse === undefined) this.#response.writeAnswer(writer, values, tag);
    else writeBox(writer, this.makeAnswer(tag, values));
  }

  /** The box that `writeCall` writes, but its values may be longer than a box can hold. */
  makeCall(tag: Tag | undefined, values: Values): Box {
    const box = this.makeArguments(values);
    refuseReserved(box);
    if (tag !== undefined) box.set('_ask', tagBytes(tag));
    return box.set('_command', this.#name);
  }

  /** The box that `writeAnswer` writes, but its values may be longer than a box can hold. */
  makeAnswer(tag: Tag, values: Values): Box {
    const box = this.makeResponse(values);
    refuseReserved(box);
    return box.set('_answer', tagBytes(tag));
  }

  readCall(view: BoxView): Values {
    return this.#hooks.parseArguments === undefined
      ? this.#arguments.readValues(view)
      : (this.#hooks.parseArguments(payloadOf(view)) as Values);
  }

  readAnswer(view: BoxView): Values {
    return this.#hooks.parseResponse === undefined
      ? this.#response.readValues(view)
      : (this.#hooks.parseResponse(payloadOf(view)) as Values);
  }

  makeArguments(values: Values): Box {
    const make = this.#hooks.makeArguments;
    if (make !== undefined) return new Map(make(values));
    this.#arguments.refuseUnknown(values);
    return this.#arguments.makeBox(values);
  }

  parseArguments(box: ReceivedBox): Values {
    return this.readCall(BoxView.of(box));
  }

  makeResponse(values: Values): Box {
    const make = this.#hooks.makeResponse;
    return make === undefined ? this.#response.makeBox(values) : new Map(make(values));
  }

  parseResponse(box: ReceivedBox): Values {
    return this.readAnswer(BoxView.of(box));
  }
}

/** A copy of the box without the keys that are AMP's own. */
export function payloadOf(view: BoxView): Box {
  const box = view.toMap();
  for (const key of RESERVED_KEYS) box.delete(key);
  return box;
}

/** UsageError if the box has a key that is AMP's own. */
export function refuseReserved(box: ReceivedBox): void {
  for (const key of RESERVED_KEYS) {
    if (box.has(key)) throw new UsageError(`the key '${key}' is AMP's own`);
  }
}

/** A tag as it stands in a box. */
export function tagBytes(tag: Tag): Uint8Array {
  return typeof tag === 'number' ? byteString(tag.toString(16)) : tag;
}
