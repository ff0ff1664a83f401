import { existsSync } from 'node:fs';
import { posix } from 'node:path';
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

/** A part of the project, and what its files may import besides each other. */
interface Room {
  readonly holds: RegExp;
  readonly mayImport: readonly RoomName[];
  /** Rooms it may take types from. */
  readonly types?: readonly RoomName[];
  /** Rooms it may load lazily, by `import()`. */
  readonly lazily?: readonly RoomName[];
  readonly packages?: readonly string[];
  readonly builtins?: readonly string[] | 'all';
}

const FLOOR_0 = ['errors', 'interfaces', 'time'] as const;
const FLOOR_1 = ['bytes', 'defer', 'trace'] as const;
const FLOOR_3 = ['protocol', 'cred', 'endpoint-parse', 'plugin-contract', 'provider-contract'] as const;
const UP_TO_1 = [...FLOOR_0, ...FLOOR_1] as const;
const UP_TO_3 = [...UP_TO_1, 'ptcp-core', 'nat-core', ...FLOOR_3] as const;
const FLOOR_4 = ['transport-base', 'udp', 'reactor', 'transports', 'ptcp', 'nat', 'service'] as const;
const UP_TO_4 = [...UP_TO_3, ...FLOOR_4] as const;
const FLOOR_5 = ['node', 'default', 'plugin-loader', 'endpoints', 'databases', 'testing'] as const;
const UP_TO_5 = [...UP_TO_4, ...FLOOR_5] as const;

type RoomName =
  | (typeof UP_TO_5)[number]
  | 'index'
  | 'protocols'
  | 'plugins'
  | 'cli'
  | 'bin'
  | 'examples'
  | 'workshop';

