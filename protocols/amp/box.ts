/** The longest key: the first byte of its length is always 0. */
export const MAX_KEY_BYTES = 255;
/** The longest value. */
export const MAX_VALUE_BYTES = 65_535;

/** A message of AMP: bytes by name. A character of a name is a byte, so names beyond ASCII are not text. */
export type Box = Map<string, Uint8Array>;

/** A message that came; to be read only. */
export type ReceivedBox = ReadonlyMap<string, Uint8Array>;
