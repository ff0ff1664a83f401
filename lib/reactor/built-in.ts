import type { Crc32 } from '../bytes/crc32.ts';
import { PtcpProvider } from '../ptcp/provider.ts';
import type { TraceSink } from '../trace/trace.ts';
import { MemoryProvider } from '../transports/memory/provider.ts';
import type { TransportProvider } from '../transports/provider.ts';
import { TcpProvider } from '../transports/tcp/provider.ts';

/** The kinds of stream transport that a reactor knows unless it is told otherwise. `crc32` and `trace` as in PtcpProvider. */
export function builtInTransports(crc32?: Crc32, trace?: TraceSink): TransportProvider[] {
  return [new TcpProvider(), new PtcpProvider(crc32, trace), new MemoryProvider()];
}
