// Who is in the room, and who hears of what.
import { LoginDenied } from 'hawser';
import type { CallableCommand, CallParameters } from 'hawser/protocols/amp';
import { Came, Left, Said } from './commands.ts';

/** Their names, of 256 characters at most, have to fit into one value of AMP: 65 535 bytes, for the answer to Who. */
const MAX_SEATS = 64;
/** So that one user cannot take all of them. */
const MAX_SEATS_OF_ONE = 4;

/** Somebody in the room, as the room sees them: a name, and ears. */
export interface Seat {
  readonly name: string;
  /** Calls `command` at the client, unless that does not keep up. Never throws, and never waits. */
  tell<C extends CallableCommand>(command: C, ...rest: CallParameters<C>): void;
}

/** A room with a limited number of seats. The same user may take several: they come once and leave once. */
export class Room {
  readonly #seats = new Set<Seat>();

  /** Everybody who is here, once each, sorted. */
  get names(): string[] {
    return [...new Set([...this.#seats].map(({ name }) => name))].sort();
  }

  get seatCount(): number {
    return this.#seats.size;
  }

  /** Throws LoginDenied where there is no room. */
  enter(seat: Seat): void {
    const ownCount = this.#countOf(seat.name);
    if (this.#seats.size >= MAX_SEATS) throw new LoginDenied('the room is full; try again later');
    if (ownCount >= MAX_SEATS_OF_ONE) throw new LoginDenied(`you are here ${ownCount} times already`);
    this.#seats.add(seat);
    if (ownCount === 0) this.#tellAllBut(seat, Came, { name: seat.name });
  }

  /** Does nothing for somebody who has left. */
  leave(seat: Seat): void {
    if (!this.#seats.delete(seat)) return;
    if (this.#countOf(seat.name) === 0) this.#tellAllBut(seat, Left, { name: seat.name });
  }

  say(from: Seat, text: string): void {
    this.#tellAllBut(from, Said, { name: from.name, text });
  }

  #countOf(name: string): number {
    return [...this.#seats].filter((seat) => seat.name === name).length;
  }

  #tellAllBut<C extends CallableCommand>(one: Seat, command: C, ...rest: CallParameters<C>): void {
    for (const seat of this.#seats) if (seat !== one) seat.tell(command, ...rest);
  }
}
