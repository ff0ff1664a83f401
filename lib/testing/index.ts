export { Prng } from '../bytes/prng.ts';
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
export type { HostOptions, SimulatedHost } from './simulated-host.ts';
export { SimulatedNetwork, type SimulatedNetworkOptions, type TracedDatagram } from './simulated-network.ts';
export type { SendBufferOptions } from './simulated-udp-socket.ts';
export { VirtualClock } from './virtual-clock.ts';
