import { Deferred } from '../../defer/deferred.ts';
import { UsageError } from '../../errors.ts';
import type { SwitchableTransport } from '../../interfaces/protocol.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import type { StartTlsOptions, Tls } from '../../interfaces/tls.ts';
import type { Transport } from '../../interfaces/transport.ts';

/** Where the reactor makes TLS; UsageError where it was made without. */
export function requireTls({ tls }: TransportHost): Tls {
  if (tls === undefined)
    throw new UsageError('this reactor has no TLS: make it with the option tls, as nodeTls');
  return tls;
}

/** Begins TLS as the first thing on a connection, and calls `secured` when it is there. */
export function startTlsOn(
  transport: Transport,
  options: StartTlsOptions,
  secured: () => void,
): SwitchableTransport {
  if (transport.startTLS === undefined || !('switchProtocol' in transport))
    throw new UsageError('this kind of transport has no startTLS and switchProtocol: it cannot carry TLS');
  // As a Deferred it calls back before the peer's first bytes, which may come with the end of the handshake, are
  // delivered; a promise would not. Its failure is told by connectionLost.
  Deferred.from(transport.startTLS(options)).addCallbacks(secured, () => {});
  return transport as SwitchableTransport;
}
