import { UsageError } from '../errors.ts';
import { ipFamily } from '../transports/ip-target.ts';
import { type EndpointOptions, parseWholeNumber, requireKnownOptions } from './parse.ts';

export const LAST_PORT = 65_535;
/** What a 32-bit count of milliseconds takes: 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Makes sense of the text behind `name=`, or throws UsageError. */
export type ReadOption = (text: string, name: string) => unknown;

/** The options of a word, and how each is read. */
export type OptionReaders = Readonly<Record<string, ReadOption>>;

export const portNumber: ReadOption = (text, name) => parseWholeNumber(text, name, 0, LAST_PORT);

export const milliseconds: ReadOption = (text, name) => parseWholeNumber(text, name, 1, MAX_TIMEOUT_MS);

export const count: ReadOption = (text, name) => parseWholeNumber(text, name, 1, LAST_PORT);

export const ipAddress = (text: string, name: string): string => {
  if (ipFamily(text) !== undefined) return text;
  throw new UsageError(`${name} is an IP address, not ${JSON.stringify(text)}`);
};

/** One of `choices`. */
export function oneOf(...choices: readonly string[]): ReadOption {
  return (text, name) => {
    if (choices.includes(text)) return text;
    throw new UsageError(`${name} is ${choices.join(' or ')}, not ${JSON.stringify(text)}`);
  };
}

/** Several, with commas between. */
export const commaList = (text: string, name: string): readonly string[] => {
  const items = text.split(',');
  if (!items.includes('')) return items;
  throw new UsageError(`${name} is a list with commas between, not ${JSON.stringify(text)}`);
};

/** The options of an endpoint, each read. `others` are known too, and are not among them. */
export function readOptions(
  word: string,
  options: EndpointOptions,
  readers: OptionReaders,
  others: readonly string[] = [],
): Record<string, unknown> {
  requireKnownOptions(word, options, [...others, ...Object.keys(readers)]);
  return Object.fromEntries(
    Object.entries(options).map(([name, text]) => [name, (readers[name] as ReadOption)(text, name)]),
  );
}
