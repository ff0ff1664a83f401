import { HawserError } from '../errors.ts';
import type { TransportHost } from '../interfaces/reactor.ts';
import { connectFailure } from './connect-error.ts';
import type { AttemptEvents } from './connector.ts';
import { hostAndPort, ipFamily } from './ip-target.ts';
import type { ConnectTarget } from './provider.ts';

/** One address of a name. */
export interface ResolvedAddress {
  readonly host: string;
  readonly family: 'IPv4' | 'IPv6';
}

/** Tries one address; reports as an Attempt does. The function that is returned gives up. */
export type TryAddress = (address: ResolvedAddress, events: AttemptEvents) => () => void;

export interface AddressAttemptOptions {
  readonly host: TransportHost;
  readonly target: ConnectTarget;
  /** The address to connect from: only those of its family are tried. */
  readonly bindAddress: string | undefined;
  readonly tryAddress: TryAddress;
}

/** Looks the name up and tries its addresses one after the other. When none answers, the first failure is the reason. */
export function attemptAddresses(options: AddressAttemptOptions, events: AttemptEvents): () => void {
  const { host, target, bindAddress, tryAddress } = options;
  let firstFailure: Error | undefined;

  const tryNext = (remaining: readonly ResolvedAddress[]): void => {
    const [address, ...others] = remaining;
    if (address === undefined) {
      giveUp = () => {};
      events.failed(failure(firstFailure, hostAndPort(target.host, target.port)));
      return;
    }
    giveUp = tryAddress(address, {
      connected: events.connected,
      failed: (error) => {
        firstFailure ??= error;
        tryNext(others);
      },
    });
  };

  let giveUp = host.sockets.resolve(target.host, (error, addresses = []) => {
    firstFailure = error;
    const family = bindAddress === undefined ? undefined : ipFamily(bindAddress);
    tryNext(addresses.filter((address) => family === undefined || address.family === family));
  });
  return () => giveUp();
}

/** Ours as they are; the system's as what they mean. */
function failure(cause: Error | undefined, destination: string): Error {
  if (cause instanceof HawserError) return cause;
  const noAddress = (): Error => Object.assign(new Error('no address to try'), { code: 'ENOTFOUND' });
  return connectFailure(cause ?? noAddress(), destination);
}
