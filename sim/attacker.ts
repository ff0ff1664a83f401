// Somebody off the path (RFC 5961): knows addresses and ports, sends what he likes, and sees no answer.
import { type Seq, seqAdd, seqDiff } from '../lib/ptcp/core/seq.ts';
import { rcvWnd, type Tcb } from '../lib/ptcp/core/tcb.ts';
import { Flag } from '../lib/ptcp/core/wire/segment.ts';
import { type Instant, NEVER } from '../lib/time/clock.ts';
import { type FaultFilter, shotItem } from './faults.ts';
import type { Host } from './host.ts';
import { recycle, takeFlight } from './link.ts';
import type { AttackPlan, Side } from './plan.ts';
import { drawAt } from './random.ts';
import { Violation } from './violation.ts';
import type { WorldView } from './world-view.ts';

const KEY = 0x3c6e_f372;
const DRAWS_PER_SHOT = 16;
const MAX_SHOT_BYTES = 120;
const HEADER_BYTES = 20;
const TIMESTAMPS = [1, 1, 8, 10];
/** Places in the sequence space where implementations have gone wrong. */
const NEAR = [-1, 0, 1, 2, 100, 1000, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000] as const;

/** What he shoots with. He hits nothing that he may not hit: see `isHarmless`. */
type Shot = 'reset' | 'syn' | 'ack' | 'text' | 'fin' | 'garbage' | 'syn-flood';
const SHOTS: readonly Shot[] = [
  'reset',
  'reset',
  'syn',
  'ack',
  'text',
  'text',
  'fin',
  'garbage',
  'syn-flood',
];

/** Shoots at both hosts in turn, in the other's name. */
export class Attacker {
  nextAt: Instant;
  readonly #plan: AttackPlan;
  readonly #key: number;
  readonly #faults: FaultFilter;
  readonly #bytes = new Uint8Array(MAX_SHOT_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #shot = 0;
  #draws = 0;

  constructor(plan: AttackPlan, key: number, faults: FaultFilter) {
    this.#plan = plan;
    this.#key = drawAt(key ^ KEY, 0) | 0;
    this.#faults = faults;
    this.nextAt = plan.startAt;
  }

  shoot(world: WorldView): void {
    const index = this.#shot++;
    this.nextAt = this.#shot < this.#plan.shotCount ? this.nextAt + this.#plan.everyMs : NEVER;
    this.#draws = index * DRAWS_PER_SHOT;
    const side = this.#draw(2) as Side;
    const host = world.hosts[side];
    const other = world.hosts[side === 0 ? 1 : 0];
    const length = this.#aim(host, other, world);
    if (length === 0 || host.isDown || !this.#faults.strikes(shotItem(index))) return;
    const flight = takeFlight(this.#bytes, 0, length);
    flight.from = other.address;
    flight.to = host.address;
    world.seen(flight);
    world.hash.bytes(flight.bytes, 0, length);
    const before = host.bareCount;
    const tcb = world.sessions.at(-1)?.users[side].connection?.tcb;
    const knownBefore = tcb === undefined ? '' : knowledgeOf(tcb);
    host.receive(flight);
    recycle(flight);
    if (tcb !== undefined && knowledgeOf(tcb) !== knownBefore)
      throw new Violation(
        'attack',
        `a forged segment had an effect: ${knownBefore} became ${knowledgeOf(tcb)}`,
      );
    host.settle();
    // Text may leave meanwhile because its time has come; it is no answer.
    const answers = host.bareCount - before;
    // CVE-2024-2169: what answers more than once can be kept going.
    if (answers > 1) throw new Violation('answers', `${answers} segments in answer to one that was forged`);
  }

  #draw(below: number): number {
    return drawAt(this.#key, this.#draws++) % below;
  }

  #word(): number {
    return drawAt(this.#key, this.#draws++);
  }

  /** Writes a shot at `host` and returns its length; 0 if there is nothing to shoot at, or it could do real harm. */
  #aim(host: Host, other: Host, world: WorldView): number {
    const kind = SHOTS[this.#draw(SHOTS.length)]!;
    if (kind === 'garbage') return this.#garbage();
    const session = world.sessions.at(-1);
    const connection = session?.users[host.index].connection;
    if (connection === undefined || kind === 'syn-flood') return host.index === 1 ? this.#flood(other) : 0;
    const { tcb } = connection;
    const isNear = this.#draw(4) > 0;
    const seq = isNear ? seqAdd(tcb.rcvNxt, this.#near(tcb)) : this.#word();
    const ack = isNear && this.#draw(2) === 0 ? seqAdd(tcb.sndUna, this.#near(tcb)) : this.#word();
    const flags = flagsOf(kind) | (this.#draw(8) === 0 ? Flag.PSH : 0);
    const textBytes = kind === 'text' || this.#draw(4) === 0 ? 1 + this.#draw(60) : 0;
    if (!isHarmless(tcb, { seq, ack, flags, textBytes })) return 0;
    this.#header(tcb.remotePort, tcb.localPort, flags);
    this.#view.setUint32(4, seq);
    this.#view.setUint32(8, ack);
    const optionBytes = this.#draw(4) > 0 ? this.#timestamps(tcb) : 0;
    this.#bytes[12] = ((HEADER_BYTES + optionBytes) >> 2) << 4;
    const end = HEADER_BYTES + optionBytes + textBytes;
    for (let at = HEADER_BYTES + optionBytes; at < end; at += 1) this.#bytes[at] = 0x58;
    return end;
  }

  #near(tcb: Tcb): number {
    const choice = this.#draw(NEAR.length + 2);
    const around = NEAR[choice];
    if (around !== undefined) return around;
    return this.#draw(2 * Math.max(1, rcvWnd(tcb))) - 10;
  }

  #header(srcPort: number, dstPort: number, flags: number): void {
    this.#bytes.fill(0, 0, HEADER_BYTES);
    this.#view.setUint16(0, srcPort);
    this.#view.setUint16(2, dstPort);
    this.#bytes[12] = (HEADER_BYTES >> 2) << 4;
    this.#bytes[13] = flags;
    this.#view.setUint16(14, this.#draw(65_536));
  }

  /** Timestamps that are right, old, far ahead or nonsense. */
  #timestamps(tcb: Tcb): number {
    this.#bytes.set(TIMESTAMPS, HEADER_BYTES);
    const ahead = [0, -1000, 1_000_000, 0x7fff_ffff, this.#word()][this.#draw(5)]!;
    this.#view.setUint32(HEADER_BYTES + 4, (tcb.tsRecent + ahead) >>> 0);
    this.#view.setUint32(HEADER_BYTES + 8, this.#word());
    return 12;
  }

  #garbage(): number {
    const length = this.#draw(MAX_SHOT_BYTES);
    for (let at = 0; at < length; at += 1) this.#bytes[at] = drawAt(this.#key ^ at, this.#draws);
    return length;
  }

  /** A SYN from nowhere: its SYN-ACK goes to somebody who has not asked for it. */
  #flood(other: Host): number {
    const session = other.users[0]?.connection;
    const port = 49_152 + this.#draw(16_384);
    // The honest client's own connection is not for the taking: a SYN with his port before his own arrives is another.
    if (session === undefined || port === session.localPseudoPort) return 0;
    this.#header(port, 49_153, Flag.SYN);
    this.#view.setUint32(4, this.#word());
    return HEADER_BYTES;
  }
}

