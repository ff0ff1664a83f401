import type { TransferError } from './errors.ts';

/**
 * What happens in a session, in order: for each file `start`, `progress` any number of times, then `done` or
 * `failed` (`failed` alone when it was refused); last of all, once, `end`.
 */
export type TransferEvent =
  | {
      readonly event: 'start';
      readonly name: string;
      readonly sizeBytes: number;
      /** What an earlier attempt brought over and this one skips. */
      readonly resumedBytes: number;
    }
  | {
      readonly event: 'progress';
      readonly name: string;
      readonly sizeBytes: number;
      /** Sender: handed to the transport. Receiver: verified, and in the journal on disk. Both count skipped ones. */
      readonly bytes: number;
    }
  | { readonly event: 'done'; readonly name: string; readonly sizeBytes: number; readonly sha256: string }
  | { readonly event: 'failed'; readonly name: string; readonly error: TransferError }
  /** The connection is over and nothing is open any more. `error` says why, unless it ended well. */
  | { readonly event: 'end'; readonly error: TransferError | undefined };

/** Hears of a session. Names in events came from the peer: escape them before they reach a terminal. */
export type TransferObserver = (event: TransferEvent) => void;
