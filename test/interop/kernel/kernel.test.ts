import { expect } from 'chai';
import {
  ClientFactory,
  ConnectionAborted,
  ConnectionDone,
  ConnectionReset,
  createReactor,
  Factory,
  type InetAddress,
  type ProfileInput,
  type PtcpPort,
  type Reactor,
} from '../../../lib/index.ts';
import { Exchange, type ExchangePlan, type ExchangeResult } from './exchange.ts';
import {
  type AppOrder,
  type Faults,
  type KernelMessage,
  KernelPeer,
  type KernelResult,
  whyNoKernelPeer,
} from './kernel-peer.ts';

const MB = 1_000_000;
/** Of the kernel's listener, and of ours. */
const KERNEL_PORT = 9000;
const PSEUDO_PORT = 8000;

/** What PTCP is in the connection. */
const ROLES = ['client', 'server'] as const;
type Role = (typeof ROLES)[number];

const NETWORKS: Readonly<Record<string, Faults>> = {
  'a clean link': {},
  '1 % loss': { loss: 0.01, delay: 1 },
  'loss in bursts': { burst: [0.004, 0.4], delay: 1 },
  reordering: { reorder: 0.05, reorderBy: 3, delay: 2 },
  duplication: { duplicate: 0.05, delay: 1 },
  'a delay of 20 ms that varies': { delay: 20, jitter: 4 },
  'a narrow queue': { rate: 40, queue: 40, delay: 3 },
};

const NO_OPTIONS = { tcp_sack: 0, tcp_timestamps: 0, tcp_window_scaling: 0 } as const;

interface Run {
  readonly role: Role;
  readonly app: AppOrder;
  readonly plan: ExchangePlan;
  readonly impair?: Faults;
  readonly sysctl?: Readonly<Record<string, number>>;
  readonly profile?: ProfileInput;
}

interface Outcome {
  readonly ptcp: ExchangeResult;
  readonly kernel: KernelResult;
  readonly link: KernelMessage;
}

const reason = whyNoKernelPeer();
if (reason !== undefined) console.log(`the kernel's TCP is not tried: ${reason}`);
/** Fifty titles of what is not tried would hide the line that says why. */
const describe: (title: string, tests: () => void) => void =
  reason === undefined ? globalThis.describe : () => {};

