import { invariant } from '../../errors.ts';

/** The states of RFC 9293 §3.3.2. TIME-WAIT is held as a compact record: time-wait.ts. */
export type State =
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED';

/** What moves a connection from state to state. */
export type Cause =
  | 'rcv-syn'
  | 'rcv-syn-ack'
  | 'rcv-ack-of-syn'
  | 'rcv-fin'
  | 'rcv-ack-of-fin'
  | 'rcv-fin-ack-of-fin'
  | 'rcv-rst'
  | 'user-close'
  | 'user-abort'
  | 'time-out'
  | 'gave-up';

/**
 * RFC 9293 §3.3.2, Figure 5 with its notes, and the FIN step of §3.10.7.4 for SYN-RECEIVED.
 *
 * 'user-close' is the sending of the FIN; a listener that gets a SYN stays and makes a connection in SYN-RECEIVED.
 */
export const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Cause, State>>>>> = {
  LISTEN: { 'rcv-syn': 'SYN-RECEIVED', 'user-close': 'CLOSED' },
  'SYN-SENT': { 'rcv-syn-ack': 'ESTABLISHED', 'rcv-syn': 'SYN-RECEIVED', 'user-close': 'CLOSED' },
  'SYN-RECEIVED': { 'rcv-ack-of-syn': 'ESTABLISHED', 'user-close': 'FIN-WAIT-1', 'rcv-fin': 'CLOSE-WAIT' },
  ESTABLISHED: { 'user-close': 'FIN-WAIT-1', 'rcv-fin': 'CLOSE-WAIT' },
  'FIN-WAIT-1': { 'rcv-ack-of-fin': 'FIN-WAIT-2', 'rcv-fin': 'CLOSING', 'rcv-fin-ack-of-fin': 'TIME-WAIT' },
  'FIN-WAIT-2': { 'rcv-fin': 'TIME-WAIT' },
  'CLOSE-WAIT': { 'user-close': 'LAST-ACK' },
  CLOSING: { 'rcv-ack-of-fin': 'TIME-WAIT' },
  'LAST-ACK': { 'rcv-ack-of-fin': 'CLOSED' },
  'TIME-WAIT': { 'time-out': 'CLOSED' },
  CLOSED: {},
};

/** Causes that end a connection from wherever it is. */
const FATAL: ReadonlySet<Cause> = new Set<Cause>(['rcv-rst', 'user-abort', 'gave-up']);

/** Where `cause` leads from `from`. Asking for what the table does not have is a bug of ours. */
export function nextState(from: State, cause: Cause): State {
  const to = TRANSITIONS[from][cause] ?? (FATAL.has(cause) ? 'CLOSED' : undefined);
  invariant(to !== undefined, `${cause} cannot happen in ${from}`);
  return to;
}
