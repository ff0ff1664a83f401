import process from 'node:process';

/** The signals that ask a process to end well. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** setInterval takes no longer one; what it does is keep the process alive. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/**
 * Keeps the process alive and calls `stop` at the first SIGINT or SIGTERM, until the function it returns is called.
 *
 * A second signal finds nobody listening and ends the process as the system would.
 */
export function attachProcess(stop: () => void): () => void {
  const alive = setInterval(() => {}, LONGEST_INTERVAL_MS);
  const signalled = (): void => {
    ignoreSignals();
    stop();
  };
  const ignoreSignals = (): void => {
    for (const signal of STOP_SIGNALS) process.off(signal, signalled);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, signalled);
  return () => {
    clearInterval(alive);
    ignoreSignals();
  };
}

/** Writes an error that nobody listens for to standard error, with its stack and its causes. */
export function printError(error: unknown, where: string): void {
  const text = error instanceof Error ? withCauses(error) : String(error);
  process.stderr.write(`hawser: an error in ${where} was not handled: ${text}\n`);
}

function withCauses(error: Error): string {
  const text = error.stack ?? String(error);
  return error.cause instanceof Error ? `${text}\ncaused by: ${withCauses(error.cause)}` : text;
}
