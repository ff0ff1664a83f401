import { Option } from 'commander';
import { CannotWrite } from '../errors.ts';
import type { Observation } from '../reactor/default.ts';
import type { Reactor } from '../reactor/reactor.ts';
import { CommandFailure, ExitStatus } from './exit-status.ts';
import { printable } from './printable.ts';
import type { System } from './system.ts';

/** The options that ask for files about the network, as commander gives them. */
export interface ObservationOptions {
  readonly pcap?: string;
  readonly trace?: string;
}

export function pcapOption(): Option {
  return new Option('--pcap <file>', 'write the datagrams as TCP packets, for Wireshark');
}

export function traceOption(): Option {
  return new Option('--trace <file>', 'write what happens to PTCP connections, as qlog');
}

export function observationOf({ pcap, trace }: ObservationOptions): Observation {
  return { ...(pcap !== undefined && { pcapFile: pcap }), ...(trace !== undefined && { traceFile: trace }) };
}

/** The reactor of a command. A file that cannot be written is found out before anybody is connected to. */
export function observedReactor(system: System, observation: Observation): Reactor {
  try {
    return system.createReactor(observation);
  } catch (error) {
    if (!(error instanceof CannotWrite)) throw error;
    throw new CommandFailure(printable(error.message), ExitStatus.usage, { cause: error });
  }
}