/** What only the peer may change. */
function knowledgeOf(tcb: Tcb): string {
  const { state, sndUna, sndWnd, rcvNxt, tsRecent, pendingFin, recvBuffer, sent } = tcb;
  const isles = recvBuffer.isles.totalLength;
  return `${state} ${sndUna} ${sndWnd} ${rcvNxt} ${tsRecent} ${pendingFin} ${isles} ${sent.sackedBytes} ${sent.lostBytes}`;
}

function flagsOf(kind: Shot): number {
  switch (kind) {
    case 'reset':
      return Flag.RST;
    case 'syn':
      return Flag.SYN;
    case 'fin':
      return Flag.FIN | Flag.ACK;
    default:
      return Flag.ACK;
  }
}

interface Aimed {
  readonly seq: Seq;
  readonly ack: Seq;
  readonly flags: number;
  readonly textBytes: number;
}

/**
 * Whether RFC 5961 protects against it. Whoever hits RCV.NXT with a reset, or both windows with an ACK, has guessed
 * what cannot be guessed; and before the handshake is over there is little to protect.
 */
function isHarmless(tcb: Tcb, { seq, ack, flags, textBytes }: Aimed): boolean {
  if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED' || tcb.state === 'CLOSED') return false;
  if ((flags & Flag.RST) !== 0) return seq !== tcb.rcvNxt;
  // It may open the connection anew (RFC 6191), and who has the peer's address can.
  if ((flags & Flag.SYN) !== 0 && tcb.state === 'TIME-WAIT') return false;
  const isCounted = (flags & (Flag.SYN | Flag.FIN)) !== 0;
  // Taken for the last segment once more, whose timestamp counts: as hard to hit as a reset.
  if (seqAdd(seq, textBytes + (isCounted ? 1 : 0)) === tcb.rcvNxt) return false;
  if ((flags & Flag.SYN) !== 0 || tcb.isCrcOn) return true;
  const ackAhead = seqDiff(ack, tcb.sndUna);
  const isAckAcceptable = ackAhead >= -tcb.maxSndWnd && ack !== tcb.sndNxt && seqDiff(tcb.sndNxt, ack) >= 0;
  const start = seqDiff(seq, tcb.rcvNxt);
  const isNear = start + textBytes + 1 >= 0 && start <= Math.max(1, rcvWnd(tcb));
  return !(isNear && (isAckAcceptable || ack === tcb.sndNxt));
}
