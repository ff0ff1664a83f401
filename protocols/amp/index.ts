export { Amp, type AmpOptions } from './amp.ts';
export type { ArgumentType, OptionalArgument, Schema, ValueOf, ValueSink, ValuesOf } from './argument.ts';
export { type Box, MAX_KEY_BYTES, MAX_VALUE_BYTES, type ReceivedBox } from './box.ts';
export { encodeBox, parseBoxes } from './box-bytes.ts';
export { type BoxFault, type BoxLimits, BoxReader } from './box-reader.ts';
export { BoxRouter, Route } from './box-router.ts';
export type { BoxReceiver, BoxSender } from './box-sender.ts';
export { BoxView } from './box-view.ts';
export { BoxWriter, type Tag } from './box-writer.ts';
export type { ChunkingOptions } from './chunking.ts';
export { argumentType, mapped, optional } from './combined-types.ts';
export {
  type ArgumentsOf,
  type Command,
  type CommandDefinition,
  type CommandKind,
  defineCommand,
  defineProtocolSwitch,
  type ErrorClass,
  type ErrorsOf,
  type ErrorTable,
  type None,
  type ProtocolSwitchCommand,
  type ResponseOf,
} from './command.ts';
export type { WireHooks } from './command-wire.ts';
export { AmpDateTime, type DateTimeFields, dateTime } from './date-time.ts';
export { Decimal, type DecimalKind, decimal } from './decimal.ts';
export { BoxDispatcher, type DispatcherHost, type DispatcherOptions } from './dispatcher.ts';
export * from './errors.ts';
export { float } from './float.ts';
export { bigInteger, integer, safeInteger } from './integer.ts';
export { ampList, listOf } from './lists.ts';
export { firstLocator, LocatorTable, locatorOf } from './locators.ts';
export {
  type AnswerOf,
  type BoxCallOptions,
  type Call,
  type CallableCommand,
  type CallOptions,
  type CallParameters,
  type CommandLocator,
  type RemotePeer,
  type RespondBoxFunction,
  type Responder,
  type RespondFunction,
  type ReturnOf,
  respondTo,
  respondToBox,
} from './responder.ts';
export { responder } from './responder-decorator.ts';
export { type CompiledSchema, compileSchema, RESERVED_KEYS } from './schema.ts';
export { boolean, bytes, path, unicode } from './simple-types.ts';
export { StartTls } from './start-tls.ts';
export type { ProtocolMaker } from './takeover-requests.ts';
