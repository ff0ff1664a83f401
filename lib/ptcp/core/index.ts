export type { Crc32 } from '../../bytes/crc32.ts';
export type { Entropy } from '../../interfaces/entropy.ts';
export { type Instant, NEVER } from '../../time/clock.ts';
export type {
  TracedConnection,
  TracedHeader,
  TraceEvent,
  TraceEvents,
  TraceSink,
} from '../../trace/trace.ts';
export type { Burst, TransmitTarget } from './burst.ts';
export {
  DEFAULT_PROFILE,
  PRESETS,
  type PresetName,
  type Profile,
  type ProfileInput,
  resolveProfile,
  type Wire,
} from './config.ts';
export type {
  AckSample,
  CongestionController,
  CongestionState,
  CongestionWindow,
  ControllerFactory,
  ControllerOptions,
  LossSample,
} from './congestion/controller.ts';
export { Cubic } from './congestion/cubic.ts';
export { NewReno } from './congestion/newreno.ts';
export type { Connection } from './connection.ts';
export {
  type ConnectOptions,
  type DatagramBatch,
  PtcpEndpoint,
  type PtcpEndpointOptions,
} from './endpoint.ts';
export type { PtcpEvent } from './events.ts';
export type { PathId } from './path.ts';
export { type Cause, type State, TRANSITIONS } from './state.ts';
export type { EndpointStats } from './stats.ts';
export type { CloseReason } from './tcb.ts';
export type { TcpInfo } from './tcp-info.ts';
export { VERTEX_PSEUDO_PORT, wiresOf } from './vertex-peer.ts';
export {
  type ClassifyRules,
  classify,
  type DatagramKind,
  type IsStunTransaction,
} from './wire/classify.ts';
export { decodeSegment, encodeHeader } from './wire/codec.ts';
export type { DecodeError, OptionName } from './wire/options.ts';
export { Flag, HEADER_BYTES, Segment } from './wire/segment.ts';
export { decodeVertex, encodeVertex, VERTEX_HEADER_BYTES, VertexFlag } from './wire/vertex.ts';
