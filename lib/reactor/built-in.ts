import type { Crc32 } from '../bytes/crc32.ts';
import type { InetAddress } from '../interfaces/address.ts';
import type { TlsClientOptions, TlsServerOptions } from '../interfaces/tls.ts';
import type { PtcpPort } from '../ptcp/port.ts';
import { type PtcpConnectOptions, type PtcpListenOptions, PtcpProvider } from '../ptcp/provider.ts';
import type { TraceSink } from '../trace/trace.ts';
import { type MemoryConnectOptions, MemoryProvider } from '../transports/memory/provider.ts';
import type { TransportProvider } from '../transports/provider.ts';
import type { StreamPort } from '../transports/stream-port.ts';
import { type TcpConnectOptions, type TcpListenOptions, TcpProvider } from '../transports/tcp/provider.ts';
import type { TlsPort } from '../transports/tls/port.ts';
import { TlsProvider } from '../transports/tls/provider.ts';

declare module '../transports/provider.ts' {
  interface TransportOptions {
    tls: {
      listen: TcpListenOptions & TlsServerOptions;
      connect: TcpConnectOptions & TlsClientOptions;
      port: TlsPort<StreamPort<InetAddress>>;
    };
    'ptcp+tls': {
      listen: PtcpListenOptions & TlsServerOptions;
      connect: PtcpConnectOptions & TlsClientOptions;
      port: TlsPort<PtcpPort>;
    };
    'memory+tls': {
      listen: TlsServerOptions;
      connect: MemoryConnectOptions & TlsClientOptions;
      port: TlsPort<StreamPort>;
    };
  }
}

/** What a reactor's own transports may be given; all of it may be left out. */
export interface BuiltInOptions {
  /** As in PtcpProvider. */
  readonly crc32?: Crc32 | undefined;
  readonly trace?: TraceSink | undefined;
  /** Instead of one with names of its own. */
  readonly memory?: MemoryProvider;
}

/** The kinds of stream transport that a reactor knows unless it is told otherwise. */
export function builtInTransports({ crc32, trace, memory }: BuiltInOptions = {}): TransportProvider[] {
  const tcp = new TcpProvider();
  const ptcp = new PtcpProvider(crc32, trace);
  const names = memory ?? new MemoryProvider();
  return [tcp, ptcp, names, new TlsProvider(tcp, 'tls'), new TlsProvider(ptcp), new TlsProvider(names)];
}
