import { pathToFileURL } from 'node:url';
import { createContext, Script } from 'node:vm';
import { type BuildResult, build } from 'esbuild';

/** What the core may be made of. */
const CORE_INPUTS = /^lib\/(ptcp\/core|bytes|interfaces|time|trace)\/|^lib\/errors\.ts$/;

/** Bundles a module for the browser. Fails where it needs anything that a browser lacks. */
export async function bundleForBrowser(
  entry: string,
  root = '.',
): Promise<{ code: string; inputs: string[] }> {
  const result: BuildResult<{ write: false; metafile: true }> = await build({
    absWorkingDir: process.cwd(),
    entryPoints: [`${root}/${entry}`],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'bundle',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error(`${entry} gives no bundle`);
  const external = Object.values(result.metafile.outputs).flatMap(({ imports }) => imports);
  if (external.length > 0) throw new Error(`${entry} imports ${external.map(({ path }) => path).join(', ')}`);
  return { code: output.text, inputs: Object.keys(result.metafile.inputs) };
}

/**
 * Runs a bundle where there is nothing but the language, not even the time of day or chance, and returns what
 * `expression` gives there.
 */
export function runInEmptyContext(code: string, expression: string): unknown {
  const context = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
  const forbid =
    "for (const name of ['Date', 'SharedArrayBuffer', 'Atomics', 'WebAssembly', 'console']) delete globalThis[name];" +
    "Math.random = () => { throw new Error('Math.random was called'); };";
  new Script(`${forbid}\n${code}\n;globalThis.result = ${expression};`).runInContext(context, {
    timeout: 20_000,
  });
  return context['result'];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const core = await bundleForBrowser('lib/ptcp/core/index.ts');
  const strangers = core.inputs.filter((path) => !CORE_INPUTS.test(path));
  if (strangers.length > 0) throw new Error(`the core is not to need ${strangers.join(', ')}`);
  const names = runInEmptyContext(core.code, 'Object.keys(bundle).length');
  const scenario = await bundleForBrowser('tools/browser-scenario.ts');
  const outcome = String(runInEmptyContext(scenario.code, 'bundle.play()'));
  console.log(`browser bundle: ${core.code.length} bytes, ${names} names; ${outcome}`);
  const { isEqual, reasons } = JSON.parse(outcome);
  if (!isEqual || String(reasons) !== 'done,done') throw new Error('the scenario failed');
}
