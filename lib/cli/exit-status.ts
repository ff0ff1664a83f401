/** How the process ends; docs/cli.md explains each. */
export const ExitStatus = {
  ok: 0,
  /** Something was not transferred, or went wrong on the way. */
  failed: 1,
  /** The command line asks for what cannot be; nothing was tried. */
  usage: 2,
  /** No connection could be made, or no port opened. */
  unreachable: 3,
  /** Stopped by the user: 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

/** What ends a command: one line for the user, and the exit status. */
export class CommandFailure extends Error {
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
