import { setUnhandledFailureHook } from '../defer/unhandled.ts';
import type { Sockets } from '../interfaces/sockets.ts';
import { PcapngCapture } from '../trace/pcapng.ts';
import { QlogRecords } from '../trace/qlog.ts';
import { tappedSockets } from '../trace/tapped-sockets.ts';
import type { TraceSink } from '../trace/trace.ts';
import { builtInTransports } from './built-in.ts';
import { NodeClock, wallClockMs } from './node/clock.ts';
import { nodeCrc32 } from './node/crc32.ts';
import { nodeEntropy } from './node/entropy.ts';
import { NodeFiles } from './node/files.ts';
import { attachProcess, printError } from './node/process.ts';
import { RecordFile } from './node/record-file.ts';
import { nodeSockets } from './node/sockets.ts';
import { nodeTls } from './node/tls.ts';
import { Reactor } from './reactor.ts';

/** What a reactor writes down of what it does: docs/observing.md. Nothing when left out, and it then costs nothing. */
export interface Observation {
  /** A pcapng file of the datagrams of its UDP sockets, as the TCP packets that PTCP's segments would be without UDP. */
  readonly pcapFile?: string;
  /** A file of qlog records, JSON text sequences, of what happens to its PTCP connections. */
  readonly traceFile?: string;
}

/**
 * A reactor of its own on the real clock and network, with the built-in transports. Opens nothing but the files it is
 * to write; throws CannotWrite where it cannot.
 */
export function createReactor(observation: Observation = {}): Reactor {
  const { pcapFile, traceFile } = observation;
  const clock = new NodeClock((error, where) => printError(error, where));
  const reactor: Reactor = new Reactor({
    clock,
    sockets: pcapFile === undefined ? nodeSockets : capturedSockets(pcapFile),
    entropy: nodeEntropy,
    tls: nodeTls,
    files: new NodeFiles(),
    transports: builtInTransports({
      crc32: nodeCrc32,
      trace: traceFile === undefined ? undefined : traceTo(traceFile, clock),
    }),
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

function capturedSockets(pcapFile: string): Sockets {
  const capture = new PcapngCapture();
  const file = new RecordFile(pcapFile, capture);
  return tappedSockets(nodeSockets, (datagram) => {
    capture.add({ ...datagram, atMs: wallClockMs() });
    file.grown();
  });
}

function traceTo(traceFile: string, clock: NodeClock): TraceSink {
  const records = new QlogRecords(wallClockMs() - clock.now());
  const file = new RecordFile(traceFile, records);
  return {
    trace: (event) => {
      records.trace(event);
      file.grown();
    },
  };
}

/** The reactor of scripts. Libraries take theirs as an argument, and tests make their own. */
export const reactor: Reactor = createReactor();
