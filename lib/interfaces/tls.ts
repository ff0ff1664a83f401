/** Certificates or keys: PEM text, or its bytes. */
export type Pem = string | Uint8Array;

/** What both ends of a TLS connection take. A peer is verified unless `insecure` says otherwise. */
export interface TlsOptions {
  /** This end's certificate, the rest of its chain behind it. A server needs one. */
  readonly certificate?: Pem;
  /** The private key of `certificate`. */
  readonly key?: Pem;
  readonly passphrase?: string;
  /** Who may vouch for the peer: instead of those that the system trusts. */
  readonly ca?: Pem | readonly Pem[];
  /**
   * SHA-256 fingerprints, in hexadecimal with or without colons. The peer's certificate must have one of them, whoever
   * vouches for it; it then needs nobody to do so, and its names and dates do not matter.
   */
  readonly pin?: string | readonly string[];
  /** Application protocols, the preferred first (RFC 7301). With no common one the handshake fails. */
  readonly alpnProtocols?: readonly string[];
  /** 'TLSv1.2' when left out. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** How long the handshake may take: 10 s when left out. */
  readonly handshakeTimeoutMs?: number;
  /** How long a close waits for the peer's close_notify: the reactor's lingerMs when left out. */
  readonly closeTimeoutMs?: number;
  /** Takes whatever certificate the peer has. For tests: anybody can be in the middle. */
  readonly insecure?: true;
}

/** What the end that connects takes. */
export interface TlsClientOptions extends TlsOptions {
  /** The name that the peer's certificate must have, and that it is told (SNI). The host that is connected to when left out. */
  readonly serverName?: string;
}

/** A certificate and its key. */
export interface TlsIdentity {
  /** The rest of its chain behind it. */
  readonly certificate: Pem;
  readonly key: Pem;
  readonly passphrase?: string;
}

/** What the end that listens takes. */
export interface TlsServerOptions extends TlsOptions {
  /**
   * Other certificates, by the name that a client asks for (SNI): a host name, or one with `*` in the place of a label.
   * `certificate` is for all other names, and for clients that ask for none.
   */
  readonly hosts?: Readonly<Record<string, TlsIdentity>>;
  /** Whether clients are asked for a certificate: 'require' refuses those that have none. Left out: not asked. */
  readonly clientCertificate?: 'ask' | 'require';
}

/** A certificate as the peer showed it. */
export interface PeerCertificate {
  /** Its bytes, DER. */
  readonly der: Uint8Array;
  /** SHA-256 of `der`: upper case hexadecimal, a colon between bytes. */
  readonly fingerprint: string;
  /** The common name of its subject; '' where there is none. */
  readonly commonName: string;
  /** Its subject alternative names, as in 'DNS:host.example' and 'IP Address:192.0.2.1'. */
  readonly subjectAltNames: readonly string[];
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
}

/** What a handshake agreed on. */
export interface TlsFacts {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly cipher: string;
  /** Undefined where the two had no protocol to agree on. */
  readonly alpnProtocol: string | undefined;
  /** Undefined where the peer showed none; otherwise verified, unless the options said `insecure`. */
  readonly peerCertificate: PeerCertificate | undefined;
  /** What the client asked for by SNI. */
  readonly serverName: string | undefined;
  /** 32 bytes that only the two ends know: RFC 9266's tls-exporter. TLS 1.3 only: with 1.2 they might be shared. */
  readonly channelBinding?: Uint8Array | undefined;
}

/**
 * What a running connection is made secure with. Who is not the server knows no host name that it connected to: it
 * gives `serverName`, `pin` or `insecure`.
 */
export type StartTlsOptions = (
  | ({ readonly isServer: true } & TlsServerOptions)
  | ({ readonly isServer?: false } & TlsClientOptions)
) & {
  /** What was received last, is not understood by the protocol, and belongs to the handshake. */
  readonly unread?: Uint8Array;
};

/** Where TLS is made. The composition root gives it to the reactor; the real one is `nodeTls`. */
export interface Tls {
  /**
   * Checks the options and gets everything ready that connections share. Throws UsageError for what cannot work: a
   * certificate that is none, a key of another certificate. The same object gives the same context: do not change it.
   */
  prepare(options: StartTlsOptions): TlsContext;
}

/** Options, ready for any number of connections. */
export interface TlsContext {
  readonly isServer: boolean;
  /** Whether this end has a certificate to show. */
  readonly hasCertificate: boolean;
  /** Begins a handshake. Nothing is reported from inside this call, but `send` may be called. */
  open(events: TlsSessionEvents): TlsSession;
}

/** One end of TLS: ciphertext on one side, plain bytes on the other. It knows no network and no time. */
export interface TlsSession {
  /** Plain bytes written and not yet sent. */
  readonly bufferedBytes: number;
  /** Ciphertext came. It belongs to the session. */
  receive(ciphertext: Uint8Array): void;
  /** No more will come. When all before it is delivered, `ended`, `truncated` or `failed` follows, if none has; while paused, later. */
  receiveEnd(): void;
  /** `send` may be called again after it returned false. */
  sendDrained(): void;
  /** Not before `secured`. Takes the bytes over; false when it is full: `drained` follows. */
  write(bytes: Uint8Array): boolean;
  /** close_notify after all that was written; `finished` follows. Reading goes on. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Forgets everything. Nothing is reported any more. */
  destroy(): void;
}

/** What a TlsSession tells its owner. From the event loop, but for `send` and `holdInput`. */
export interface TlsSessionEvents {
  /** Takes the bytes over. False when there is no room: the session waits for `sendDrained`. */
  send(ciphertext: Uint8Array): boolean;
  /** Whether the ciphertext should wait: the session is full of it. */
  holdInput(isHeld: boolean): void;
  /** The handshake is over and the peer verified. */
  secured(facts: TlsFacts): void;
  /** A client's peer has sent something after the handshake: it does not refuse us. */
  confirmed(): void;
  received(bytes: Uint8Array): void;
  /** The peer's close_notify, after its last byte. */
  ended(): void;
  /** The ciphertext ended without close_notify; before `secured`, in the midst of the handshake. */
  truncated(): void;
  drained(): void;
  /** close_notify was sent, and all before it. */
  finished(): void;
  /** Last. An alert that says so to the peer was sent before, where there is one. */
  failed(error: Error): void;
}
