import type { Deferred } from '../../lib/defer/deferred.ts';
import { ConnectionDone, UsageError } from '../../lib/errors.ts';
import type { ReceivedBox } from './box.ts';
import type { BoxReceiver, BoxSender, LargeBoxSender, PacingSender, ViewReceiver } from './box-sender.ts';
import { BoxView } from './box-view.ts';
import { refuseName } from './declared-errors.ts';
import { ProtocolViolation } from './errors.ts';
import { unhandled } from './failures.ts';
import { errorBox } from './outbox.ts';
import { byteString, byteText, wireKey } from './wire-key.ts';

const ROUTE = wireKey('_route');
/** What may come for a route before it is connected. */
const MAX_HELD_BYTES = 1_048_576;
/** So many routes that are no more are remembered, to answer what still comes for them. */
const MAX_PAST_ROUTES = 10_000;

/** What a route asks of its router. */
interface Routes {
  /** UsageError before there is a connection. */
  readonly sender: BoxSender;
  readonly isStarted: boolean;
  remove(route: Route): void;
}

/**
 * Several conversations over one connection: each box says by `_route` which one it belongs to.
 *
 * Both sides bind a receiver, tell each other the names of their routes by a call of their own, and connect: as in
 * Divmod's AMP router. Give it to an Amp as `router`: boxes without a route stay with the Amp's own calls.
 */
export class BoxRouter implements ViewReceiver {
  readonly #routes = new Map<string | undefined, Route>();
  /** Routes that were bound, and where to the peer was told to send for them. */
  readonly #past = new Map<string, string | undefined>();
  readonly #own: Routes;
  #sender: BoxSender | undefined = undefined;
  #closedReason: Error | undefined = undefined;
  #lastName = 0;

