import type { FileReceiver, FileSender } from '../../protocols/file-transfer/index.ts';
import type { Reactor } from '../reactor/reactor.ts';
import type { NetworkFacts } from './progress.ts';

/**
 * Runs `work` on the reactor. `interrupt` is called when the user stops it first (SIGINT), and what it returns is
 * waited for; a second SIGINT ends the process. Resolves to whether it was interrupted.
 */
export async function runOn(
  reactor: Reactor,
  work: () => Promise<void>,
  interrupt: () => PromiseLike<unknown>,
): Promise<boolean> {
  let isOver = false;
  let isInterrupted = false;
  reactor.addSystemEventTrigger('before', 'shutdown', () => {
    if (isOver) return undefined;
    isInterrupted = true;
    return interrupt();
  });
  const stopped = reactor.run();
  try {
    await work();
  } finally {
    isOver = true;
    if (!isInterrupted) reactor.stop();
    await stopped;
  }
  return isInterrupted;
}

/** What the transport of a session knows of the network; most know nothing. */
export function networkOf(session: FileSender | FileReceiver): NetworkFacts | undefined {
  if (!session.connected) return undefined;
  const transport = session.transport as { tcpInfo?: () => NetworkFacts | undefined };
  const known = transport.tcpInfo?.();
  if (known === undefined) return undefined;
  const { rttUs, totalRetransSegments, segsOut } = known;
  return {
    ...(rttUs !== undefined && { rttUs: Math.round(rttUs) }),
    ...(totalRetransSegments !== undefined && { totalRetransSegments }),
    ...(segsOut !== undefined && { segsOut }),
  };
}
