// Which code and which tests cite which section: docs/rfc-coverage.md, and whether anything cited goes untested.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { citationsIn, requirementsIn } from './citations.ts';
import { childrenOf, parseSource, readSources, type SourceFile, type SyntaxNode } from './source-files.ts';

const TABLE = 'test/conformance/rfc9293/requirements.tsv';
const PAGE = 'docs/rfc-coverage.md';
/** Where a citation is a promise that a test must hold. */
const CODE = /^(lib|protocols|plugins)\//;
/** Tests shown for one section; the rest is counted. */
const SHOWN_TESTS = 3;

/** A requirement of RFC 9293, Appendix B. */
export interface Requirement {
  readonly id: string;
  readonly section: string;
  readonly level: string;
  readonly text: string;
  /** 'no' has its reason in `how`; all others need a test that is titled with the id. */
  readonly applies: 'yes' | 'adapted' | 'partial' | 'no';
  readonly how: string;
}

/** A test, by its full title: those of the suites around it come first. */
export interface TestTitle {
  readonly path: string;
  readonly title: string;
}

/** What cites a section or names a requirement. */
interface Cited {
  readonly code: Set<string>;
  readonly tests: TestTitle[];
}

/** All that the page shows. */
export interface Coverage {
  readonly requirements: readonly Requirement[];
  readonly byRequirement: ReadonlyMap<string, Cited>;
  /** By document, then by section. */
  readonly byDocument: ReadonlyMap<string, ReadonlyMap<string, Cited>>;
}

/** Reads the table of requirements; the first line names the columns. */
export function parseRequirements(table: string): Requirement[] {
  const lines = table.trimEnd().split('\n').slice(1);
  return lines.map((line) => {
    const [id, section, level, text, applies, how] = line.split('\t') as [string, ...string[]];
    if (!/^(yes|adapted|partial|no)$/.test(applies ?? '') || (how ?? '') === '')
      throw new Error(`${id}: applies is '${applies}', and why is '${how}'`);
    return { id, section, level, text, applies, how } as Requirement;
  });
}

/** The titles of the tests in `file`, those made in loops by what of their title is written out. */
export function testTitles(file: SourceFile): TestTitle[] {
  const found: TestTitle[] = [];
  const visit = (node: SyntaxNode, around: string): void => {
    const title = suiteOrTest(node);
    const here = title === undefined ? around : `${around} ${title.text}`.trim();
    if (title?.kind === 'it') found.push({ path: file.path, title: here });
    for (const child of childrenOf(node)) visit(child, here);
  };
  visit(parseSource(file), '');
  return found;
}

function suiteOrTest(node: SyntaxNode): { kind: 'describe' | 'it'; text: string } | undefined {
  if (node.type !== 'CallExpression') return undefined;
  const callee = node['callee'] as SyntaxNode;
  const kind = callee['name'];
  if (kind !== 'describe' && kind !== 'it') return undefined;
  const [title] = node['arguments'] as readonly SyntaxNode[];
  return title === undefined ? undefined : { kind, text: writtenText(title) };
}

/** What is written of a string, a template or a sum of them. */
function writtenText(node: SyntaxNode): string {
  if (node.type === 'StringLiteral') return String(node['value']);
  if (node.type === 'TemplateElement') return (node['value'] as { cooked: string }).cooked;
  if (node.type === 'TemplateLiteral') {
    return (node['quasis'] as readonly SyntaxNode[]).map(writtenText).join('…');
  }
  return childrenOf(node).map(writtenText).join('');
}

/** Puts together who cites what. */
export function coverageOf(sources: readonly SourceFile[], requirements: readonly Requirement[]): Coverage {
  const byRequirement = new Map<string, Cited>();
  const byDocument = new Map<string, Map<string, Cited>>();
  const sectionOf = (document: string, section: string): Cited => {
    const sections = entryOf(byDocument, document, () => new Map<string, Cited>());
    return entryOf(sections, section, nothingCited);
  };
  for (const file of sources.filter(({ path }) => CODE.test(path))) {
    for (const { document, section } of citationsIn(file.text))
      sectionOf(document, section).code.add(file.path);
    for (const id of requirementsIn(file.text)) entryOf(byRequirement, id, nothingCited).code.add(file.path);
  }
  for (const test of sources.filter(({ path }) => path.endsWith('.test.ts')).flatMap(testTitles)) {
    const cited = citationsIn(test.title).map(({ document, section }) => sectionOf(document, section));
    for (const entry of new Set(cited)) entry.tests.push(test);
    for (const id of requirementsIn(test.title)) entryOf(byRequirement, id, nothingCited).tests.push(test);
  }
  return { requirements, byRequirement, byDocument };
}

