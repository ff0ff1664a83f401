import { ConnectError, ConnectionRefused, DnsLookupError, NoRoute, TimeoutError } from '../errors.ts';

/** The reason for clientConnectionFailed when the system says why; `cause` is what it said. */
export function connectFailure(cause: Error, destination: string): Error {
  const options = { cause };
  const code = errnoOf(cause) ?? cause.message;
  switch (code) {
    case 'ECONNREFUSED':
      return new ConnectionRefused(`${destination} refused the connection`, options);
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'ENETDOWN':
    case 'EHOSTDOWN':
      return new NoRoute(`there is no route to ${destination}`, options);
    case 'ETIMEDOUT':
      return new TimeoutError(`${destination} did not answer`, options);
    case 'ENOTFOUND':
    case 'ENODATA':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return new DnsLookupError(`the name in ${destination} has no address (${code})`, options);
    default:
      return new ConnectError(`cannot connect to ${destination}: ${code}`, options);
  }
}

/** errno's name, where the error carries one. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
