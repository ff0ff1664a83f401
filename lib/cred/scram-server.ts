import { encodeBase64 } from '../bytes/base64.ts';
import { Deferred } from '../defer/deferred.ts';
import { UsageError } from '../errors.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import type { ScramCredentials } from './credentials.ts';
import {
  bindingInput,
  type ChannelBinding,
  type ClientFirst,
  formatNonce,
  NONCE_BYTES,
  parseClientFinal,
  parseClientFirst,
  type ScramFault,
} from './scram-messages.ts';
import type { ScramVerifier } from './scram-verifier.ts';

/** What the server's side of an exchange needs. */
export interface ScramServerOptions {
  readonly cryptography: Cryptography;
  /** The TLS connection below; where it is given, clients that think there is none are refused (RFC 5802 §6). */
  readonly binding?: ChannelBinding;
  /** This end's part of the nonce, for test vectors. Drawn unless given. */
  readonly nonce?: string;
}

/**
 * The server's side of one run of SCRAM-SHA-256 or SCRAM-SHA-256-PLUS (RFC 7677): credentials that a protocol makes of
 * the client's first message and gives to a Portal.
 *
 * While that login is under way, `challenge` and `answer` give the two messages for the client. Whatever the client
 * sends, the worst that happens is a refusal.
 */
export class ScramServer implements ScramCredentials {
  readonly kinds = ['scram-sha-256'] as const;
  /** As the client sent it; '' when its first message makes no sense. */
  readonly username: string;
  readonly #first: ClientFirst | undefined;
  readonly #cryptography: Cryptography;
  readonly #binding: ChannelBinding | undefined;
  readonly #nonce: string;
  readonly #challenge = new Deferred<string>();
  #answer: Deferred<string> | undefined;
  #final: string | undefined;
  #fault: ScramFault | undefined;

  constructor(clientFirst: string, { cryptography, binding, nonce }: ScramServerOptions) {
    this.#nonce = nonce ?? formatNonce(cryptography.randomBytes(NONCE_BYTES));
    this.#cryptography = cryptography;
    this.#binding = binding;
    const first = acceptable(parseClientFirst(clientFirst), binding);
    if (typeof first === 'string') this.#fault = first;
    else this.#first = first;
    this.username = this.#first?.username ?? '';
  }

  /** What was wrong with a message of the client; undefined also where only the proof was. Not for the client's eyes. */
  get fault(): ScramFault | undefined {
    return this.#fault;
  }

  /** Called by the checker. A second run of the same exchange is never proved. */
  prove(verifier: ScramVerifier): Deferred<boolean> {
    if (this.#first === undefined || this.#answer !== undefined) return Deferred.succeed(false);
    const first = this.#first;
    const nonce = first.nonce + this.#nonce;
    const serverFirst = `r=${nonce},s=${encodeBase64(verifier.salt)},i=${verifier.iterations}`;
    const answer = new Deferred<string>();
    this.#answer = answer;
    this.#challenge.callback(serverFirst);
    return answer.addCallback((clientFinal) => {
      const proved = this.#check({ first, serverFirst, nonce, clientFinal, verifier });
      if (proved !== 'no' && proved !== 'yes') this.#fault = proved;
      return proved === 'yes';
    });
  }

  /** The message that answers the client's first one; fails as `login`, which these credentials were given to, does. */
  challenge(login: Deferred<unknown>): Deferred<string> {
    return whicheverIsFirst(this.#challenge, login);
  }

  /** Takes the client's final message, and fires with the answer once `login` has succeeded; fails as it does. */
  answer(clientFinal: string, login: Deferred<unknown>): Deferred<string> {
    const expected = this.#answer;
    if (expected === undefined || expected.called) this.#fault ??= 'out of turn';
    else expected.callback(clientFinal);
    const answered = new Deferred<string>();
    login.observe(
      () => answered.callback(this.#final ?? ''),
      (error) => answered.errback(error),
    );
    return answered;
  }

  #check({ first, serverFirst, nonce, clientFinal, verifier }: Round): 'yes' | 'no' | ScramFault {
    const final = parseClientFinal(clientFinal);
    if (typeof final === 'string') return final;
    const crypto = this.#cryptography;
    if (!crypto.isEqual(final.binding, bindingInput(first.header, this.#binding)))
      return 'channel binding mismatch';
    if (final.nonce !== nonce) return 'wrong nonce';
    const exchanged = new TextEncoder().encode(`${first.bare},${serverFirst},${final.withoutProof}`);
    const clientSignature = crypto.hmacSha256(verifier.storedKey, exchanged);
    const clientKey = final.proof.map((byte, at) => byte ^ (clientSignature[at] ?? 0));
    if (!crypto.isEqual(crypto.sha256(clientKey), verifier.storedKey)) return 'no';
    this.#final = `v=${encodeBase64(crypto.hmacSha256(verifier.serverKey, exchanged))}`;
    return 'yes';
  }
}

interface Round {
  readonly first: ClientFirst;
  readonly serverFirst: string;
  readonly nonce: string;
  readonly clientFinal: string;
  readonly verifier: ScramVerifier;
}

function acceptable(
  first: ClientFirst | ScramFault,
  binding: ChannelBinding | undefined,
): ClientFirst | ScramFault {
  if (typeof first === 'string') return first;
  if (first.header.binding === 'used' && binding === undefined) return 'channel binding not supported';
  // Somebody between took our offer of a binding out of what the client saw (RFC 5802 §6).
  if (first.header.binding === 'unused' && binding !== undefined) return 'channel binding stripped';
  return first;
}

/** The value of `source`, or the failure of `login` if that comes first. */
function whicheverIsFirst(source: Deferred<string>, login: Deferred<unknown>): Deferred<string> {
  const first = new Deferred<string>();
  source.observe(
    (value) => first.callback(value),
    () => {},
  );
  login.observe(
    () => {
      if (!first.called) first.errback(new UsageError('the login went by without this exchange'));
    },
    (error) => {
      if (!first.called) first.errback(error);
    },
  );
  return first;
}
