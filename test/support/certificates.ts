import { KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import {
  loadX509,
  type X509Certificate as MadeCertificate,
  type X509,
  type X509Extension,
} from '../../lib/cli/x509.ts';

/** A certificate and its key, as the TLS options take them. */
export interface TestCertificate {
  /** PEM; where there is a chain, the rest of it behind. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** SHA-256 of the certificate: upper case hexadecimal, a colon between bytes. */
  readonly fingerprint: string;
}

/** The certificates that tests need, of every kind. All are of ECDSA P-256 and made anew in each process. */
export interface TestCertificates {
  /** Vouches for all of the following unless they say otherwise. */
  readonly ca: TestCertificate;
  /** Another one, whom nobody trusts. */
  readonly otherCa: TestCertificate;
  /** Good for SERVER_NAMES and SERVER_ADDRESSES. */
  readonly server: TestCertificate;
  /** Another good one for the same names: only a pin tells it from `server`. */
  readonly otherServer: TestCertificate;
  /** Good for other.example only. */
  readonly wrongHost: TestCertificate;
  /** Names localhost as its common name, which RFC 9525 does not count, and has no alternative names. */
  readonly commonNameOnly: TestCertificate;
  /** Ended an hour ago. */
  readonly expired: TestCertificate;
  /** Begins in a day. */
  readonly notYetValid: TestCertificate;
  /** Like `server`, but otherCa vouches for it. */
  readonly untrusted: TestCertificate;
  /** Like `server`, but it vouches for itself, and is no CA. */
  readonly selfSigned: TestCertificate;
  /** Like `server`, but an intermediate CA vouches for it, whose certificate is behind it. */
  readonly chained: TestCertificate;
  /** The same without the intermediate CA's certificate: nobody can tell who vouches for it. */
  readonly unchained: TestCertificate;
  /** Like `server`, but `server`, which is no CA, vouches for it; its chain is behind it. */
  readonly leafSigned: TestCertificate;
  /** Like `server`, but for clients only (extended key usage). */
  readonly clientUsageOnly: TestCertificate;
  /** A good client certificate, of alice. */
  readonly client: TestCertificate;
  /** A client certificate of alice too, but otherCa vouches for it. */
  readonly rogueClient: TestCertificate;
  /** A client certificate that vouches for itself. */
  readonly selfSignedClient: TestCertificate;
  /** A client certificate that ended an hour ago. */
  readonly expiredClient: TestCertificate;
  /** A certificate of alice that is for servers only (extended key usage). */
  readonly serverUsageOnly: TestCertificate;
  /** It vouches for itself, and names nobody: neither whose it is nor who vouches for it. */
  readonly nameless: TestCertificate;
}

export const SERVER_NAMES = ['localhost', 'server.example'] as const;
export const SERVER_ADDRESSES = ['127.0.0.1', '::1', '10.0.0.1', '10.0.0.2'] as const;

let made: Promise<TestCertificates> | undefined;

/** The certificates, made at the first call: 0.2 s. */
export function testCertificates(): Promise<TestCertificates> {
  made ??= loadX509().then((x509) => new Workshop(x509).makeAll());
  return made;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Usage = 'server' | 'client' | 'ca';

interface Wish {
  /** Nobody's when left out. */
  readonly commonName?: string;
  readonly usage: Usage;
  /** Subject alternative names of servers. */
  readonly hosts?: readonly string[];
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Vouches for itself when left out. */
  readonly issuer?: Issued;
}

interface Issued {
  readonly certificate: MadeCertificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

const HOSTS = [...SERVER_NAMES, ...SERVER_ADDRESSES];

class Workshop {
  readonly #x509: X509;

  constructor(x509: X509) {
    this.#x509 = x509;
  }

  async makeAll(): Promise<TestCertificates> {
    const ca = await this.#issue({ commonName: 'hawser test CA', usage: 'ca' });
    const otherCa = await this.#issue({ commonName: 'another CA', usage: 'ca' });
    const intermediate = await this.#issue({ commonName: 'intermediate CA', usage: 'ca', issuer: ca });
    const asServer = (wish: Partial<Wish> = {}): Promise<Issued> =>
      this.#issue({ commonName: 'server', usage: 'server', hosts: HOSTS, issuer: ca, ...wish });
    const asClient = (wish: Partial<Wish> = {}): Promise<Issued> =>
      this.#issue({ commonName: 'alice', usage: 'client', issuer: ca, ...wish });
    const hasEnded = { fromMs: -DAY_MS, toMs: -HOUR_MS };
    const server = await asServer();
    const chained = await asServer({ issuer: intermediate });
    return {
      ca: shown(ca),
      otherCa: shown(otherCa),
      server: shown(server),
      otherServer: shown(await asServer()),
      wrongHost: shown(await asServer({ hosts: ['other.example', '192.0.2.1'] })),
      commonNameOnly: shown(await asServer({ commonName: 'localhost', hosts: [] })),
      expired: shown(await asServer(hasEnded)),
      notYetValid: shown(await asServer({ fromMs: DAY_MS, toMs: 2 * DAY_MS })),
      untrusted: shown(await asServer({ issuer: otherCa })),
      selfSigned: shown(await this.#issue({ commonName: 'server', usage: 'server', hosts: HOSTS })),
      chained: shown(chained, intermediate),
      unchained: shown(chained),
      leafSigned: shown(await asServer({ commonName: 'leaf', issuer: server }), server),
      clientUsageOnly: shown(await asServer({ usage: 'client' })),
      client: shown(await asClient()),
      rogueClient: shown(await asClient({ issuer: otherCa })),
      selfSignedClient: shown(await this.#issue({ commonName: 'alice', usage: 'client' })),
      expiredClient: shown(await asClient(hasEnded)),
      serverUsageOnly: shown(await asClient({ usage: 'server' })),
      nameless: shown(await this.#issue({ usage: 'client' })),
    };
  }

  async #issue(wish: Wish): Promise<Issued> {
    const { X509CertificateGenerator } = this.#x509;
    const { commonName, issuer, fromMs = -DAY_MS, toMs = 30 * DAY_MS } = wish;
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const subject = commonName === undefined ? '' : `CN=${commonName}`;
    const certificate = await X509CertificateGenerator.create({
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() + fromMs),
      notAfter: new Date(Date.now() + toMs),
      extensions: this.#extensions(wish),
    });
    return { certificate, keys };
  }

  #extensions({ usage, hosts = [] }: Wish): X509Extension[] {
    const {
      BasicConstraintsExtension,
      ExtendedKeyUsage,
      ExtendedKeyUsageExtension,
      KeyUsageFlags,
      KeyUsagesExtension,
      SubjectAlternativeNameExtension,
    } = this.#x509;
    if (usage === 'ca') {
      const flags = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
      return [new BasicConstraintsExtension(true, undefined, true), new KeyUsagesExtension(flags, true)];
    }
    const purpose = usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
    const names = hosts.map((host) => ({
      type: /^[\d.]+$|:/.test(host) ? ('ip' as const) : ('dns' as const),
      value: host,
    }));
    return [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([purpose]),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    ];
  }
}

function shown({ certificate, keys }: Issued, ...chain: readonly Issued[]): TestCertificate {
  const pem = [certificate, ...chain.map((link) => link.certificate)].map((each) => each.toString('pem'));
  return {
    certificate: `${pem.join('\n')}\n`,
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string,
    fingerprint: new X509Certificate(certificate.toString('pem')).fingerprint256,
  };
}
