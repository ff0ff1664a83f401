/** What a server keeps of a password for SCRAM-SHA-256: enough to check who has it, not to be taken for them. */
export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}