/** Every file belongs to the first room that holds it. This table is the house's floors, from the ground up. */
const ROOMS: Readonly<Record<RoomName, Room>> = {
  errors: { holds: /^lib\/errors\.ts$/, mayImport: [] },
  interfaces: { holds: /^lib\/interfaces\//, mayImport: [], types: ['time'] },
  time: { holds: /^lib\/time\//, mayImport: ['errors'] },

  bytes: { holds: /^lib\/bytes\//, mayImport: FLOOR_0 },
  defer: { holds: /^lib\/defer\//, mayImport: FLOOR_0 },
  trace: { holds: /^lib\/trace\//, mayImport: [...FLOOR_0, 'bytes'] },

  'ptcp-core': { holds: /^lib\/ptcp\/core\//, mayImport: [...FLOOR_0, 'bytes'], types: ['trace'] },
  'nat-core': { holds: /^lib\/nat\/core\//, mayImport: [...FLOOR_0, 'bytes'], types: ['trace'] },

  protocol: { holds: /^lib\/protocol\//, mayImport: UP_TO_1 },
  cred: { holds: /^lib\/cred\//, mayImport: UP_TO_1, packages: ['@mongodb-js/saslprep'] },
  'endpoint-parse': { holds: /^lib\/endpoints\/parse\.ts$/, mayImport: UP_TO_1, types: ['endpoints'] },
  'plugin-contract': { holds: /^lib\/plugin\/contract\.ts$/, mayImport: UP_TO_1, types: FLOOR_3 },
  'provider-contract': { holds: /^lib\/transports\/provider\.ts$/, mayImport: UP_TO_1 },

  'transport-base': {
    // The channel and the options of TLS too: startTLS puts one into a running transport.
    holds: /^lib\/transports\/([^/]+|tls\/channel|tls\/options)\.ts$/,
    mayImport: UP_TO_3,
    packages: ['eventemitter3'],
  },
  default: { holds: /^lib\/reactor\/default\.ts$/, mayImport: [...UP_TO_4, 'node'] },
  reactor: {
    holds: /^lib\/reactor\/[^/]+\.ts$/,
    mayImport: [...UP_TO_3, 'udp', 'transports', 'ptcp'],
    types: FLOOR_4,
    packages: ['eventemitter3'],
  },
  // No stream, so no provider: the reactor makes its ports itself.
  udp: { holds: /^lib\/transports\/udp\//, mayImport: [...UP_TO_3, 'transport-base'] },
  transports: {
    holds: /^lib\/transports\/[^/]+\//,
    mayImport: [...UP_TO_3, 'transport-base'],
    packages: ['eventemitter3'],
  },
  ptcp: {
    holds: /^lib\/ptcp\/[^/]+\.ts$/,
    mayImport: [...UP_TO_3, 'transport-base'],
    packages: ['eventemitter3'],
  },
  nat: { holds: /^lib\/nat\/[^/]+\.ts$/, mayImport: UP_TO_3 },
  service: { holds: /^lib\/service\//, mayImport: UP_TO_3 },

  node: { holds: /^lib\/reactor\/node\//, mayImport: UP_TO_4, builtins: 'all' },
  'plugin-loader': {
    holds: /^lib\/plugin\//,
    mayImport: UP_TO_4,
    builtins: ['node:fs', 'node:fs/promises', 'node:module', 'node:path', 'node:url'],
  },
  endpoints: { holds: /^lib\/endpoints\//, mayImport: [...UP_TO_4, 'plugin-loader'] },
  databases: {
    holds: /^lib\/databases\//,
    mayImport: UP_TO_4,
    packages: ['node-sqlite3-wasm', 'pg'],
  },
  testing: { holds: /^lib\/testing\//, mayImport: UP_TO_4 },
  index: { holds: /^lib\/index\.ts$/, mayImport: UP_TO_5 },

  protocols: { holds: /^protocols\//, mayImport: [...UP_TO_1, 'protocol', 'cred', 'endpoint-parse'] },

  plugins: {
    holds: /^plugins\//,
    mayImport: ['plugin-contract'],
    types: UP_TO_4,
    lazily: [...UP_TO_5, 'protocols', 'cli'],
  },
  cli: {
    holds: /^lib\/cli\//,
    mayImport: [...UP_TO_5, 'protocols', 'plugins'],
    packages: ['commander', 'cli-progress', 'yoctocolors', '@peculiar/x509'],
    builtins: ['node:process', 'node:path', 'node:tty', 'node:url'],
  },
  bin: { holds: /^bin\//, mayImport: ['cli'], builtins: ['node:process'] },
  examples: {
    holds: /^examples\//,
    mayImport: [],
    packages: ['hawser', 'commander', 'cli-progress', 'yoctocolors'],
    builtins: 'all',
  },
  // May use anything; nothing else may use it.
  workshop: { holds: /^(test|sim|bench|tools)\//, mayImport: [] },
};

/** Files whose only business is to export what others define. */
const BARRELS =
  /^(lib\/index|lib\/testing\/index|lib\/plugin\/index|lib\/ptcp\/core\/index|protocols\/[^/]+\/index)\.ts$/;

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly kind: 'static' | 'type' | 'lazy';
}

/** The imports of `file` that lead where its room may not go. `exists` tells whether there is a file at a path. */
export function findTrespasses(file: SourceFile, exists: (path: string) => boolean): Finding[] {
  const program = parseSource(file);
  const room = roomOf(file.path);
  if (room === undefined) {
    return [
      { path: file.path, line: 1, message: 'belongs to no room: give it one in tools/check-floors.ts' },
    ];
  }
  const findings = importsOf(program)
    .map((each) => ({ each, fault: faultOf(each, { path: file.path, room, exists }) }))
    .filter(({ fault }) => fault !== undefined)
    .map(({ each, fault }) => ({
      path: file.path,
      line: each.line,
      message: `'${each.specifier}': ${fault}`,
    }));
  if (room !== 'workshop' && isBarrel(program) && !BARRELS.test(file.path)) {
    findings.push({
      path: file.path,
      line: 1,
      message: 'only re-exports: import from where things are defined',
    });
  }
  return findings;
}

function faultOf(
  { specifier, kind }: Import,
  from: { readonly path: string; readonly room: RoomName; readonly exists: (path: string) => boolean },
): string | undefined {
  if (from.room === 'workshop') return undefined;
  const { mayImport, types = [], lazily = [], packages = [], builtins = [] } = ROOMS[from.room];
  if (specifier.startsWith('node:')) {
    return builtins === 'all' || builtins.includes(specifier)
      ? undefined
      : `${from.room} does no input or output`;
  }
  if (!specifier.startsWith('.')) {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    return packages.includes(name) ? undefined : `${from.room} does without the package ${name}`;
  }
  const target = posix.join(posix.dirname(from.path), specifier);
  if (!from.exists(target)) return `there is no ${target}`;
  const room = roomOf(target);
  if (room === undefined || room === from.room || mayImport.includes(room)) return undefined;
  if (kind === 'type' && types.includes(room)) return undefined;
  if (kind === 'lazy' && lazily.includes(room)) return undefined;
  const onlyTypes = types.includes(room) ? ' more than types' : '';
  return `${from.room} may not import${onlyTypes} from ${room}`;
}

function roomOf(path: string): RoomName | undefined {
  return (Object.keys(ROOMS) as RoomName[]).find((name) => ROOMS[name].holds.test(path));
}

function importsOf(node: SyntaxNode): Import[] {
  const found = childrenOf(node).flatMap(importsOf);
  const source = node['source'] ?? node['argument'];
  if (!isNode(source) || typeof source['value'] !== 'string') return found;
  const [specifier, line] = [source['value'], node.loc.start.line];
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return [{ specifier, line, kind: bringsOnlyTypes(node) ? 'type' : 'static' }, ...found];
    case 'TSImportType':
      return [{ specifier, line, kind: 'type' }, ...found];
    case 'ImportExpression':
      return [{ specifier, line, kind: 'lazy' }, ...found];
    default:
      return found;
  }
}

function bringsOnlyTypes(node: SyntaxNode): boolean {
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return true;
  const specifiers = node['specifiers'];
  return (
    Array.isArray(specifiers) &&
    specifiers.length > 0 &&
    specifiers.every((each) => each.importKind === 'type' || each.exportKind === 'type')
  );
}

function isBarrel(program: SyntaxNode): boolean {
  const body = childrenOf(program);
  return body.length > 0 && body.every((node) => node.type.startsWith('Export') && isNode(node['source']));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const sources = readSources('.');
  report(
    'floors',
    findInAll(sources, (file) => findTrespasses(file, existsSync)),
    sources.length,
  );
}
