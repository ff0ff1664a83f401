import type { MemoryAddress } from '../../interfaces/address.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import type { StreamChannel } from '../provider.ts';
import { type MemoryChannel, memoryChannelPair } from './channel.ts';

/** Who accepts the connections to a name. */
export interface MemoryListener {
  readonly host: TransportHost;
  accepted(channel: StreamChannel): void;
}

/** The names that can be connected to. Reactors that share one can reach each other. */
export class MemoryNetwork {
  readonly #listeners = new Map<string, MemoryListener>();
  #connectionCount = 0;

  /** Gives `name` to `listener`. False when another has it. */
  add(name: string, listener: MemoryListener): boolean {
    if (this.#listeners.has(name)) return false;
    this.#listeners.set(name, listener);
    return true;
  }

  remove(name: string): void {
    this.#listeners.delete(name);
  }

  /** A channel to whoever has `name`, undefined when nobody has; `connected` sees it before the listener does. */
  connect(host: TransportHost, name: string, connected: (channel: MemoryChannel) => void): boolean {
    const listener = this.#listeners.get(name);
    if (listener === undefined) return false;
    this.#connectionCount += 1;
    const clientAddress: MemoryAddress = { type: 'memory', name: `client-${this.#connectionCount}` };
    const [client, server] = memoryChannelPair(
      { host, address: clientAddress },
      { host: listener.host, address: { type: 'memory', name } },
    );
    connected(client);
    listener.accepted(server);
    return true;
  }
}
