/** A citation of a section of an RFC or a draft, or of the whole document (`section` is then empty). */
export interface Citation {
  /** 'RFC 9293' or 'draft-ietf-ccwg-bbr'. */
  readonly document: string;
  /** '3.10.7.4', 'A', or '' for the document as a whole. */
  readonly section: string;
}

const DOCUMENT = /\b(RFC \d{3,5}|draft-[a-z]+(?:-[a-z]+)+)\b/g;
/** What may stand between two sections of one citation. */
const NEXT_SECTION =
  /^(?:'s)?,?(?: and)?(?: or)? (?:§(\d+(?:\.\d+)*)(?:–(\d+(?:\.\d+)*))?|Appendix ([A-Z](?:\.\d+)*))/;
const REQUIREMENT = /\b(?:MUST|SHLD|MAY|REC)-\d+\b/g;

/** Every citation in `text`, comments read across the ends of their lines, in order of appearance. */
export function citationsIn(text: string): Citation[] {
  const flat = flatten(text);
  return [...flat.matchAll(DOCUMENT)].flatMap((match) =>
    citationsOf(match[1]!, flat.slice(match.index + match[0].length, match.index + 300)),
  );
}

/** The requirements of RFC 9293, 'MUST-12' and the like, that `text` names, each once. */
export function requirementsIn(text: string): string[] {
  return [...new Set([...flatten(text).matchAll(REQUIREMENT)].map(([id]) => id))];
}

function flatten(text: string): string {
  return text.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, ' ');
}

function citationsOf(document: string, rest: string): Citation[] {
  const sections: Citation[] = [];
  let tail = rest;
  for (let match = NEXT_SECTION.exec(tail); match !== null; match = NEXT_SECTION.exec(tail)) {
    const [whole, first, last, appendix] = match;
    const named = appendix === undefined ? range(first!, last) : [appendix];
    for (const section of named) sections.push({ document, section });
    tail = tail.slice(whole.length);
  }
  return sections.length > 0 ? sections : [{ document, section: '' }];
}

/** '5.4–5.6' and '3.10.7.2–3' are the sections from the one to the other. */
function range(first: string, last: string | undefined): string[] {
  if (last === undefined) return [first];
  const parent = first.split('.').slice(0, -1);
  const from = Number(first.split('.').at(-1));
  const to = Number(last.split('.').at(-1));
  return Array.from({ length: Math.max(to - from, 0) + 1 }, (_, step) => [...parent, from + step].join('.'));
}
