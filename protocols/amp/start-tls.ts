import { type Command, makeCommand, type None } from './command.ts';

/**
 * Asks the peer to secure the connection. Answer it with the options of TLS: `amp.respond(StartTls, () => options)`, or
 * give them to the Amp as `tls`. Call it by `amp.startTLS(options)`.
 */
export const StartTls: Command<None, None, never, true, 'tls'> = makeCommand({ name: 'StartTLS' }, 'tls');
