export {
  type InClear,
  type LoggedIn,
  loginAnonymously,
  loginByCertificate,
  loginByPassword,
  loginByScram,
  loginByToken,
  logout,
  type PasswordIdentity,
} from './client.ts';
export {
  AnonymousLogin,
  CertificateLogin,
  Logout,
  PasswordLogin,
  ScramLogin,
  ScramProof,
  TokenLogin,
} from './commands.ts';
export { LOGIN_ERRORS, TooManyLogins } from './errors.ts';
export { LoginAmp, type LoginAmpOptions, LoginFactory } from './login-amp.ts';
