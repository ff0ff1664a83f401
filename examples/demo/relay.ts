// The bad network between the two ends: takes real datagrams, spoils them as told, and sends them on.
import { DatagramProtocol, type DelayedCall, NEVER, reactor, type UdpAddress } from 'hawser';
import { Link, type LinkOptions, Prng } from 'hawser/testing';
import { onReportAsked, orderFromParent, tellParent, usage } from './parent.ts';
import { REORDER_MS, type Settings } from './settings.ts';

/** Datagrams due within this time leave together: a timer for each would cost more than the datagram. */
const TICK_MS = 1;
/** Asked of the system for each socket, so that the relay loses nothing but what it was told to. */
const SOCKET_BUFFER_BYTES = 8 * 2 ** 20;

/** One side of the relay. What comes in here goes through the link and leaves from the other side. */
class RelaySide extends DatagramProtocol {
  readonly link: Link;
  /** Who is on this side: known from the start, or from the first datagram. */
  #neighbour: UdpAddress | undefined;
  #farSide: RelaySide | undefined = undefined;
  #wakeUp: DelayedCall | undefined = undefined;

  constructor(link: Link, neighbour?: UdpAddress) {
    super();
    this.link = link;
    this.#neighbour = neighbour;
  }

  join(farSide: RelaySide): void {
    this.#farSide = farSide;
  }

  override datagramReceived(datagram: Uint8Array, from: UdpAddress): void {
    this.#neighbour ??= from;
    this.link.send(reactor.now(), datagram);
    this.#setWakeUp();
  }

  forward(datagram: Uint8Array): void {
    if (this.#neighbour !== undefined) this.transport.write(datagram, this.#neighbour);
  }

  #setWakeUp(): void {
    const arrivesAt = this.link.nextAt();
    if (arrivesAt === NEVER) return;
    const now = reactor.now();
    const dueAt = Math.max(arrivesAt, now + TICK_MS);
    if (this.#wakeUp?.active === true) {
      if (this.#wakeUp.dueAt <= dueAt) return;
      this.#wakeUp.cancel();
    }
    this.#wakeUp = reactor.callLater(dueAt - now, () => {
      this.link.deliverDue(reactor.now(), (datagram) => this.#farSide?.forward(datagram));
      this.#setWakeUp();
    });
  }
}

const { settings, toPort } = orderFromParent();
const random = new Prng(settings.seed);
const towardsReceiver = new Link({ ...faultsOf(settings), random: random.split('towards the receiver') });
const towardsSender = new Link({ ...faultsOf(settings), random: random.split('towards the sender') });

const senderSide = new RelaySide(towardsReceiver);
const receiverSide = new RelaySide(towardsSender, { host: '127.0.0.1', port: toPort });
senderSide.join(receiverSide);
receiverSide.join(senderSide);

const options = { interface: '127.0.0.1', bufferBytes: SOCKET_BUFFER_BYTES };
const receiverPort = reactor.listenUDP(0, receiverSide, options);
const senderPort = reactor.listenUDP(0, senderSide, options);
receiverPort.listening
  .addCallback(() => senderPort.listening)
  .addCallbacks(
    () => tellParent({ type: 'listening', port: senderPort.getHost().port }),
    (error) => tellParent({ type: 'failed', why: `the relay cannot listen: ${error.message}` }),
  );

onReportAsked(() => {
  const report = { toReceiver: towardsReceiver.stats, toSender: towardsSender.stats, usage: usage() };
  tellParent({ type: 'finished', report });
});

function faultsOf({ rateMbit, rttMs, jitterMs, queueBytes, loss, reorder, ...rest }: Settings): LinkOptions {
  return {
    rateMbit,
    latencyMs: rttMs / 2,
    jitterMs,
    queueBytes,
    loss,
    reorder: { probability: reorder, extraMs: REORDER_MS },
    duplicate: rest.duplicate,
    corrupt: rest.corrupt,
  };
}
