// npm run interop:twisted: the checks of hawser's AMP against Twisted's. -- --serve PORT: hawser's server alone.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findTwisted } from './processes.ts';

const USAGE = `npm run interop:twisted -- [options] [options of mocha]

  --serve PORT      hawser's server alone, on 127.0.0.1: prints READY and its port (0 = any), runs until SIGTERM
  --python PROGRAM  the Python that has Twisted; /usr/bin/python3 or python3 when left out
  --required        fails where Twisted is missing; so does CI=true in the environment
`;

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MOCHA = 'node_modules/mocha/bin/mocha.js';
const CONFIG = 'test/interop/twisted/.mocharc.json';
/** For all the checks together; a run takes some seconds. */
const LIMIT_MS = 150_000;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const { values, tokens } = parseArgs({
  options: { serve: text, python: text, required: flag, help: flag },
  strict: false,
  tokens: true,
});

/** What is not ours, for mocha. */
function restOfArguments(): string[] {
  const ours = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== 'option' || !['serve', 'python', 'required', 'help'].includes(token.name)) continue;
    ours.add(token.index);
    if (token.value !== undefined && !token.inlineValue) ours.add(token.index + 1);
  }
  return process.argv.slice(2).filter((_, index) => !ours.has(index));
}

async function serve(port: string): Promise<void> {
  if (!/^\d+$/.test(port) || Number(port) > 65_535) {
    console.error(`interop:twisted: --serve ${port}: a port from 0 to 65535, please`);
    process.exitCode = 2;
    return;
  }
  // Only here: the checks need not wait until the whole of hawser is read twice.
  const { runServer } = await import('./server.ts');
  await runServer(Number(port));
}

function runChecks(): void {
  if (typeof values['python'] === 'string') process.env['HAWSER_PYTHON'] = values['python'];
  const isRequired = values['required'] === true || process.env['CI'] === 'true';
  if (findTwisted() === undefined) {
    const consequence = isRequired ? 'it is required here' : 'nothing was checked';
    console.log(
      `interop:twisted: no Python with Twisted was found (apt-get install python3-twisted): ${consequence}`,
    );
    process.exitCode = isRequired ? 1 : 0;
    return;
  }
  const mocha = spawn(process.execPath, [MOCHA, '--config', CONFIG, ...restOfArguments()], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const limit = setTimeout(() => {
    console.error(`interop:twisted: no end after ${LIMIT_MS / 1000} s`);
    mocha.kill('SIGKILL');
  }, LIMIT_MS);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => mocha.kill(signal));
  mocha.on('exit', (status) => {
    clearTimeout(limit);
    process.exitCode = status ?? 1;
  });
}

if (values['help'] === true) process.stdout.write(USAGE);
else if (values['serve'] !== undefined) await serve(String(values['serve']));
else runChecks();
