import type { ChannelBinding } from '../../lib/cred/scram-messages.ts';
import type { Transport } from '../../lib/interfaces/transport.ts';

/** What binds a login to the TLS connection below it (RFC 9266); undefined where there is none, or it is of old. */
export function bindingOf(transport: Transport): ChannelBinding | undefined {
  const bytes = transport.tls?.channelBinding;
  return bytes === undefined ? undefined : { name: 'tls-exporter', bytes };
}
