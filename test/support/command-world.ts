import { expect } from 'chai';
import { runReceive } from '../../lib/cli/commands/receive.ts';
import { runSend } from '../../lib/cli/commands/send.ts';
import type { CommandFailure } from '../../lib/cli/exit-status.ts';
import { ptcpEndpoints, tcpEndpoints } from '../../lib/endpoints/inet.ts';
import { ptcpTlsEndpoints, tlsEndpoints } from '../../lib/endpoints/tls.ts';
import { definePlugin, PLUGIN_API } from '../../lib/plugin/contract.ts';
import { PluginRegistry } from '../../lib/plugin/registry.ts';
import { MemoryReactor, type MemoryReactorOptions } from '../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { contextWith, type KeptContext } from './command-context.ts';
import { MemoryDisk, MemoryFiles } from './memory-files.ts';
import { hashes } from './transfer.ts';

export const SENDER = '10.0.0.1';
export const RECEIVER = '10.0.0.2';

/** A command that runs, and how it ended. */
export interface Running {
  readonly context: KeptContext;
  readonly reactor: MemoryReactor;
  status: number | undefined;
  failure: CommandFailure | undefined;
}

/** Two machines with disks in memory, a simulated network between them, and commands that run on them. */
export class CommandWorld {
  readonly clock = new VirtualClock();
  readonly network = new SimulatedNetwork({ clock: this.clock, link: { latencyMs: 5 } });
  /** The sender's disk. */
  readonly source = new MemoryDisk();
  /** The receiver's, with a folder `in`. */
  readonly target = new MemoryDisk();
  readonly running: Running[] = [];
  readonly #reactorOptions: Partial<MemoryReactorOptions>;

  constructor(reactorOptions: Partial<MemoryReactorOptions> = {}) {
    this.#reactorOptions = reactorOptions;
    this.target.directories.add('in/.');
  }

  /** Waits for the commands to end, and expects that they have left nothing. */
  async close(): Promise<void> {
    await this.pass(40_000, () => this.running.every(isOver));
    expect(this.clock.pending, 'calls left on the clock').to.equal(0);
    expect(this.running.flatMap(({ reactor }) => reactor.errors)).to.deep.equal([]);
  }

  send(...args: string[]): Promise<Running> {
    return this.#start(SENDER, this.source, (context, reactor, files) =>
      runSend(args, context, { createReactor: () => reactor, files, hashes }),
    );
  }

  /** Listens on RECEIVER and receives into `in`. */
  async receive(...args: string[]): Promise<Running> {
    const place = ['--interface', RECEIVER, '--dir', 'in'];
    const receiver = await this.#start(RECEIVER, this.target, (context, reactor, files) =>
      runReceive([...place, ...args], context, { createReactor: () => reactor, files, hashes }),
    );
    // It may make a key first, in a thread of its own: in real time.
    const hasSpoken = (): boolean => receiver.context.messages.text + receiver.context.output.text !== '';
    for (let count = 0; count < 1_000 && !hasSpoken() && !isOver(receiver); count += 1) {
      await this.#takeTurn();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return receiver;
  }

  /** Lets virtual time pass, in steps that leave turns for the files, until `isReached`. */
  async pass(ms: number, isReached: () => boolean = () => false): Promise<void> {
    const end = this.clock.now() + ms;
    while (this.clock.now() < end && !isReached()) {
      for (let turn = 0; turn < 4; turn += 1) await this.#takeTurn();
      this.clock.advance(Math.min(10, end - this.clock.now()));
    }
  }

  async #start(
    address: string,
    disk: MemoryDisk,
    run: (context: KeptContext, reactor: MemoryReactor, files: MemoryFiles) => Promise<number>,
  ): Promise<Running> {
    const context = contextWith(pluginsAtHand());
    const files = new MemoryFiles(disk);
    const reactor = new MemoryReactor({ ...this.#reactorOptions, network: this.network, address, files });
    const one: Running = { context, reactor, status: undefined, failure: undefined };
    this.running.push(one);
    run(context, reactor, files).then(
      (status) => {
        one.status = status;
      },
      (error: CommandFailure) => {
        one.failure = error;
      },
    );
    for (let turn = 0; turn < 30; turn += 1) await this.#takeTurn();
    await this.pass(50);
    return one;
  }

  /** A turn of the real event loop, in which no virtual time passes. */
  async #takeTurn(): Promise<void> {
    this.clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function isOver(one: Running): boolean {
  return one.status !== undefined || one.failure !== undefined;
}

/** Plugins whose load waits for no disk: virtual time does not stand still for a real one. */
function pluginsAtHand(): PluginRegistry {
  const plugins = new PluginRegistry();
  const parsers = { tcp: tcpEndpoints, ptcp: ptcpEndpoints, tls: tlsEndpoints, 'ptcp+tls': ptcpTlsEndpoints };
  for (const [name, parser] of Object.entries(parsers)) {
    const load = async () => parser;
    plugins.add(definePlugin({ api: PLUGIN_API, kind: 'endpoint', name, summary: name, load }), 'here');
  }
  return plugins;
}
