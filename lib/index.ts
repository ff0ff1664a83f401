export type { DerivationLimits } from './cred/bounded-cryptography.ts';
export {
  ANONYMOUS,
  type AnonymousId,
  type AnyChecker,
  type AvatarId,
  type Checker,
  type CheckerWorld,
  isAnonymousId,
  type MakeChecker,
} from './cred/checker.ts';
export {
  type CheckerDemands,
  type CheckerManifest,
  type CheckerPlugins,
  checkerFromString,
  checkerWords,
} from './cred/checker-from-string.ts';
export {
  AllowAnonymous,
  type CertificateOwners,
  CertificateTable,
  SharedSecrets,
  TokenTable,
} from './cred/checkers.ts';
export * from './cred/credentials.ts';
export { LoginLimiter, type LoginLimiterOptions } from './cred/login-limiter.ts';
export type { AttemptEnd, LimitedAttempt, LoginLimits, LoginOrigin } from './cred/login-limits.ts';
export { MemoryUsers, type MemoryUsersOptions } from './cred/memory-users.ts';
export { type NameCase, prepareName, preparePassword } from './cred/names.ts';
export { PasswordFile, type PasswordFileOptions } from './cred/password-file.ts';
export { DEFAULT_PASSWORD_COST, makeUserRecord, type PasswordCost } from './cred/password-record.ts';
export { type Login, Portal, type PortalOptions } from './cred/portal.ts';
export type { Granted, Realm } from './cred/realm.ts';
export { ScramClient, type ScramClientOptions } from './cred/scram-client.ts';
export type { ChannelBinding, ScramFault } from './cred/scram-messages.ts';
export { ScramServer, type ScramServerOptions } from './cred/scram-server.ts';
export type { ScramVerifier } from './cred/scram-verifier.ts';
export { Session } from './cred/session.ts';
export { SqlUsers, type SqlUsersOptions } from './cred/sql-users.ts';
export { StoredUsers, type StoredUsersOptions } from './cred/stored-users.ts';
export type { UserRecord, UserStore } from './cred/user-store.ts';
export type { LineProblem } from './cred/users-text.ts';
export { PostgresDatabase, type PostgresOptions } from './databases/postgres.ts';
export { postgresUsers, type StoreWorld, sqliteUsers } from './databases/sql-store.ts';
export { IN_MEMORY, SqliteDatabase, type SqliteOptions } from './databases/sqlite.ts';
export {
  deferredList,
  gatherResults,
  maybeDeferred,
  type Outcome,
  race,
  type Winner,
} from './defer/combinators.ts';
export { type Canceller, Deferred, type Eventual } from './defer/deferred.ts';
export { DeferredLock, DeferredQueue, DeferredSemaphore, type QueueLimits } from './defer/locks.ts';
export {
  CooperativeTask,
  Cooperator,
  type CooperatorOptions,
  deferLater,
  LoopingCall,
  type Work,
} from './defer/tasks.ts';
export { setUnhandledFailureHook, type UnhandledFailureHook } from './defer/unhandled.ts';
export {
  type ClientEndpoint,
  connectProtocol,
  type EndpointReactor,
  type ServerEndpoint,
  TransportClientEndpoint,
  TransportServerEndpoint,
} from './endpoints/endpoint.ts';
export {
  type EndpointDescription,
  type EndpointOptions,
  type EndpointParser,
  parseEndpoint,
  quoteEndpointArgument,
} from './endpoints/parse.ts';
export { EndpointRegistry } from './endpoints/registry.ts';
export * from './errors.ts';
export type { Address, InetAddress, MemoryAddress, UdpAddress } from './interfaces/address.ts';
export type { Cryptography, ScryptCost } from './interfaces/cryptography.ts';
export type { Entropy } from './interfaces/entropy.ts';
export type { FileAccess, FileFacts, FileLock, Files, OpenFile, OpenMode } from './interfaces/files.ts';
export type { Consumer, Producer, PushProducer } from './interfaces/producer.ts';
export type {
  ConnectorLike,
  DatagramReceiver,
  StreamClientFactory,
  StreamFactory,
  StreamProtocol,
  SwitchableTransport,
} from './interfaces/protocol.ts';
export type { ListeningPort, Resource, TransportHost } from './interfaces/reactor.ts';
export type { SqlDatabase, SqlRow, SqlValue } from './interfaces/sql.ts';
export type {
  PeerCertificate,
  Pem,
  StartTlsOptions,
  Tls,
  TlsClientOptions,
  TlsContext,
  TlsFacts,
  TlsIdentity,
  TlsOptions,
  TlsServerOptions,
  TlsSession,
  TlsSessionEvents,
} from './interfaces/tls.ts';
export type { DatagramTransport, TcpMeasures, Transport } from './interfaces/transport.ts';
export { DatagramProtocol } from './protocol/datagram-protocol.ts';
export { ClientFactory, Factory, type FactoryOf } from './protocol/factory.ts';
export { Protocol } from './protocol/protocol.ts';
export type { Profile, ProfileInput, TcpInfo } from './ptcp/core/index.ts';
export { PtcpPort, type PtcpPortConnectOptions, type PtcpPortEvents } from './ptcp/port.ts';
export { type PtcpConnectOptions, type PtcpListenOptions, PtcpProvider } from './ptcp/provider.ts';
export { type BuiltInOptions, builtInTransports } from './reactor/built-in.ts';
export { createReactor, type Observation, reactor } from './reactor/default.ts';
export { NodeCryptography } from './reactor/node/cryptography.ts';
export { toDuplex } from './reactor/node/duplex.ts';
export { NodeFiles } from './reactor/node/files.ts';
export { nodeTls } from './reactor/node/tls.ts';
export {
  Reactor,
  type ReactorEvents,
  type ReactorOptions,
  type TlsConnectOptions,
  type TlsListenOptions,
} from './reactor/reactor.ts';
export type { EventPhase, TriggerId } from './reactor/system-events.ts';
export { type Clock, type DelayedCall, type Instant, NEVER } from './time/clock.ts';
export type { TracedConnection, TracedHeader, TraceEvent, TraceEvents, TraceSink } from './trace/trace.ts';
export { StreamConnector, type StreamConnectorOptions } from './transports/connector.ts';
export { MemoryNetwork } from './transports/memory/network.ts';
export { MemoryProvider } from './transports/memory/provider.ts';
export * from './transports/provider.ts';
export { StreamPort } from './transports/stream-port.ts';
export { StreamTransport } from './transports/stream-transport.ts';
export { TcpProvider } from './transports/tcp/provider.ts';
export { type HandshakeCounts, TlsPort, type TlsPortEvents } from './transports/tls/port.ts';
export { TlsProvider } from './transports/tls/provider.ts';
export { UdpPort } from './transports/udp/port.ts';
