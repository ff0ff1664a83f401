import { setUnhandledFailureHook } from '../defer/unhandled.ts';
import { builtInTransports } from './built-in.ts';
import { NodeClock } from './node/clock.ts';
import { nodeCrc32 } from './node/crc32.ts';
import { nodeEntropy } from './node/entropy.ts';
import { attachProcess, printError } from './node/process.ts';
import { nodeSockets } from './node/sockets.ts';
import { Reactor } from './reactor.ts';

/** A reactor of its own on the real clock and network, with the built-in transports. Opens nothing by itself. */
export function createReactor(): Reactor {
  const clock = new NodeClock((error, where) => printError(error, where));
  const reactor: Reactor = new Reactor({
    clock,
    sockets: nodeSockets,
    entropy: nodeEntropy,
    transports: builtInTransports(nodeCrc32),
    unheardError: printError,
    attachProcess: (stop) => {
      const detachProcess = attachProcess(stop);
      const previousHook = setUnhandledFailureHook((error) => reactor.reportError(error, 'a Deferred'));
      clock.keepAlive(true);
      return () => {
        detachProcess();
        setUnhandledFailureHook(previousHook);
        // As when Twisted's loop ends: a call that is still to come does not keep the process from its end.
        clock.keepAlive(false);
      };
    },
  });
  return reactor;
}

/** The reactor of scripts. Libraries take theirs as an argument, and tests make their own. */
export const reactor: Reactor = createReactor();
