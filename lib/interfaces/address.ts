/** An IP address and port, compared by value. Modelled on Twisted's IPv4Address and IPv6Address. */
export interface InetAddress {
  readonly type: 'TCP' | 'UDP' | 'PTCP';
  readonly family: 'IPv4' | 'IPv6';
  /** A literal, never a name; IPv6 without brackets, its scope after `%` where it has one. */
  readonly host: string;
  readonly port: number;
  /** PTCP only: the port inside the datagram. */
  readonly pseudoPort?: number;
}

/** An end of an in-memory connection. */
export interface MemoryAddress {
  readonly type: 'memory';
  readonly name: string;
}

/** Where an end of a connection is, told apart by `type`. */
export type Address = InetAddress | MemoryAddress;

/** Where a datagram goes to or came from. */
export interface UdpAddress {
  readonly host: string;
  readonly port: number;
}