function nothingCited(): Cited {
  return { code: new Set(), tests: [] };
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** Applying requirements without a test, ids that do not exist, and sections that code cites and no test. */
export function gapsIn({ requirements, byRequirement, byDocument }: Coverage): string[] {
  const gaps = requirements
    .filter(({ id, applies }) => applies !== 'no' && (byRequirement.get(id)?.tests.length ?? 0) === 0)
    .map(({ id, section, text }) => `${id} (RFC 9293 §${section}) has no test titled with it: ${text}`);
  const known = new Set(requirements.map(({ id }) => id));
  for (const [id, { code, tests }] of byRequirement) {
    const first = [...code][0] ?? tests[0]?.path;
    if (!known.has(id)) gaps.push(`${id}, named in ${first}, is no requirement of RFC 9293`);
  }
  for (const [document, sections] of byDocument) {
    for (const [section, { code, tests }] of sections) {
      if (section === '' || code.size === 0 || tests.length > 0) continue;
      gaps.push(
        `${nameOf(document, section)} is cited in ${[...code].join(', ')} and in the title of no test`,
      );
    }
  }
  return gaps;
}

function nameOf(document: string, section: string): string {
  if (section === '') return document;
  return /^[A-Z]/.test(section) ? `${document} Appendix ${section}` : `${document} §${section}`;
}

/** The page as text. */
export function pageOf(coverage: Coverage): string {
  const { requirements, byRequirement, byDocument } = coverage;
  const applying = requirements.filter(({ applies }) => applies !== 'no');
  const lines = [
    '# RFC coverage',
    '',
    'Written by `npm run rfc-coverage` from the citations in the code and the titles of the tests; CI fails when it is not',
    'up to date, when a requirement that applies has no test titled with it, and when a section that the code cites is in the',
    'title of no test.',
    '',
    `## The requirements of RFC 9293: ${requirements.length}, of which ${applying.length} apply`,
    '',
    '| id | § | | requirement | applies | how, or why not | code | tests |',
    '|---|---|---|---|---|---|---|---|',
    ...requirements.map((requirement) => requirementRow(requirement, byRequirement.get(requirement.id))),
  ];
  for (const document of [...byDocument.keys()].sort(inNumberOrder)) {
    lines.push('', `## ${document}`, '', '| section | code | tests |', '|---|---|---|');
    const sections = [...byDocument.get(document)!].sort(([a], [b]) => inNumberOrder(a, b));
    for (const [section, cited] of sections) {
      const name = section === '' ? 'as a whole' : nameOf('', section).trim();
      lines.push(`| ${name} | ${codeCell(cited)} | ${testCell(cited)} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function requirementRow(
  { id, section, level, text, applies, how }: Requirement,
  cited: Cited | undefined,
): string {
  const cells = [id, section, level, text, applies, how, codeCell(cited), testCell(cited)];
  return `| ${cells.map((cell) => cell.replaceAll(/(?<!\\)\|/g, '\\|')).join(' | ')} |`;
}

function codeCell(cited: Cited | undefined): string {
  return [...(cited?.code ?? [])]
    .sort()
    .map((path) => `[${path.split('/').at(-1)}](../${path})`)
    .join(', ');
}

function testCell(cited: Cited | undefined): string {
  const tests = cited?.tests ?? [];
  const shown = tests.slice(0, SHOWN_TESTS).map(({ path, title }) => `[${escaped(title)}](../${path})`);
  const more = tests.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function escaped(title: string): string {
  return title.replaceAll(/[|[\]<>*_`]/g, (character) => `\\${character}`);
}

function inNumberOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function main(): void {
  const unknown = process.argv.slice(2).find((arg) => arg !== '--check');
  if (unknown !== undefined) {
    console.log(`npm run rfc-coverage writes ${PAGE}; with -- --check it compares, and writes nothing`);
    process.exitCode = unknown === '--help' ? 0 : 2;
    return;
  }
  const isCheck = process.argv.includes('--check');
  const requirements = parseRequirements(readFileSync(TABLE, 'utf8'));
  const coverage = coverageOf(readSources('.'), requirements);
  const gaps = gapsIn(coverage);
  const page = pageOf(coverage);
  if (!isCheck) writeFileSync(PAGE, page);
  else if (readFileSync(PAGE, 'utf8') !== page)
    gaps.push(`${PAGE} is not what the sources say: run npm run rfc-coverage`);
  for (const gap of gaps) console.error(gap);
  const sections = [...coverage.byDocument.values()].reduce((sum, { size }) => sum + size, 0);
  console.log(`rfc-coverage: ${requirements.length} requirements, ${sections} sections, ${gaps.length} gaps`);
  if (gaps.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
