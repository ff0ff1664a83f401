import {
  CertificateRejected,
  CertificateUntrusted,
  ConnectionDone,
  ConnectionReset,
  TlsError,
  TlsTimeout,
  TlsTruncated,
} from '../../errors.ts';
import type { Address } from '../../interfaces/address.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import type { TlsContext, TlsFacts, TlsOptions, TlsSession, TlsSessionEvents } from '../../interfaces/tls.ts';
import type { TcpMeasures } from '../../interfaces/transport.ts';
import { type DelayedCall, NEVER } from '../../time/clock.ts';
import type { ChannelEvents, StreamChannel } from '../provider.ts';
import { HANDSHAKE_TIMEOUT_MS } from './options.ts';

/**
 * Under TLS 1.3 a client is done before the server has seen its certificate. One that has shown a certificate waits for
 * the server's first word after that, a session ticket as a rule: so many times as long as the handshake took, within
 * these bounds. A server that accepts and says nothing costs its clients that much once.
 */
const CONFIRMATION_FACTOR = 2;
const CONFIRMATION_LEAST_MS = 200;
const CONFIRMATION_MOST_MS = 2_000;

/** What a TlsChannel is made with. */
export interface TlsChannelOptions {
  readonly host: TransportHost;
  readonly context: TlsContext;
  readonly timeouts: Pick<TlsOptions, 'handshakeTimeoutMs' | 'closeTimeoutMs'>;
  /** The peer's first bytes, where they were taken from the channel before. */
  readonly unread: readonly Uint8Array[];
  /** The peer's FIN came behind them. */
  readonly isEnded: boolean;
  /** The handshake is over and the peer verified. Called before anything is reported. */
  readonly secured: (facts: TlsFacts) => void;
}

/** `confirming`: the handshake is over, but the server may still refuse our certificate. */
type State = 'handshaking' | 'confirming' | 'secure' | 'over';

/**
 * TLS over a channel of any kind, as a channel. Nothing is delivered, and nothing written is sent, before the peer is
 * verified. A handshake that fails closes the channel with the reason; so does an end without close_notify.
 */
export class TlsChannel implements StreamChannel {
  readonly #below: StreamChannel;
  readonly #options: TlsChannelOptions;
  readonly #host: TransportHost;
  readonly #session: TlsSession;
  readonly #beganAt: number;
  #events: ChannelEvents | undefined = undefined;
  #state: State = 'handshaking';
  #facts: TlsFacts | undefined = undefined;
  #timer: DelayedCall | undefined = undefined;

  /** Written before the handshake was over. */
  #early: Uint8Array[] = [];
  #ending: 'open' | 'shutdown' | 'close' = 'open';
  #isEnding = false;
  /** close_notify: whether the peer's was reported; whether ours was sent. */
  #readIsOver = false;
  #writeIsOver = false;
  /** Something was written after the peer's close_notify. */
  #isAnswering = false;
  #isConfirmed = false;
  #isPaused = false;
  /** What the end is reported as, whatever the channel below says. */
  #reason: Error | undefined = undefined;
  /** How the channel below ended, while what it brought is not all delivered. */
  #belowEnded: Error | undefined = undefined;

