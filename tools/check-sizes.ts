import { pathToFileURL } from 'node:url';
import {
  childrenOf,
  type Finding,
  findInAll,
  isNode,
  parseSource,
  readSources,
  report,
  type SourceFile,
  type SyntaxNode,
} from './source-files.ts';

export const LIMITS = {
  fileLines: 600,
  testFileLines: 800,
  functionLines: 80,
  parameters: 4,
  nesting: 3,
  publicMethods: 12,
} as const;

/**
 * What may be larger than the house allows, as `path#name`, and why. A flat table or a flat list of steps may be long;
 * code that runs for every segment may take its numbers one by one.
 */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'lib/ptcp/core/tcb.ts#createTcb': 'a flat table of every field with its first value',
  'lib/bytes/ring-buffer.ts#copy': 'runs for every segment',
  'lib/ptcp/core/input.ts#takeText': 'runs for every segment',
  'lib/ptcp/core/recv-buffer.ts##insertBeyond': 'runs for every segment',
  'lib/ptcp/core/wire/classify.ts#classify': 'runs for every datagram',
  'lib/ptcp/core/wire/options.ts#parseOption': 'runs for every option of every segment',
};

/** Classes with as many public methods as their contract asks for. */
const WIDE_CLASSES = new Set(['Reactor', 'Deferred']);
const WIDE_CONTRACTS = new Set(['Transport', 'SwitchableTransport', 'DelayedCall', 'StreamChannel']);

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'ClassPrivateMethod',
  'ObjectMethod',
]);
const NESTING = new Set([
  'IfStatement',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'SwitchStatement',
  'TryStatement',
]);
/** Calls whose callback only groups tests, however long it is. */
const TEST_GROUPS = new Set(['describe', 'context']);

/** What is larger or deeper in `file` than the house allows. */
export function findOversized(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const isTest = file.path.endsWith('.test.ts');
  const lines = file.text.replace(/\n$/, '').split('\n').length;
  const fileLimit = isTest ? LIMITS.testFileLines : LIMITS.fileLines;
  if (lines > fileLimit) {
    findings.push({ path: file.path, line: 1, message: `${lines} lines; a file has at most ${fileLimit}` });
  }
  const visit = (node: SyntaxNode, name: string): void => {
    const faults = [...functionFaults(node, name), ...classFaults(node)];
    for (const { of, message } of faults) {
      if (`${file.path}#${of}` in EXCEPTIONS) continue;
      findings.push({ path: file.path, line: node.loc.start.line, message: `${of} ${message}` });
    }
    for (const child of childrenOf(node)) visit(child, nameOf(child, node) ?? name);
  };
  visit(parseSource(file), 'module');
  return findings;
}

interface Fault {
  readonly of: string;
  readonly message: string;
}

function* functionFaults(node: SyntaxNode, name: string): Generator<Fault> {
  if (!FUNCTIONS.has(node.type)) return;
  const lines = node.loc.end.line - node.loc.start.line + 1;
  if (lines > LIMITS.functionLines && !TEST_GROUPS.has(name)) {
    yield { of: name, message: `has ${lines} lines; a function has at most ${LIMITS.functionLines}` };
  }
  const count = nodesIn(node['params']).filter((each) => each['name'] !== 'this').length;
  if (count > LIMITS.parameters) {
    yield { of: name, message: `has ${count} parameters; after ${LIMITS.parameters} take an options object` };
  }
  const depth = isNode(node['body']) ? deepest(node['body']) : 0;
  if (depth > LIMITS.nesting) {
    yield {
      of: name,
      message: `nests ${depth} deep; at most ${LIMITS.nesting}: return early or name a part`,
    };
  }
}

/** How deep statements nest below `node`. An `else if` goes no deeper, and a function within starts anew. */
function deepest(node: SyntaxNode, isElseIf = false): number {
  if (FUNCTIONS.has(node.type)) return 0;
  const inner = childrenOf(node).map((child) =>
    deepest(
      child,
      child.type === 'IfStatement' && child === node['alternate'] && node.type === 'IfStatement',
    ),
  );
  return Math.max(0, ...inner) + (NESTING.has(node.type) && !isElseIf ? 1 : 0);
}

function* classFaults(node: SyntaxNode): Generator<Fault> {
  if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return;
  const name = identifier(node['id']) ?? 'a class';
  const contracts = nodesIn(node['implements']).map((each) => identifier(each['expression']) ?? '');
  if (WIDE_CLASSES.has(name) || contracts.some((contract) => WIDE_CONTRACTS.has(contract))) return;
  const members = isNode(node['body']) ? nodesIn(node['body']['body']) : [];
  const isPublic = (each: SyntaxNode): boolean =>
    each.type === 'ClassMethod' && each['kind'] === 'method' && each['accessibility'] === undefined;
  const count = members.filter(isPublic).length;
  if (count > LIMITS.publicMethods) {
    yield { of: name, message: `has ${count} public methods; a class has at most ${LIMITS.publicMethods}` };
  }
}

/** What a function is called by its surroundings: its own name, its key, its variable, or the call it is given to. */
function nameOf(node: SyntaxNode, parent: SyntaxNode): string | undefined {
  if (!FUNCTIONS.has(node.type)) return undefined;
  return (
    identifier(node['id']) ??
    identifier(node['key']) ??
    identifier(parent['id']) ??
    identifier(parent['key']) ??
    (parent.type === 'CallExpression' ? identifier(parent['callee']) : undefined)
  );
}

function identifier(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'PrivateName') return `#${identifier(node['id'])}`;
  return typeof node['name'] === 'string' ? node['name'] : undefined;
}

function nodesIn(value: unknown): SyntaxNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const sources = readSources('.');
  report('sizes', findInAll(sources, findOversized), sources.length);
}
