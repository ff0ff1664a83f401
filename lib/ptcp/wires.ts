import { type ProfileInput, resolveProfile, VERTEX_PSEUDO_PORT, type Wire, wiresOf } from './core/index.ts';

/** Where listeners are found when nobody says otherwise. */
export const DEFAULT_PSEUDO_PORT = 49_153;

/** The wires of a port or a connection, and the profile that says so, from what its user gave. */
export interface WireChoice {
  readonly wires: readonly Wire[];
  readonly profile: ProfileInput | undefined;
}

/** `wire` goes before what the profile says. Throws UsageError, naming the option. */
export function chooseWires(
  wire: Wire | readonly Wire[] | undefined,
  profile: ProfileInput | undefined,
): WireChoice {
  const chosen = wire === undefined ? profile : withWire(profile, wire);
  return { wires: wiresOf(resolveProfile(chosen)), profile: chosen };
}

function withWire(profile: ProfileInput | undefined, wire: Wire | readonly Wire[]): ProfileInput {
  // What is no profile would vanish among the options.
  resolveProfile(profile);
  return typeof profile === 'string' ? { preset: profile, wire } : { ...profile, wire };
}

/** The pseudo-port of a listener on `wire`, if its user did not say which. */
export function pseudoPortOn(wire: Wire | undefined, given: number | undefined): number {
  return given ?? (wire === 'vertex' ? VERTEX_PSEUDO_PORT : DEFAULT_PSEUDO_PORT);
}
