import { toError, UsageError } from '../../lib/errors.ts';
import type { StreamProtocol } from '../../lib/interfaces/protocol.ts';
import type { StartTlsOptions } from '../../lib/interfaces/tls.ts';
import type { Transport } from '../../lib/interfaces/transport.ts';
import type { BoxOutput } from './box-output.ts';
import type { Command } from './command.ts';
import { BadLocalReturn } from './errors.ts';
import type { ErrorReport } from './outbox.ts';

/** The connection, as those see it who make something else of it. */
export interface TakenConnection {
  readonly transport: Transport;
  readonly output: BoxOutput;
  /** The bytes that came and were not read; nothing is read any more. */
  takeRest(): Uint8Array;
  /** Reads boxes again, from what comes next. */
  readAgain(): void;
  /** What waits for TLS, and was not begun, is not sent: there will be none. */
  dropWhatIsForTls(reason: Error): void;
  /** Has `call` called when the connection has ended. */
  onEnd(call: () => void): void;
  /** Hands the connection over for good; `rest` is what came for `protocol` already. */
  become(protocol: StreamProtocol, rest: Uint8Array): void;
}

const ALREADY_SECURED: ErrorReport = {
  code: 'ONLY_ONE_TLS',
  description: 'The connection is secured already',
};
const NO_TLS: ErrorReport = { code: 'TLS_UNAVAILABLE', description: 'TLS is not available here' };
const CROSSED: ErrorReport = { code: 'CROSSED', description: 'Both sides asked to change the connection' };

/** Why a call of `command` by the peer is refused, before its responder is asked. */
export function refusalOf(command: Command, { transport, output }: TakenConnection): ErrorReport | undefined {
  if (command.kind === 'values') return undefined;
  // Each side would keep back its answer until the other's came.
  if (output.isHeld) return CROSSED;
  if (command.kind !== 'tls') return undefined;
  if (transport.tls !== undefined) return ALREADY_SECURED;
  return transport.startTLS === undefined ? NO_TLS : undefined;
}

/** BadLocalReturn unless `returned` is what responders of `command` return. */
export function requireTaker(command: Command, returned: unknown): void {
  if (typeof returned === 'object' && returned !== null) {
    if (command.kind === 'tls') return;
    const { makeConnection, dataReceived, connectionLost } = returned as Partial<StreamProtocol>;
    if ([makeConnection, dataReceived, connectionLost].every((method) => typeof method === 'function'))
      return;
  }
  const what = command.kind === 'tls' ? 'options for TLS' : 'a protocol';
  throw new BadLocalReturn(`the responder of '${command.name}' did not return ${what}`);
}

/** What the responder of `command` returned takes over; the answer was sent. */
export function takeOver(command: Command, returned: unknown, connection: TakenConnection): void {
  connection.output.flush();
  if (command.kind === 'protocol') {
    try {
      connection.become(returned as StreamProtocol, connection.takeRest());
    } catch (thrown) {
      connection.transport.abortConnection();
      throw toError(thrown);
    }
    return;
  }
  const secured = secure(connection, { isServer: true, ...(returned as StartTlsOptions) });
  // The connection ends with the same reason, and who cares for it is told there.
  void secured.then(undefined, () => {});
}

/** Begins TLS. What the peer sent after the box that agreed to it is for TLS to judge: nobody vouches for it. */
export function secure(
  connection: TakenConnection,
  options: StartTlsOptions,
): ReturnType<Required<Transport>['startTLS']> {
  const { transport } = connection;
  const unread = connection.takeRest();
  try {
    if (transport.startTLS === undefined) throw new UsageError('this transport cannot be secured');
    const secured = transport.startTLS(unread.length === 0 ? options : { ...options, unread });
    connection.readAgain();
    return secured;
  } catch (thrown) {
    // The peer begins a handshake, and we cannot.
    transport.abortConnection();
    throw toError(thrown);
  }
}
