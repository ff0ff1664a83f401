import { ConnectionRefused } from '../../errors.ts';
import type { MemoryAddress } from '../../interfaces/address.ts';
import type { StreamClientFactory, StreamFactory } from '../../interfaces/protocol.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import { StreamConnector } from '../connector.ts';
import { requireKnownNames } from '../known-options.ts';
import type { ConnectTarget, ListenTarget, TransportProvider } from '../provider.ts';
import { type Listen, StreamPort } from '../stream-port.ts';
import { MemoryNetwork } from './network.ts';

/** What `connectMemory` takes. */
export interface MemoryConnectOptions {
  /** How long an attempt may take; NEVER waits for ever. */
  readonly timeoutMs?: number;
}

declare module '../provider.ts' {
  interface TransportOptions {
    memory: { listen: object; connect: MemoryConnectOptions; port: StreamPort };
  }
}

/** Connections within one process, by name: `host` is the name, and the port does not matter. */
export class MemoryProvider implements TransportProvider<object, MemoryConnectOptions> {
  readonly name = 'memory';
  readonly #network: MemoryNetwork;

  constructor(network: MemoryNetwork = new MemoryNetwork()) {
    this.#network = network;
  }

  listen(host: TransportHost, target: ListenTarget, factory: StreamFactory, options: object): StreamPort {
    requireKnownNames(options, [], 'listening in memory');
    const name = target.host ?? '';
    return new StreamPort(host, factory, `memory:${name}`, this.#listen(host, name));
  }

  connect(
    host: TransportHost,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options: MemoryConnectOptions,
  ): StreamConnector {
    requireKnownNames(options, ['timeoutMs'], 'connecting in memory');
    const destination: MemoryAddress = { type: 'memory', name: target.host };
    const connector = new StreamConnector({
      host,
      destination,
      factory,
      timeoutMs: options.timeoutMs,
      attempt: (events) => {
        let isGivenUp = false;
        host.clock.callSoon(() => {
          if (isGivenUp) return;
          const found = this.#network.connect(host, target.host, (channel) => events.connected(channel));
          if (!found) events.failed(new ConnectionRefused(`nobody listens on memory:${target.host}`));
        });
        return () => {
          isGivenUp = true;
        };
      },
    });
    connector.connect();
    return connector;
  }

  #listen(host: TransportHost, name: string): Listen {
    return (events) => (done) => {
      let isGivenUp = false;
      host.clock.callSoon(() => {
        if (isGivenUp) return;
        const accepted = events.accepted;
        if (!this.#network.add(name, { host, accepted })) {
          done(Object.assign(new Error(`memory:${name} is taken`), { code: 'EADDRINUSE' }));
          return;
        }
        done(undefined, {
          getHost: () => ({ type: 'memory', name }),
          close: (closed) => {
            this.#network.remove(name);
            host.clock.callSoon(closed);
          },
        });
      });
      return () => {
        isGivenUp = true;
      };
    };
  }
}