describe("PTCP and the Linux kernel's TCP", () => {
  let reactor: Reactor;
  let peer: KernelPeer | undefined;
  let port: PtcpPort | undefined;
  let seed = 0;

  before(() => {
    reactor = createReactor();
  });

  afterEach(() => {
    peer?.kill();
    peer = undefined;
    void port?.stopListening();
    port = undefined;
  });

  /** Both sides send and receive, then end as told. */
  async function run({ role, app, plan, impair, sysctl, profile }: Run): Promise<Outcome> {
    seed += 1;
    const common = { seed, app, ...(impair && { impair }), ...(sysctl && { sysctl }) };
    const options = profile === undefined ? {} : { profile };
    const exchange = new Exchange(plan);
    if (role === 'client') {
      peer = new KernelPeer({ ...common, role: 'server', port: KERNEL_PORT });
      const { udpPort = 0 } = await peer.next();
      const factory = new ClientFactory();
      factory.buildProtocol = () => exchange;
      factory.clientConnectionFailed = (_connector, reason) => exchange.ended.errback(reason);
      reactor.connectPTCP('127.0.0.1', udpPort, factory, { ...options, pseudoPort: KERNEL_PORT });
    } else {
      const factory = new Factory();
      factory.buildProtocol = () => exchange;
      const how = { ...options, interface: '127.0.0.1', pseudoPort: PSEUDO_PORT };
      port = reactor.listenPTCP(0, factory, how);
      await port.listening;
      const { port: udpPort } = port.getHost() as InetAddress;
      peer = new KernelPeer({ ...common, role: 'client', port: PSEUDO_PORT, udpPort });
      await peer.next();
    }
    const [ptcp, link] = await Promise.all([exchange.ended, peer.next()]);
    const { result: kernel } = link;
    if (kernel === undefined || kernel.error !== undefined) {
      throw new Error(`the kernel's side failed: ${kernel?.error}`);
    }
    peer.stop();
    return { ptcp, kernel, link };
  }

  function expectIntact({ ptcp, kernel }: Outcome): void {
    expect(kernel.end, 'how the kernel saw it end').to.equal('eof');
    expect(ptcp.reason).to.be.instanceOf(ConnectionDone);
    expect(kernel.received, 'what the kernel received').to.equal(ptcp.sent);
    expect(ptcp.received, 'what PTCP received').to.equal(kernel.sent);
  }

  for (const role of ROLES) {
    for (const [name, impair] of Object.entries(NETWORKS)) {
      it(`carry 10 MB each way over ${name}, PTCP as the ${role}`, async () => {
        const app = { bytes: 10 * MB, close: 'kernel' } as const;
        const outcome = await run({ role, impair, app, plan: { bytes: 10 * MB, close: 'after-peer' } });

        expectIntact(outcome);
        expect(outcome.ptcp.got).to.equal(10 * MB);
        if (impair.loss !== undefined) {
          expect(outcome.ptcp.info.totalRetransSegments).to.be.greaterThan(10);
        }
      });
    }
  }

  for (const role of ROLES) {
    const cases = [
      ['the kernel does without SACK', { tcp_sack: 0 }, {}],
      ['the kernel does without timestamps', { tcp_timestamps: 0 }, {}],
      ['the kernel does without window scaling', { tcp_window_scaling: 0 }, {}],
      ['the kernel does without all three', NO_OPTIONS, {}],
      ['PTCP does without SACK', {}, { sack: false }],
      ['PTCP does without timestamps', {}, { timestamps: false }],
      ['PTCP does without window scaling', {}, { windowScale: 'off' }],
      ['PTCP does without all three', {}, { sack: false, timestamps: false, windowScale: 'off' }],
      ['PTCP looks like Linux', {}, 'linux'],
      ['PTCP looks like FreeBSD', {}, 'freebsd'],
    ] as const;
    for (const [name, sysctl, profile] of cases) {
      it(`agree on options where ${name}, PTCP as the ${role}`, async () => {
        const outcome = await run({
          role,
          sysctl,
          profile: profile as ProfileInput,
          impair: { loss: 0.01, delay: 1 },
          app: { bytes: MB, close: 'kernel' },
          plan: { bytes: MB, close: 'after-peer' },
        });

        expectIntact(outcome);
        const { options } = outcome.ptcp.info;
        const own = typeof profile === 'string' ? {} : (profile as Record<string, unknown>);
        const agreed = {
          timestamps: !('tcp_timestamps' in sysctl) && own['timestamps'] !== false,
          sack: !('tcp_sack' in sysctl) && own['sack'] !== false,
          windowScaling: !('tcp_window_scaling' in sysctl) && own['windowScale'] !== 'off',
        };
        expect(outcome.kernel.options, 'as the kernel sees it').to.deep.equal(agreed);
        expect(options, 'as PTCP sees it').to.include({
          timestamps: agreed.timestamps,
          sack: agreed.sack,
          crc32: false,
        });
        expect(options.sndWscale > 0).to.equal(agreed.windowScaling);
      });
    }
  }

  for (const role of ROLES) {
    const SIZE = 50_000;

    it(`end well when both close at once, PTCP as the ${role}`, async () => {
      const app = { bytes: SIZE, close: 'both' } as const;
      expectIntact(await run({ role, app, impair: { delay: 5 }, plan: { bytes: SIZE, close: 'at-end' } }));
    });

    it(`end well when PTCP closes first, PTCP as the ${role}`, async () => {
      const app = { bytes: SIZE, close: 'ptcp' } as const;
      expectIntact(await run({ role, app, plan: { bytes: SIZE, close: 'at-end' } }));
    });

    it(`end well when the FIN and its ACK may get lost, PTCP as the ${role}`, async () => {
      const app = { bytes: 100, close: 'ptcp' } as const;
      const impair = { loss: 0.2, delay: 1 };
      expectIntact(await run({ role, app, impair, plan: { bytes: 100, close: 'at-end' } }));
    });

    it(`go on one way when the kernel has closed its direction, PTCP as the ${role}`, async () => {
      const outcome = await run({
        role,
        app: { bytes: SIZE, expect: 0, close: 'kernel' },
        plan: { bytes: MB, expect: SIZE, close: 'after-peer', awaitEnd: true },
      });

      expectIntact(outcome);
      expect(outcome.kernel.got).to.equal(MB);
    });

    it(`go on one way when PTCP has closed its direction, PTCP as the ${role}`, async () => {
      const outcome = await run({
        role,
        app: { bytes: MB, close: 'ptcp', awaitEnd: true },
        plan: { bytes: SIZE, expect: MB, close: 'half' },
      });

      expectIntact(outcome);
      expect(outcome.ptcp.got).to.equal(MB);
    });

    it(`tell the kernel of PTCP's reset, PTCP as the ${role}`, async () => {
      const app = { bytes: 1000, close: 'wait-reset' } as const;
      const { kernel, ptcp } = await run({ role, app, plan: { bytes: 1000, close: 'abort' } });

      expect(kernel.end).to.equal('reset');
      expect(ptcp.reason).to.be.instanceOf(ConnectionAborted);
    });

    it(`tell PTCP of the kernel's reset, PTCP as the ${role}`, async () => {
      const app = { bytes: 1000, close: 'reset' } as const;
      const { ptcp, kernel } = await run({ role, app, plan: { bytes: 1000, close: 'never' } });

      expect(kernel.received).to.equal(ptcp.sent);
      expect(ptcp.reason).to.be.instanceOf(ConnectionReset);
      expect(ptcp.reason).to.not.be.instanceOf(ConnectionAborted);
    });

    it(`tell where the kernel's urgent data ends, and leave it in line (RFC 9293 §3.8.5), PTCP as the ${role}`, async () => {
      const outcome = await run({
        role,
        app: { bytes: SIZE, expect: 0, close: 'kernel', urgent: 30_000 },
        plan: { bytes: 0, expect: SIZE, close: 'after-peer' },
      });

      expectIntact(outcome);
      expect(outcome.ptcp.got).to.equal(SIZE);
      expect(outcome.ptcp.urgentUntil).to.include(30_001);
    });
  }
});
