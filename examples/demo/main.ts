// npm run demo: bytes cross a spoiled UDP link through PTCP, and three processes of this machine bear witness.
import process from 'node:process';
import { stripVTControlCharacters } from 'node:util';
import { DemoFailure } from './child.ts';
import { progressDisplay } from './progress.ts';
import { resultOf } from './result.ts';
import { Run } from './run.ts';
import { parseSettings, type Settings } from './settings.ts';
import { describeResult, describeTask } from './table.ts';

/** As shells report an end by a signal. */
const SIGNAL_STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const settings = parseSettings(process.argv.slice(2));
process.exitCode = typeof settings === 'number' ? settings : await main(settings);

/** Returns the exit status: 0 when the bytes that arrived are those that were sent. */
async function main(settings: Settings): Promise<number> {
  if (!settings.json) print(describeTask(settings));
  const display = progressDisplay(settings.sizeBytes, settings.json);
  const run = new Run(settings, (progress) => display.show(progress));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      display.stop();
      // The second time at once.
      if (run.isInterrupted) run.kill();
      void run.interrupt().then(() => process.exit(SIGNAL_STATUS[signal]));
    });
  }
  try {
    const result = resultOf(settings, await run.toTheEnd());
    display.stop();
    print(settings.json ? `${JSON.stringify(result)}\n` : describeResult(result));
    return result.sha256Equal ? 0 : 1;
  } catch (error) {
    display.stop();
    if (!(error instanceof DemoFailure)) throw error;
    if (run.isInterrupted) return 1;
    process.stderr.write(`demo: ${error.message}\n`);
    return 1;
  }
}

/** Colours are for terminals that show them. */
function print(text: string): void {
  const { stdout } = process;
  stdout.write(stdout.isTTY && stdout.hasColors() ? text : stripVTControlCharacters(text));
}
