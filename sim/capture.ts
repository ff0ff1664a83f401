import { CannotWrite, UsageError } from '../lib/errors.ts';
import type { UdpAddress } from '../lib/interfaces/address.ts';
import { RecordFile } from '../lib/reactor/node/record-file.ts';
import { PcapngCapture } from '../lib/trace/pcapng.ts';
import { OnlyFaults } from './faults.ts';
import { ipOf, portOf } from './nat.ts';
import type { WorldPlan } from './plan.ts';
import { runPlan } from './run-seed.ts';

/**
 * Plays `plan` with no other faults than `items`, or with all of them, and writes what was sent into `file`.
 * Throws UsageError where that cannot be written.
 */
export function captureWorld(plan: WorldPlan, items: readonly number[] | undefined, file: string): void {
  const capture = new PcapngCapture();
  const written = fileFor(capture, file);
  const tap = (atMs: number, from: number, to: number, bytes: Uint8Array): void =>
    capture.add({ atMs, from: shown(from), to: shown(to), bytes });
  runPlan(plan, items === undefined ? { tap } : { tap, faults: new OnlyFaults(items) });
  written.write();
}

/** An earlier capture is replaced, and nothing else. */
function fileFor(capture: PcapngCapture, path: string): RecordFile {
  try {
    return new RecordFile(path, capture);
  } catch (error) {
    throw error instanceof CannotWrite ? new UsageError(error.message) : error;
  }
}

/** The numbers of a simulated network as addresses that tools can show. */
function shown(address: number): UdpAddress {
  return { host: `10.0.0.${ipOf(address)}`, port: portOf(address) };
}
