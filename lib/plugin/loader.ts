import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Files } from '../interfaces/files.ts';
import type { PluginRegistry } from './registry.ts';

/** The package's own plugins: the same folder beside the sources and beside what is built of them. */
export const OWN_PLUGINS = fileURLToPath(new URL('../../plugins/', import.meta.url));

/**
 * Adds the plugins of a folder to `registry`: the default export of every .ts and .js file in it, sorted by name.
 *
 * A file that fails is noted as broken and hides no other. Nothing is cached: a later call sees the folder as it is.
 */
export async function loadPlugins(folder: string, files: Files, registry: PluginRegistry): Promise<void> {
  let names: readonly string[];
  try {
    names = await files.list(folder);
  } catch (error) {
    registry.addBroken(folder, `the folder cannot be read: ${messageOf(error)}`);
    return;
  }
  for (const name of names.filter(isPluginFile).sort()) {
    const origin = join(folder, name);
    try {
      registry.add((await importFresh(origin, files)).default, origin);
    } catch (error) {
      registry.addBroken(origin, messageOf(error));
    }
  }
}

function isPluginFile(name: string): boolean {
  return /\.[jt]s$/.test(name) && !name.endsWith('.d.ts') && !name.startsWith('.');
}

/** Node keeps a module for good; the time of its last change in the address makes a changed file another one. */
async function importFresh(path: string, files: Files): Promise<{ default?: unknown }> {
  const url = pathToFileURL(path);
  url.searchParams.set('changed', String((await files.facts(path))?.modifiedAtMs));
  return (await import(url.href)) as { default?: unknown };
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