  /** Takes `below` over: from here on its events come here. To be attached to in the same turn. */
  constructor(below: StreamChannel, options: TlsChannelOptions) {
    this.#below = below;
    this.#options = options;
    this.#host = options.host;
    const { clock } = options.host;
    this.#beganAt = clock.now();
    const { handshakeTimeoutMs: limitMs = HANDSHAKE_TIMEOUT_MS } = options.timeouts;
    this.#after(limitMs, () => {
      this.#endWith(new TlsTimeout(`the TLS handshake was not over within ${limitMs} ms`), 'abort');
    });
    below.attach(this.#eventsFromBelow());
    this.#session = options.context.open(this.#eventsFromTls());
    below.resume();
    for (const bytes of options.unread) this.#session.receive(bytes);
    if (options.isEnded) this.#session.receiveEnd();
  }

  attach(events: ChannelEvents): void {
    this.#events = events;
  }

  get bufferedBytes(): number {
    const early = this.#early.reduce((sum, bytes) => sum + bytes.length, 0);
    return early + this.#session.bufferedBytes + this.#below.bufferedBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ending !== 'open' || this.#state === 'over') return false;
    if (this.#state === 'secure') {
      this.#isAnswering = this.#readIsOver;
      return this.#session.write(bytes);
    }
    this.#early.push(bytes);
    return false;
  }

  shutdown(): void {
    if (this.#ending !== 'open') return;
    this.#ending = 'shutdown';
    if (this.#state === 'secure') this.#sayGoodbye();
  }

  close(): void {
    this.#ending = 'close';
    if (this.#state === 'secure') this.#sayGoodbye();
    // Nothing is to be sent, so nobody waits for the handshake.
    else if (this.#state !== 'over' && this.#early.length === 0) this.#endWith(undefined, 'close');
  }

  abort(): void {
    this.#endWith(this.#reason, 'abort');
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#state === 'secure') this.#session.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#state === 'secure') this.#session.resume();
  }

  getHost(): Address {
    return this.#below.getHost();
  }

  getPeer(): Address {
    return this.#below.getPeer();
  }

  setNoDelay(isEnabled: boolean): void {
    this.#below.setNoDelay(isEnabled);
  }

  setKeepAlive(isEnabled: boolean): void {
    this.#below.setKeepAlive(isEnabled);
  }

  tcpInfo(): TcpMeasures | undefined {
    return this.#below.tcpInfo?.();
  }

  #eventsFromBelow(): ChannelEvents {
    return {
      channelReceived: (bytes) => {
        if (this.#state !== 'over') this.#session.receive(bytes);
      },
      channelEnded: () => this.#session.receiveEnd(),
      channelDrained: () => this.#session.sendDrained(),
      channelFinished: () => {
        if (this.#writeIsOver) this.#events?.channelFinished();
      },
      channelClosed: (reason) => this.#belowClosed(reason),
    };
  }

  #eventsFromTls(): TlsSessionEvents {
    return {
      send: (ciphertext) => this.#below.write(ciphertext),
      holdInput: (isHeld) => {
        if (isHeld) this.#below.pause();
        else this.#below.resume();
      },
      secured: (facts) => this.#handshakeOver(facts),
      confirmed: () => this.#confirmed(),
      received: (bytes) => this.#events?.channelReceived(bytes),
      ended: () => this.#readOver(),
      truncated: () => this.#truncated(),
      drained: () => this.#events?.channelDrained(),
      finished: () => this.#writeOver(),
      failed: (error) => this.#failed(error),
    };
  }

  // The handshake.

  #handshakeOver(facts: TlsFacts): void {
    this.#facts = facts;
    const { isServer, hasCertificate } = this.#options.context;
    if (isServer || !hasCertificate || facts.version !== 'TLSv1.3') {
      this.#secured(facts);
      return;
    }
    this.#state = 'confirming';
    const tookMs = this.#host.clock.now() - this.#beganAt;
    const waitMs = Math.max(CONFIRMATION_LEAST_MS, CONFIRMATION_FACTOR * tookMs);
    this.#after(Math.min(CONFIRMATION_MOST_MS, waitMs), () => this.#secured(facts));
  }

  #confirmed(): void {
    this.#isConfirmed = true;
    if (this.#state === 'confirming' && this.#facts !== undefined) this.#secured(this.#facts);
  }

  #secured(facts: TlsFacts): void {
    this.#state = 'secure';
    this.#cancelTimer();
    if (this.#isPaused) this.#session.pause();
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#session.write(bytes);
    this.#options.secured(facts);
    if (this.#state !== 'secure') return;
    if (this.#ending !== 'open') this.#sayGoodbye();
    // Whoever wrote before the handshake was over was told that this is full.
    else this.#events?.channelDrained();
  }

  // The end.

  #sayGoodbye(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#session.end();
  }

  /** Our close_notify is on its way, all data before it. The FIN goes with it: nothing more can follow. */
  #writeOver(): void {
    this.#writeIsOver = true;
    this.#below.shutdown();
    this.#closeWhenBothAreOver();
  }

  #readOver(): void {
    if (this.#state === 'confirming') this.#confirmed();
    this.#readIsOver = true;
    this.#events?.channelEnded();
    if (this.#belowEnded !== undefined) this.#report(this.#belowEnded);
    else this.#closeWhenBothAreOver();
  }

  #closeWhenBothAreOver(): void {
    if (!this.#writeIsOver || this.#state === 'over') return;
    if (this.#readIsOver) this.#below.close();
    // All that we had to say is said: a peer that does not answer is its own loss.
    else if (this.#ending === 'close') this.#afterClose(() => this.#endWith(new ConnectionDone(), 'abort'));
  }

  #truncated(): void {
    if (this.#state === 'secure' && this.#ending === 'close') {
      // Whatever is missing would not have been delivered.
      this.#readOver();
      return;
    }
    this.#endWith(this.#endReason(this.#belowEnded), 'abort');
  }

  /** What a connection that ended without close_notify is lost with; `cause` is what the channel below says. */
  #endReason(cause: Error | undefined): Error {
    const options = cause === undefined || cause instanceof ConnectionDone ? {} : { cause };
    const { isServer, hasCertificate } = this.#options.context;
    if (this.#state === 'handshaking') {
      const hint = hasCertificate && !isServer ? '; it may refuse our certificate' : '';
      return new TlsError(`the connection ended during the TLS handshake${hint}`, options);
    }
    if (isServer || this.#isConfirmed || this.#facts?.version !== 'TLSv1.3') return new TlsTruncated();
    if (hasCertificate)
      return new CertificateRejected(
        'the server ended the connection when it had seen our certificate',
        options,
      );
    return new TlsTruncated(
      'the server ended the connection after the handshake; it may require a certificate',
    );
  }

  #failed(error: Error): void {
    const isOurRefusal = !this.#options.context.isServer && error instanceof CertificateUntrusted;
    this.#endWith(error, isOurRefusal ? 'abort' : 'close');
  }

  /** TLS is over. The end is reported when the channel below has closed; with its reason where there is none here. */
  #endWith(reason: Error | undefined, how: 'close' | 'abort'): void {
    this.#reason = reason;
    this.#state = 'over';
    this.#early = [];
    this.#session.destroy();
    this.#cancelTimer();
    const ended = this.#belowEnded;
    if (ended !== undefined) {
      this.#host.clock.callSoon(() => this.#report(reason ?? ended));
      return;
    }
    // What still comes is dropped.
    this.#below.resume();
    if (how === 'abort') {
      this.#below.abort();
      return;
    }
    this.#afterClose(() => {
      this.#reason ??= new ConnectionDone();
      this.#below.abort();
    });
    this.#below.close();
  }

  #belowClosed(reason: Error): void {
    this.#belowEnded = reason;
    this.#cancelTimer();
    const isUnread = this.#state === 'secure' && !this.#readIsOver && reason instanceof ConnectionDone;
    // What came last, an alert perhaps, may be on its way through OpenSSL.
    if (isUnread || this.#state === 'handshaking' || this.#state === 'confirming') this.#session.receiveEnd();
    else this.#report(this.#reason ?? (this.#isHarmless(reason) ? new ConnectionDone() : reason));
  }

  /** A peer that closed its socket with its close_notify resets the connection when it gets ours: no harm is done. */
  #isHarmless(reason: Error): boolean {
    return reason instanceof ConnectionReset && this.#readIsOver && this.#isEnding && !this.#isAnswering;
  }

  #report(reason: Error): void {
    this.#state = 'over';
    this.#session.destroy();
    const events = this.#events;
    this.#events = undefined;
    events?.channelClosed(reason);
  }

  #after(ms: number, call: () => void): void {
    this.#cancelTimer();
    if (ms !== NEVER) this.#timer = this.#host.clock.callLater(ms, call);
  }

  #afterClose(call: () => void): void {
    this.#after(this.#options.timeouts.closeTimeoutMs ?? this.#host.lingerMs, call);
  }

  #cancelTimer(): void {
    if (this.#timer?.active) this.#timer.cancel();
    this.#timer = undefined;
  }
}
