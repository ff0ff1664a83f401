import { readdirSync, readFileSync } from 'node:fs';
import { type ParserOptions, parse } from '@babel/parser';

/** The folders of TypeScript that the checks look through, where they exist. */
const ROOTS = ['lib', 'protocols', 'plugins', 'bin', 'examples', 'test', 'sim', 'bench', 'tools'];

const SYNTAX: ParserOptions = {
  sourceType: 'module',
  createImportExpressions: true,
  // Whether the program is right is for the compiler to say.
  errorRecovery: true,
  plugins: ['typescript', 'explicitResourceManagement', 'importAttributes', 'decorators'],
};

export interface SourceFile {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** A node of the syntax tree, as far as the checks need to know. */
export interface SyntaxNode {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number }; readonly end: { readonly line: number } };
  readonly [field: string]: unknown;
}

/** What a check found wrong, with what to do about it. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Every TypeScript file of the project, in order of its path. */
export function readSources(root: string): SourceFile[] {
  const existing = new Set(readdirSync(root));
  return ROOTS.filter((folder) => existing.has(folder))
    .flatMap((folder) =>
      readdirSync(`${root}/${folder}`, { recursive: true }).map((name) => `${folder}/${name}`),
    )
    .filter((path) => path.endsWith('.ts') && !path.includes('/node_modules/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }));
}

/** The syntax tree of a file. Throws a SyntaxError where there is none. */
export function parseSource({ text }: SourceFile): SyntaxNode {
  return parse(text, SYNTAX).program as unknown as SyntaxNode;
}

/** What `check` finds in all of `sources`; a file that cannot be parsed is a finding too. */
export function findInAll(
  sources: readonly SourceFile[],
  check: (file: SourceFile) => readonly Finding[],
): Finding[] {
  return sources.flatMap((file) => {
    try {
      return check(file);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return [{ path: file.path, line: 1, message: `cannot be parsed: ${error.message}` }];
    }
  });
}

/** The nodes right below `node`, in the order of the text. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Object.entries(node)
    .filter(([field]) => field !== 'loc' && !field.endsWith('Comments'))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'loc' in value;
}

/** Prints what was found, one line each, and sets the exit status. */
export function report(what: string, findings: readonly Finding[], fileCount: number): void {
  for (const { path, line, message } of findings) console.error(`${path}:${line}: ${message}`);
  console.log(`${what}: ${fileCount} files, ${findings.length} findings`);
  if (findings.length > 0) process.exitCode = 1;
}
