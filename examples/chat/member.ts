// An avatar: what one user may do, over the connection on which they logged in.
import { type Clock, Deferred, deferLater, LoopingCall } from 'hawser';
import {
  type Amp,
  type ArgumentsOf,
  type CallableCommand,
  type CallParameters,
  type ResponseOf,
  responder,
} from 'hawser/protocols/amp';
import { MAX_LINE_LENGTH, Missed, Ping, Say, UnfitLine, Who } from './commands.ts';
import type { Room, Seat } from './room.ts';

/** NATs forget a silent UDP flow after 30 s or more. */
const PING_EVERY_MS = 25_000;
/** Who has not answered a ping for so long is gone, or reads nothing. */
const PATIENCE_MS = 60_000;
/** Who says more than a line in so long is answered later, once that adds up to BURST_MS. */
const LINE_MS = 100;
const BURST_MS = 2_000;

/** Somebody who is logged in. The methods marked with `@responder` answer their calls, and nobody else's. */
export class Member implements Seat {
  readonly name: string;
  readonly #peer: Amp;
  readonly #room: Room;
  readonly #clock: Clock;
  readonly #pings: LoopingCall;
  /** What was not told since the client last kept up. */
  #missedCount = 0;
  /** When all that was said so far would have been said by somebody who is not in a hurry. */
  #saidUntil = 0;

  /** `peer` is the connection: the mind that the login gave. */
  constructor(name: string, peer: Amp, room: Room, clock: Clock) {
    this.name = name;
    this.#peer = peer;
    this.#room = room;
    this.#clock = clock;
    this.#pings = new LoopingCall(clock, () => peer.callRemote(Ping, {}, { timeoutMs: PATIENCE_MS }));
  }

  /** Throws LoginDenied where there is no room. */
  enter(): void {
    this.#room.enter(this);
    this.#pings.start(PING_EVERY_MS, false).addErrback(() => this.#peer.transport.abortConnection());
  }

  /** The logout: the portal sees to it that it runs once, whatever way the connection ends. */
  leave(): void {
    if (this.#pings.running) this.#pings.stop();
    this.#room.leave(this);
  }

  @responder(Say)
  say({ text }: ArgumentsOf<typeof Say>): Deferred<ResponseOf<typeof Say>> {
    if (text.length > MAX_LINE_LENGTH) {
      throw new UnfitLine(`a line has at most ${MAX_LINE_LENGTH} characters; this one has ${text.length}`);
    }
    if (text.trim() === '') throw new UnfitLine('there is nothing in this line');
    this.#room.say(this, text);
    return this.#pace();
  }

  @responder(Who)
  who(): ResponseOf<typeof Who> {
    return { names: this.#room.names };
  }

  tell<C extends CallableCommand>(command: C, ...rest: CallParameters<C>): void {
    if (this.#peer.isWritable) {
      // It fails when the connection ends first. Then the logout comes, and nobody need be told here.
      this.#peer.callRemote(command, ...rest).addErrback(() => {});
      return;
    }
    // What does not fit into the connection is not kept: a slow reader costs no memory, and holds nobody up.
    this.#missedCount += 1;
    if (this.#missedCount > 1) return;
    this.#peer
      .whenWritable()
      .addCallback(() => this.#tellMissed())
      .addErrback(() => {});
  }

  #tellMissed(): Deferred<void> {
    const count = this.#missedCount;
    this.#missedCount = 0;
    return this.#peer.callRemote(Missed, { count });
  }

  /**
   * Fires at once, or later for somebody in a hurry. The factory's `maxAnswersOwed` has the connection wait when too
   * many answers are owed, so nobody says more than they may, whether they wait for answers or not.
   */
  #pace(): Deferred<ResponseOf<typeof Say>> {
    const now = this.#clock.now();
    this.#saidUntil = Math.max(this.#saidUntil, now - BURST_MS) + LINE_MS;
    const waitMs = this.#saidUntil - now;
    return waitMs > 0 ? deferLater(this.#clock, waitMs).addCallback(() => ({})) : Deferred.succeed({});
  }
}
