import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  createSecureContext,
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { domainToASCII } from 'node:url';
import { UsageError } from '../../errors.ts';
import type { StartTlsOptions, Tls, TlsContext, TlsSession, TlsSessionEvents } from '../../interfaces/tls.ts';
import { errnoOf } from '../../transports/connect-error.ts';
import { refusal } from './tls-failure.ts';
import { authoritiesOf, pinsOf, requireTlsOptions, textOf } from './tls-options.ts';
import type { PeerRules } from './tls-peer.ts';
import { NodeTlsSession } from './tls-session.ts';

/**
 * No renegotiation. No tickets that hold a session: each handshake verifies the peer by the rules of today. Under TLS
 * 1.3 empty tickets are sent all the same, and tell clients that they were not refused.
 */
const SECURE_OPTIONS = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET;

/** TLS by node:tls. */
class NodeTls implements Tls {
  readonly #contexts = new WeakMap<StartTlsOptions, TlsContext>();

  prepare(options: StartTlsOptions): TlsContext {
    const known = this.#contexts.get(options);
    if (known !== undefined) return known;
    requireTlsOptions(options);
    const context = options.isServer ? new ServerContext(options) : new ClientContext(options);
    this.#contexts.set(options, context);
    return context;
  }
}

/** TLS for a reactor of one's own: `new MemoryReactor({ tls: nodeTls })`. Its handshakes need turns of the event loop. */
export const nodeTls: Tls = new NodeTls();

class ClientContext implements TlsContext {
  readonly isServer = false;
  readonly hasCertificate: boolean;
  readonly #rules: PeerRules;
  readonly #options: ConnectionOptions;

  constructor(options: StartTlsOptions & { readonly serverName?: string }) {
    const { alpnProtocols } = options;
    const serverName = options.serverName === undefined ? undefined : hostName(options.serverName);
    this.hasCertificate = options.certificate !== undefined;
    this.#rules = {
      isServer: false,
      isInsecure: options.insecure === true,
      isCertificateRequired: true,
      pins: pinsOf(options),
      needsAlpn: alpnProtocols !== undefined,
      serverName,
    };
    this.#options = {
      secureContext: usable(() => createSecureContext(credentials(options))),
      // What Node would refuse by itself is refused by our rules, in `secureConnect`.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(alpnProtocols === undefined ? {} : { ALPNProtocols: [...alpnProtocols] }),
      // RFC 6066 §3: no addresses.
      ...(serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName }),
    };
  }

  open(events: TlsSessionEvents): TlsSession {
    const session = new NodeTlsSession(this.#rules, events);
    session.connect(this.#options);
    return session;
  }
}

class ServerContext implements TlsContext {
  readonly isServer = true;
  readonly hasCertificate = true;
  readonly #rules: PeerRules;
  readonly #server: Server;
  /** By the object that stands for the server in one connection. */
  readonly #sessions = new WeakMap<object, NodeTlsSession>();

  constructor(options: StartTlsOptions & { readonly isServer: true }) {
    const { alpnProtocols, clientCertificate } = options;
    const isRequired = clientCertificate === 'require';
    this.#rules = {
      isServer: true,
      isInsecure: options.insecure === true,
      isCertificateRequired: isRequired,
      pins: pinsOf(options),
      needsAlpn: alpnProtocols !== undefined,
      serverName: undefined,
    };
    this.#server = usable(() =>
      createServer({
        ...credentials(options),
        requestCert: clientCertificate !== undefined,
        // Only so does OpenSSL tell a client without a certificate by an alert what is wrong.
        rejectUnauthorized: isRequired && options.pin === undefined && options.insecure === undefined,
        ...(alpnProtocols === undefined ? {} : { ALPNProtocols: [...alpnProtocols] }),
        // Below 0: no timer. The handshake's time is kept on the reactor's clock.
        handshakeTimeout: -1,
      }),
    );
    // The last that fits counts: whole names before those with a `*`.
    const hosts = Object.entries(options.hosts ?? {}).sort(
      ([a], [b]) => Number(b.includes('*')) - Number(a.includes('*')),
    );
    for (const [name, identity] of hosts) {
      const secureContext = usable(() => createSecureContext(credentials({ ...options, ...identity })));
      this.#server.addContext(name.toLowerCase(), secureContext);
    }
    this.#listen();
  }

  open(events: TlsSessionEvents): TlsSession {
    const session = new NodeTlsSession(this.#rules, events);
    // One server for all, and one object in its place for each: events tell by `this` whose they are.
    const stand: Server = Object.create(this.#server);
    this.#sessions.set(stand, session);
    session.accept((stream) => stand.emit('connection', stream as never));
    return session;
  }

  #listen(): void {
    const sessions = this.#sessions;
    this.#server.on('secureConnection', function (this: object, socket: TLSSocket) {
      sessions.get(this)?.accepted(socket);
    });
    this.#server.on('tlsClientError', function (this: object, error: Error, socket: TLSSocket) {
      const { authorizationError } = socket as { authorizationError?: unknown };
      const isRefused = typeof authorizationError === 'string';
      sessions
        .get(this)
        ?.refused(
          isRefused ? refusal(authorizationError, 'the client', socket.getPeerX509Certificate()) : error,
        );
    });
  }
}

function credentials(options: StartTlsOptions): SecureContextOptions {
  const { certificate, key, passphrase, minVersion = 'TLSv1.2' } = options;
  // Whoever is pinned needs nobody else; without this the system's authorities would be loaded.
  const ca = authoritiesOf(options) ?? (needsAuthorities(options) ? undefined : []);
  return {
    minVersion,
    secureOptions: SECURE_OPTIONS,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: textOf(certificate) }),
    ...(key === undefined ? {} : { key: textOf(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function needsAuthorities(options: StartTlsOptions): boolean {
  if (options.pin !== undefined || options.insecure) return false;
  return !options.isServer || options.clientCertificate !== undefined;
}

/** What OpenSSL cannot use is our caller's mistake. */
function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const code = errnoOf(cause) ?? String(cause);
    const reason = code.includes('KEY_VALUES_MISMATCH')
      ? 'the key is not that of the certificate'
      : `the certificate or its key cannot be used (${code})`;
    throw new UsageError(reason, { cause });
  }
}

/**
 * As DNS has it: in ASCII, without the dot of the root. Each label has something in it: to OpenSSL `.example.com` is every
 * host there.
 */
function hostName(name: string): string {
  if (isIP(name) !== 0) return name;
  const ascii = domainToASCII(name.replace(/\.$/, ''));
  if (ascii.includes('*') || ascii.split('.').includes(''))
    throw new UsageError(`serverName is a host name or an IP address, not ${JSON.stringify(name)}`);
  return ascii;
}
