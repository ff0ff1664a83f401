import { UsageError } from '../errors.ts';
import type { ClientEndpoint, EndpointReactor, ServerEndpoint } from './endpoint.ts';

/** An endpoint as text, taken apart: `word:argument:…:option=value:…`. */
export interface EndpointDescription {
  readonly word: string;
  readonly args: readonly string[];
  readonly options: EndpointOptions;
}

/** The `name=value` parts of an endpoint. */
export type EndpointOptions = Readonly<Record<string, string>>;

/** The meaning of a word. Both methods throw UsageError when they cannot make sense of what follows it. */
export interface EndpointParser {
  parseServer(
    args: readonly string[],
    options: EndpointOptions,
  ): (reactor: EndpointReactor) => ServerEndpoint;
  parseClient(
    args: readonly string[],
    options: EndpointOptions,
  ): (reactor: EndpointReactor) => ClientEndpoint;
}

/**
 * Takes an endpoint apart. Parts are separated by colons; a backslash takes the next character as it is; colons
 * between brackets belong to an IPv6 address, and the brackets are dropped. UsageError where that does not work out.
 */
export function parseEndpoint(text: string): EndpointDescription {
  const [first, ...parts] = split(text);
  if (first === undefined || first.key !== undefined || first.value === '' || parts.length === 0) {
    throw new UsageError(`an endpoint looks like tcp:HOST:PORT, not ${JSON.stringify(text)}`);
  }
  const args: string[] = [];
  const options: Record<string, string> = Object.create(null);
  for (const { key, value } of parts) {
    if (key === undefined) args.push(value);
    else if (key in options) throw new UsageError(`${key}= is given twice in ${JSON.stringify(text)}`);
    else options[key] = value;
  }
  return { word: first.value, args, options };
}

/** `text` as an argument of an endpoint that is read back as it is. */
export function quoteEndpointArgument(text: string): string {
  return text.replace(/[\\:=[\]]/g, '\\$&');
}

/** Throws UsageError when there is an option whose name is not in `known`. */
export function requireKnownOptions(word: string, options: EndpointOptions, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const hint = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
    throw new UsageError(`${word}: has no option ${name}; ${hint}`);
  }
}

/** A whole number in decimal digits from `least` to `most`; UsageError that names `what` otherwise. */
export function parseWholeNumber(text: string, what: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${what} is a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}

interface Part {
  key: string | undefined;
  value: string;
}

function split(text: string): Part[] {
  let part: Part = { key: undefined, value: '' };
  const parts = [part];
  let isBracketed = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '\\') {
      index += 1;
      if (index === text.length) throw new UsageError(`nothing follows the last backslash of ${text}`);
      part.value += text.charAt(index);
    } else if (isBracketed) {
      if (character === ']') isBracketed = false;
      else part.value += character;
    } else if (character === '[' && part.value === '') {
      isBracketed = true;
    } else if (character === ':') {
      part = { key: undefined, value: '' };
      parts.push(part);
    } else if (character === '=' && part.key === undefined) {
      part.key = part.value;
      part.value = '';
    } else {
      part.value += character;
    }
  }
  if (isBracketed) throw new UsageError(`a bracket is left open in ${text}`);
  return parts;
}
