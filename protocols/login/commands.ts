import { defineCommand, optional, unicode } from '../amp/index.ts';
import { LOGIN_ERRORS } from './errors.ts';

/** Who was let in; nobody's name where it was somebody who does not say who they are. */
const WHO = { user: optional(unicode) };

/** Logs in by name and password. The password itself goes over the wire: for TLS only. */
export const PasswordLogin = defineCommand({
  name: 'login-password',
  arguments: { username: unicode, password: unicode },
  response: WHO,
  errors: LOGIN_ERRORS,
});

/** Begins a run of SCRAM-SHA-256 (RFC 7677): the client's first message for the server's. */
export const ScramLogin = defineCommand({
  name: 'login-scram',
  arguments: { message: unicode },
  response: { message: unicode },
  errors: LOGIN_ERRORS,
});

/** Ends it: the client's final message for the server's, which proves that the server knows the user too. */
export const ScramProof = defineCommand({
  name: 'login-scram-proof',
  arguments: { message: unicode },
  response: { message: unicode, ...WHO },
  errors: LOGIN_ERRORS,
});

/** Logs in by the certificate that TLS has verified. */
export const CertificateLogin = defineCommand({
  name: 'login-certificate',
  response: WHO,
  errors: LOGIN_ERRORS,
});

/** Logs in by a token. It goes over the wire: for TLS only. */
export const TokenLogin = defineCommand({
  name: 'login-token',
  arguments: { token: unicode },
  response: WHO,
  errors: LOGIN_ERRORS,
});

/** Comes in without saying who. */
export const AnonymousLogin = defineCommand({
  name: 'login-anonymous',
  response: WHO,
  errors: LOGIN_ERRORS,
});

/** Logs out; the connection stays, and somebody else may log in. */
export const Logout = defineCommand({ name: 'logout' });