  constructor() {
    const router = this;
    this.#own = {
      get sender() {
        if (router.#closedReason !== undefined) throw router.#closedReason;
        if (router.#sender === undefined) throw new UsageError('there is no connection yet');
        return router.#sender;
      },
      get isStarted() {
        return router.#sender !== undefined;
      },
      remove: (route) => this.#remove(route),
    };
  }

  /** A route to `receiver`, under a name that no other has. It is to be connected. */
  bind(receiver: BoxReceiver): Route;
  /** The same under a name of your own; undefined takes boxes without a route. UsageError if it is taken. */
  bind(receiver: BoxReceiver, name: string | undefined): Route;
  bind(receiver: BoxReceiver, ...given: readonly (string | undefined)[]): Route {
    if (this.#closedReason !== undefined) throw this.#closedReason;
    const name = given.length === 0 ? this.#newName() : given[0];
    if (name !== undefined) refuseName(name, 'the name of a route');
    if (this.#routes.has(name)) throw new UsageError(`the route '${name ?? ''}' is bound already`);
    const route = new Route(this.#own, receiver, name);
    this.#routes.set(name, route);
    return route;
  }

  startReceivingBoxes(sender: BoxSender): void {
    this.#sender = sender;
    for (const route of [...this.#routes.values()]) route.routerStarted();
  }

  boxReceived(box: ReceivedBox): void {
    this.viewReceived(BoxView.of(box));
  }

  viewReceived(view: BoxView): void {
    const index = view.find(ROUTE);
    const name = index < 0 ? undefined : byteText(view.bytes, view.startOf(index), view.endOf(index));
    const route = this.#routes.get(name);
    if (route !== undefined) route.viewReceived(view);
    else if (name !== undefined && this.#past.has(name)) this.#tooLate(view, this.#past.get(name));
    else throw new ProtocolViolation('a box came for a route that was never bound');
  }

  stopReceivingBoxes(reason: Error): void {
    this.#closedReason = reason;
    for (const route of [...this.#routes.values()]) route.end(reason);
    this.#routes.clear();
    this.#past.clear();
  }

  get isAwaitingAnswers(): boolean {
    for (const route of this.#routes.values()) if (route.isAwaitingAnswers) return true;
    return false;
  }

  get owesTooMuch(): boolean {
    for (const route of this.#routes.values()) if (route.owesTooMuch) return true;
    return false;
  }

  drained(): void {
    for (const route of this.#routes.values()) route.drained();
  }

  #newName(): string {
    do this.#lastName += 1;
    while (this.#routes.has(`${this.#lastName}`));
    return `${this.#lastName}`;
  }

  #remove(route: Route): void {
    const { name } = route;
    this.#routes.delete(name);
    if (name === undefined) return;
    this.#past.set(name, route.remoteName);
    if (this.#past.size <= MAX_PAST_ROUTES) return;
    for (const oldest of this.#past.keys()) {
      this.#past.delete(oldest);
      return;
    }
  }

  /** The peer did not know yet that the route is no more: nobody answers its calls there, and that is all. */
  #tooLate(view: BoxView, remoteName: string | undefined): void {
    const box = view.toMap();
    const [tag, name] = [box.get('_ask'), box.get('_command')];
    if (tag === undefined || name === undefined) return;
    const refusal = errorBox(tag, unhandled(byteText(name, 0, name.length)));
    if (remoteName !== undefined) refusal.set('_route', byteString(remoteName));
    this.#sender?.sendBox(refusal);
  }
}

/** One conversation of a BoxRouter: what its receiver sends goes to the route of the peer's that it is connected to. */
export class Route implements PacingSender, LargeBoxSender {
  /** What the peer is to say for this route. */
  readonly name: string | undefined;
  readonly #routes: Routes;
  readonly #receiver: BoxReceiver & Partial<ViewReceiver>;
  #state: 'bound' | 'connected' | 'started' | 'ended' = 'bound';
  #remoteName: string | undefined = undefined;
  #held: ReceivedBox[] = [];
  #heldBytes = 0;

  /** @internal */
  constructor(routes: Routes, receiver: BoxReceiver, name: string | undefined) {
    this.#routes = routes;
    this.#receiver = receiver;
    this.name = name;
  }

  /** The peer's name for its end; undefined before `connectTo`, and where its boxes carry none. */
  get remoteName(): string | undefined {
    return this.#remoteName;
  }

  /** Says where the boxes of this route go. The receiver starts, and gets what came already. */
  connectTo(remoteName: string | undefined): void {
    if (this.#state !== 'bound')
      throw new UsageError(`the route '${this.name ?? ''}' is ${this.#state} already`);
    if (remoteName !== undefined) refuseName(remoteName, 'the name of a route');
    this.#remoteName = remoteName;
    this.#state = 'connected';
    if (this.#routes.isStarted) this.routerStarted();
  }

  /** Ends the route; its receiver gets ConnectionDone. The connection goes on, and the peer is not told. */
  unbind(): void {
    if (this.#state === 'ended') return;
    this.#routes.remove(this);
    this.end(new ConnectionDone('the route was ended'));
  }

  sendBox(box: ReceivedBox): void {
    if (this.#state === 'ended') return;
    if (this.#state !== 'started') throw new UsageError(`the route '${this.name ?? ''}' is not connected`);
    this.#routes.sender.sendBox(this.#addressed(box));
  }

  /** Sends a box in pieces, where the connection can. */
  get sendLargeBox(): LargeBoxSender['sendLargeBox'] {
    const { sendLargeBox } = this.#routes.sender as Partial<LargeBoxSender>;
    return sendLargeBox === undefined ? undefined : (box) => sendLargeBox(this.#addressed(box));
  }

  /** Ends the whole connection, after all that was sent. */
  loseConnection(): void {
    this.#routes.sender.loseConnection();
  }

  get isWritable(): boolean {
    return this.#state === 'started' && this.#routes.sender.isWritable;
  }

  whenWritable(): Deferred<void> {
    return this.#routes.sender.whenWritable();
  }

  loadChanged(): void {
    if (this.#state === 'started') (this.#routes.sender as Partial<PacingSender>).loadChanged?.();
  }

  /** @internal */
  routerStarted(): void {
    if (this.#state !== 'connected') return;
    this.#state = 'started';
    this.#receiver.startReceivingBoxes(this);
    for (const box of this.#held.splice(0)) this.#receiver.boxReceived(box);
  }

  /** @internal */
  viewReceived(view: BoxView): void {
    if (this.#state !== 'started') this.#hold(view);
    else if (this.#receiver.viewReceived !== undefined) this.#receiver.viewReceived(view);
    else {
      const box = view.toMap();
      box.delete('_route');
      this.#receiver.boxReceived(box);
    }
  }

  /** @internal */
  end(reason: Error): void {
    if (this.#state === 'ended') return;
    const wasStarted = this.#state === 'started';
    this.#state = 'ended';
    this.#held = [];
    if (wasStarted) this.#receiver.stopReceivingBoxes(reason);
  }

  /** @internal */
  get isAwaitingAnswers(): boolean {
    return this.#receiver.isAwaitingAnswers ?? false;
  }

  /** @internal */
  get owesTooMuch(): boolean {
    return this.#receiver.owesTooMuch ?? false;
  }

  /** @internal */
  drained(): void {
    this.#receiver.drained?.();
  }

  #addressed(box: ReceivedBox): ReceivedBox {
    if (this.#remoteName === undefined) return box;
    return new Map(box).set('_route', byteString(this.#remoteName));
  }

  /** The peer was told the name of this route, and we do not know its own yet. */
  #hold(view: BoxView): void {
    const box = view.toMap();
    box.delete('_route');
    this.#held.push(box);
    this.#heldBytes += view.scannedBytes;
    if (this.#heldBytes > MAX_HELD_BYTES) {
      throw new ProtocolViolation('too many boxes came for a route that is not connected');
    }
  }
}
