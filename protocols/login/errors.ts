import { LoginDenied, TooManyAttempts, UnauthorizedLogin, UnhandledCredentials } from '../../lib/errors.ts';

/** TooManyAttempts, as it comes over the wire: how long to wait is read from its text. */
export class TooManyLogins extends TooManyAttempts {
  constructor(message: string) {
    const seconds = /(\d{1,9}) s$/.exec(message)?.[1] ?? '0';
    super(Number(seconds) * 1000);
  }
}

/** How every login command may fail, by code. */
export const LOGIN_ERRORS = {
  UNAUTHORIZED_LOGIN: UnauthorizedLogin,
  UNHANDLED_CREDENTIALS: UnhandledCredentials,
  LOGIN_DENIED: LoginDenied,
  TOO_MANY_ATTEMPTS: TooManyLogins,
} as const;
