export { Prng } from '../bytes/prng.ts';
export { type CapturedDatagram, PcapngCapture } from '../trace/pcapng.ts';
export { QlogRecords } from '../trace/qlog.ts';
export { type DatagramTap, type TappedDatagram, tappedSockets } from '../trace/tapped-sockets.ts';
export type { ContractTest, ContractWorld } from './contract-world.ts';
export {
  EndpointNetwork,
  type EndpointNetworkOptions,
  type ReportedEvent,
  type SentDatagram,
} from './endpoint-network.ts';
export {
  Link,
  type LinkOptions,
  type LinkStats,
  type Loss,
  type SendFate,
  UDP_IP_HEADER_BYTES,
} from './link.ts';
export { MemoryReactor, type MemoryReactorOptions, type ReportedError } from './memory-reactor.ts';
export type { HostOptions, SimulatedHost } from './simulated-host.ts';
export { SimulatedNetwork, type SimulatedNetworkOptions, type TracedDatagram } from './simulated-network.ts';
export type { SendBufferOptions } from './simulated-udp-socket.ts';
export { StringTransport } from './string-transport.ts';
export { TRANSPORT_CONTRACT } from './transport-contract.ts';
export { VirtualClock } from './virtual-clock.ts';
