import { Prng } from '../bytes/prng.ts';
import { UsageError } from '../errors.ts';
import type { Files } from '../interfaces/files.ts';
import type { Tls } from '../interfaces/tls.ts';
import { builtInTransports } from '../reactor/built-in.ts';
import { Reactor } from '../reactor/reactor.ts';
import { MemoryNetwork } from '../transports/memory/network.ts';
import { MemoryProvider } from '../transports/memory/provider.ts';
import type { TransportProvider } from '../transports/provider.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a MemoryReactor is made with; all of it may be left out. */
export interface MemoryReactorOptions {
  /** A network to share with other reactors; one of its own when left out. */
  readonly network?: SimulatedNetwork;
  /** Its address in the network. 127.0.0.1 when left out. */
  readonly address?: string;
  /** Names for in-memory connections to share with other reactors. */
  readonly names?: MemoryNetwork;
  /** Where TLS is made: `nodeTls`. Without it there is none. Handshakes take turns of the real event loop. */
  readonly tls?: Tls;
  /** Kinds of transport beside the built-in ones, or instead of those with their names. */
  readonly transports?: readonly TransportProvider[];
  readonly seed?: number | string;
  readonly lingerMs?: number;
  /** As in ReactorOptions. */
  readonly files?: Files;
  /** As in ReactorOptions. */
  readonly attachProcess?: (stop: () => void) => () => void;
}

/** What was reported to a MemoryReactor, and from where. */
export interface ReportedError {
  readonly error: unknown;
  readonly where: string;
}

/**
 * A reactor without an outside world: its network is simulated and its time is virtual, for tests of protocols.
 *
 * Nothing happens until the clock is advanced. What is reported to it is kept in `errors`, where a test should look.
 */
export class MemoryReactor extends Reactor {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly errors: ReportedError[] = [];

  constructor(options: MemoryReactorOptions = {}) {
    const network = options.network ?? new SimulatedNetwork({ clock: new VirtualClock() });
    const { clock } = network;
    if (!(clock instanceof VirtualClock))
      throw new UsageError('the network of a MemoryReactor needs a VirtualClock');
    super({
      clock,
      sockets: network.host(options.address ?? '127.0.0.1').sockets,
      entropy: new Prng(options.seed ?? 1),
      tls: options.tls,
      transports: transportsOf(options),
      unheardError: (error, where) => this.errors.push({ error, where }),
      ...(options.lingerMs === undefined ? {} : { lingerMs: options.lingerMs }),
      ...(options.files === undefined ? {} : { files: options.files }),
      ...(options.attachProcess === undefined ? {} : { attachProcess: options.attachProcess }),
    });
    this.clock = clock;
    this.network = network;
  }

  /** Lets `ms` pass, and everything happen that is due by then. */
  advance(ms: number): void {
    this.clock.advance(ms);
  }
}

function transportsOf({
  names = new MemoryNetwork(),
  transports = [],
}: MemoryReactorOptions): TransportProvider[] {
  const replaced = new Set(transports.map(({ name }) => name));
  const builtIn = builtInTransports({ memory: new MemoryProvider(names) });
  return [...builtIn.filter(({ name }) => !replaced.has(name)), ...transports];
}
