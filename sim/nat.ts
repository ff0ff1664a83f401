import type { Instant } from '../lib/time/clock.ts';
import type { NatPlan } from './plan.ts';

/** Addresses are numbers: an IP address times this, and a UDP port. */
const PORTS = 65_536;

/** One number for an address and a port. */
export function addressOf(ip: number, port: number): number {
  return ip * PORTS + port;
}

export function ipOf(address: number): number {
  return Math.floor(address / PORTS);
}

export function portOf(address: number): number {
  return address % PORTS;
}

interface Mapping {
  readonly external: number;
  /** The one remote address it is for, where mapping depends on it. */
  readonly remote: number | undefined;
  /** Whoever was sent something through it. */
  readonly contacts: Set<number>;
  usedAt: Instant;
}

const FIRST_PORT = 20_000;

/**
 * A NAT box in front of one host (RFC 4787): gives outgoing datagrams an address of its own, and lets in what its
 * filtering lets in. Mappings live as long as something leaves through them (REQ-6).
 */
export class Nat {
  readonly ip: number;
  /** Whether a mapping was forgotten: those who used it cannot go on. */
  hasForgotten = false;
  readonly #plan: NatPlan;
  #mappings: Mapping[] = [];
  #nextPort = FIRST_PORT;

  constructor(plan: NatPlan, ip: number) {
    this.#plan = plan;
    this.ip = ip;
  }

  /** The address that a datagram to `remote` leaves with. */
  outward(now: Instant, remote: number): number {
    this.#expire(now);
    const key = this.#plan.isMappingEndpointDependent ? remote : undefined;
    let mapping = this.#mappings.find((each) => each.remote === key);
    if (mapping === undefined) {
      const external = addressOf(this.ip, this.#nextPort++);
      mapping = { external, remote: key, contacts: new Set(), usedAt: now };
      this.#mappings.push(mapping);
    }
    mapping.usedAt = now;
    mapping.contacts.add(remote);
    return mapping.external;
  }

  /** Whether a datagram from `remote` to the outer address `external` reaches the host. */
  lets(now: Instant, remote: number, external: number): boolean {
    this.#expire(now);
    const mapping = this.#mappings.find((each) => each.external === external);
    if (mapping === undefined) return false;
    if (mapping.remote !== undefined && mapping.remote !== remote) return false;
    switch (this.#plan.filtering) {
      case 'none':
        return true;
      case 'address':
        return [...mapping.contacts].some((contact) => ipOf(contact) === ipOf(remote));
      case 'address-and-port':
        return mapping.contacts.has(remote);
    }
  }

  /** Forgets everything, as after a restart: what leaves next leaves from another port. */
  rebind(): void {
    this.#mappings = [];
    this.hasForgotten = true;
  }

  #expire(now: Instant): void {
    const oldest = this.#mappings[0];
    if (oldest === undefined) return;
    const { expiryMs } = this.#plan;
    if (this.#mappings.every(({ usedAt }) => now - usedAt <= expiryMs)) return;
    this.#mappings = this.#mappings.filter(({ usedAt }) => now - usedAt <= expiryMs);
    this.hasForgotten = true;
  }
}
