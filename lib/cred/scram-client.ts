import { encodeBase64 } from '../bytes/base64.ts';
import { Deferred } from '../defer/deferred.ts';
import { UnverifiedServer, UsageError } from '../errors.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import { prepareName, preparePassword } from './names.ts';
import {
  bindingInput,
  type ChannelBinding,
  escapeName,
  formatNonce,
  type Gs2Header,
  NONCE_BYTES,
  parseServerFinal,
  parseServerFirst,
  type ServerFirst,
} from './scram-messages.ts';
import { scramKeys } from './scram-verifier.ts';

/** Who logs in, and with what. */
export interface ScramClientOptions {
  readonly username: string;
  readonly password: string;
  readonly cryptography: Cryptography;
  /** The TLS connection below, to bind the login to it: SCRAM-SHA-256-PLUS, which the server must have offered. */
  readonly binding?: ChannelBinding;
  /**
   * Says, where there is no `binding`, that this end would have bound itself: a server that could have, because somebody in
   * the middle speaks TLS to it and not to us, then refuses (RFC 5802 §6). A server that offers -PLUS does so, too.
   */
  readonly wouldBind?: boolean;
  /** A server that wants less is refused: it may be after a proof that is cheap to search. 4096 unless given (RFC 7677 §4). */
  readonly minIterations?: number;
  /** A server that wants more is refused: it may want to keep this client busy. 2 000 000 unless given. */
  readonly maxIterations?: number;
  /** This end's part of the nonce, for test vectors. Drawn unless given. */
  readonly nonce?: string;
}

/** The client's side of one run of SCRAM-SHA-256 (RFC 7677). */
export class ScramClient {
  readonly #header: Gs2Header;
  readonly #bare: string;
  readonly #nonce: string;
  readonly #password: Uint8Array;
  readonly #options: ScramClientOptions;
  #isAnswering = false;
  #expectedSignature: Uint8Array | undefined;

  /** UsageError for a name or a password that RFC 4013 does not allow. */
  constructor(options: ScramClientOptions) {
    const name = prepareName(options.username);
    const password = preparePassword(options.password);
    if (name === undefined) throw new UsageError('this cannot be a user name: RFC 4013 does not allow it');
    if (password === undefined) throw new UsageError('this cannot be a password: RFC 4013 does not allow it');
    this.#options = options;
    this.#password = password;
    this.#nonce = options.nonce ?? formatNonce(options.cryptography.randomBytes(NONCE_BYTES));
    this.#bare = `n=${escapeName(name)},r=${this.#nonce}`;
    this.#header = headerOf(options);
  }

  /** The message that begins the exchange. */
  get first(): string {
    return this.#header.text + this.#bare;
  }

  /**
   * The answer to the server's challenge. Takes one key derivation.
   *
   * UnverifiedServer when the challenge is not one that an honest server would send.
   */
  answer(serverFirst: string): Deferred<string> {
    if (this.#isAnswering) return Deferred.fail(new UsageError('the challenge was answered already'));
    this.#isAnswering = true;
    const challenge = parseServerFirst(serverFirst);
    const fault = typeof challenge === 'string' ? challenge : this.#faultOf(challenge);
    if (typeof challenge === 'string' || fault !== undefined) {
      return Deferred.fail(new UnverifiedServer(`the server's challenge is refused: ${fault}`));
    }
    const salted = this.#options.cryptography.pbkdf2(this.#password, challenge.salt, challenge.iterations);
    return Deferred.from(salted).addCallback((key) => this.#prove(key, serverFirst, challenge));
  }

  /** Whether the server knows this user too. If not, it is not the one that it says it is. */
  verify(serverFinal: string): boolean {
    const expected = this.#expectedSignature;
    const signature = parseServerFinal(serverFinal);
    if (expected === undefined || typeof signature === 'string') return false;
    return this.#options.cryptography.isEqual(signature, expected);
  }

  #faultOf({ nonce, iterations }: ServerFirst): string | undefined {
    const { minIterations = 4096, maxIterations = 2_000_000 } = this.#options;
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) return 'wrong nonce';
    if (iterations < minIterations) return `${iterations} iterations are too few`;
    return iterations > maxIterations ? `${iterations} iterations are too many` : undefined;
  }

  #prove(saltedPassword: Uint8Array, serverFirst: string, { nonce }: ServerFirst): string {
    const { cryptography, binding } = this.#options;
    const withoutProof = `c=${encodeBase64(bindingInput(this.#header, binding))},r=${nonce}`;
    const exchanged = new TextEncoder().encode(`${this.#bare},${serverFirst},${withoutProof}`);
    const { clientKey, serverKey } = scramKeys(saltedPassword, cryptography);
    const signature = cryptography.hmacSha256(cryptography.sha256(clientKey), exchanged);
    this.#expectedSignature = cryptography.hmacSha256(serverKey, exchanged);
    const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
    return `${withoutProof},p=${encodeBase64(proof)}`;
  }
}

function headerOf({ binding, wouldBind }: ScramClientOptions): Gs2Header {
  if (binding !== undefined) return { text: `p=${binding.name},,`, binding: 'used' };
  return wouldBind === true ? { text: 'y,,', binding: 'unused' } : { text: 'n,,', binding: 'no' };
}
