import { Deferred } from '../../lib/defer/deferred.ts';
import { NoProtocol, OnlyOneTls, toError, UsageError } from '../../lib/errors.ts';
import type { StreamFactory, StreamProtocol } from '../../lib/interfaces/protocol.ts';
import type { StartTlsOptions, TlsFacts } from '../../lib/interfaces/tls.ts';
import { parseBoxes } from './box-bytes.ts';
import { type Command, requireCommand } from './command.ts';
import type { Values } from './command-wire.ts';
import type { BoxDispatcher } from './dispatcher.ts';
import { ProtocolSwitched } from './errors.ts';
import { parseTag } from './outstanding-calls.ts';
import type { CallOptions } from './responder.ts';
import { StartTls } from './start-tls.ts';
import { secure, type TakenConnection } from './takeover.ts';

/** What makes the protocol that a connection becomes. */
export type ProtocolMaker<P extends StreamProtocol> = StreamFactory<P> | (() => P);

/** Asks the peer to make something else of the connection, and keeps back what is sent until it has answered. */
export class TakeoverRequests {
  readonly #connection: TakenConnection;
  readonly #dispatcher: BoxDispatcher;
  /** A handshake was asked for, or is over. */
  #hasAskedForTls = false;

  constructor(connection: TakenConnection, dispatcher: BoxDispatcher) {
    this.#connection = connection;
    this.#dispatcher = dispatcher;
  }

  /** Calls `command`; once it is answered the connection belongs to the protocol that `maker` makes. */
  switchProtocol<P extends StreamProtocol>(
    command: Command,
    values: Values,
    maker: ProtocolMaker<P>,
    options: CallOptions | undefined,
  ): Deferred<P> {
    const { output } = this.#connection;
    requireCommand(command);
    if (command.kind !== 'protocol') throw new UsageError(`'${command.name}' switches no protocol`);
    if (output.isHeld) throw new ProtocolSwitched('the connection is about to change already');
    let made: P | undefined;
    const answer = this.#dispatcher.call(command, values, options, (isError, isGivenUp) => {
      this.#dispatcher.lock(undefined);
      if (isError) {
        output.release();
        return undefined;
      }
      try {
        if (isGivenUp) throw new ProtocolSwitched('the peer switched after the call was given up');
        made = this.#make(maker);
        this.#connection.become(made, this.#connection.takeRest());
        return undefined;
      } catch (thrown) {
        this.#connection.transport.abortConnection();
        return toError(thrown);
      }
    });
    // What is sent from here on might reach a peer that speaks AMP no more.
    this.#dispatcher.lock(new ProtocolSwitched('the connection is about to become one of another protocol'));
    output.hold();
    return answer.addCallback(() => made as P);
  }

  /** Asks for TLS and begins it; fires when the handshake is over. */
  startTLS(tls: StartTlsOptions, options: CallOptions | undefined): Deferred<TlsFacts> {
    const { output, transport } = this.#connection;
    if (this.#hasAskedForTls || transport.tls !== undefined)
      throw new OnlyOneTls('the connection has TLS already');
    if (output.isHeld) throw new ProtocolSwitched('the connection is about to change already');
    if (transport.startTLS === undefined) throw new UsageError('this transport cannot be secured');
    let secured: PromiseLike<TlsFacts> | undefined;
    const answer = this.#dispatcher.call(StartTls, {}, options, (isError, isGivenUp) => {
      try {
        if (isError) {
          this.#hasAskedForTls = false;
          this.#refused();
          return undefined;
        }
        if (isGivenUp) throw new ProtocolSwitched('the peer began TLS after the call was given up');
        secured = secure(this.#connection, tls);
        output.release();
        return undefined;
      } catch (thrown) {
        this.#connection.transport.abortConnection();
        return toError(thrown);
      }
    });
    this.#hasAskedForTls = true;
    output.hold();
    return answer.addCallback(() => Deferred.from(secured as PromiseLike<TlsFacts>));
  }

  /** There is no TLS: what was called in the belief that there would be is not sent in clear. */
  #refused(): void {
    const { output } = this.#connection;
    const reason = new UsageError('the call was kept back for TLS, which the peer refused');
    const tags: number[] = [];
    let unanswered: Error | undefined;
    for (const box of parseBoxes(output.writer.take())) {
      const tag = box.get('_ask');
      if (!box.has('_command')) output.sendBox(box);
      else if (box.has('_route'))
        throw new UsageError('a call of a route was kept back for TLS, which was refused');
      else if (tag === undefined) unanswered = reason;
      else tags.push(parseTag(tag, 0, tag.length));
    }
    this.#connection.dropWhatIsForTls(reason);
    output.release(unanswered);
    for (const tag of tags) this.#dispatcher.failCall(tag, reason);
  }

  #make<P extends StreamProtocol>(maker: ProtocolMaker<P>): P {
    if (typeof maker === 'function') return maker();
    maker.doStart();
    const protocol = maker.buildProtocol(this.#connection.transport.getPeer());
    if (protocol === undefined) {
      maker.doStop();
      throw new NoProtocol();
    }
    this.#connection.onEnd(() => maker.doStop());
    return protocol;
  }
}
