import { writeFileSync } from 'node:fs';
import type { UdpAddress } from '../lib/interfaces/address.ts';
import { PcapngCapture } from '../lib/trace/pcapng.ts';
import { OnlyFaults } from './faults.ts';
import { ipOf, portOf } from './nat.ts';
import type { WorldPlan } from './plan.ts';
import { runPlan } from './run-seed.ts';

/** Plays `plan` with no other faults than `items`, or with all of them, and writes what was sent into `file`. */
export function captureWorld(plan: WorldPlan, items: readonly number[] | undefined, file: string): void {
  const capture = new PcapngCapture();
  const tap = (atMs: number, from: number, to: number, bytes: Uint8Array): void =>
    capture.add({ atMs, from: shown(from), to: shown(to), bytes });
  runPlan(plan, items === undefined ? { tap } : { tap, faults: new OnlyFaults(items) });
  writeFileSync(file, capture.take());
}

/** The numbers of a simulated network as addresses that tools can show. */
function shown(address: number): UdpAddress {
  return { host: `10.0.0.${ipOf(address)}`, port: portOf(address) };
}
