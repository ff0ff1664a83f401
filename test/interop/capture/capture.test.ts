import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect } from 'chai';
import { ClientFactory, Factory, type ProfileInput, Protocol, Reactor } from '../../../lib/index.ts';
import { type LinkOptions, Prng, SimulatedNetwork, VirtualClock } from '../../../lib/testing/index.ts';
import { PcapngCapture } from '../../../lib/trace/pcapng.ts';
import { tappedSockets } from '../../../lib/trace/tapped-sockets.ts';
import { pattern } from '../../support/transfer.ts';
import { countIn, fieldsIn, hasTshark, warningsIn } from './tshark.ts';

const SIZE_BYTES = 150_000;
const CLEAN: LinkOptions = { latencyMs: 20, rateMbit: 20 };
const V4 = ['192.0.2.1', '192.0.2.2'] as const;
const V6 = ['2001:db8::1', '2001:db8::2'] as const;

/** A probe for the path's MTU repeats text, and a D-SACK answers it (docs/decisions/0021-pmtu-probes.md). */
const NO_SEARCH = { maxPlpmtuBytes: 'off' } as const;
const DSACK = 'D-SACK Sequence';

/** Where the receiver's disk is slower than the loopback interface, this is simply true. */
const WINDOW_FULL = 'TCP window specified by the receiver is now completely full';

/** Sends back what came, and closes when the other side does. */
class Echo extends Protocol {
  override dataReceived(bytes: Uint8Array): void {
    this.transport.write(bytes);
  }

  override readConnectionLost(): void {
    this.transport.loseConnection();
  }
}

class Sender extends Protocol {
  override connectionMade(): void {
    this.transport.write(pattern(SIZE_BYTES));
    this.transport.loseWriteConnection();
  }
}

interface World {
  readonly link: LinkOptions;
  readonly hosts: readonly [string, string];
  /** Whose socket is captured: the place in `hosts`. */
  readonly watched: 0 | 1;
  readonly clientCount?: number;
  readonly profile?: ProfileInput;
}

/** The capture of connections that carry SIZE_BYTES there and back, in virtual time. */
function captureOf({ link, hosts, watched, clientCount = 1, profile }: World): Uint8Array {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: 7, link });
  const capture = new PcapngCapture();
  const reactors = hosts.map((host, index) => {
    const { sockets } = network.host(host);
    const tapped = tappedSockets(sockets, (datagram) => capture.add({ ...datagram, atMs: clock.now() }));
    return new Reactor({ clock, sockets: index === watched ? tapped : sockets, entropy: new Prng(host) });
  });
  const options = profile === undefined ? {} : { profile };
  reactors[0]!.listenPTCP(4000, Factory.forProtocol(Echo), { ...options, interface: hosts[0] });
  for (let count = 0; count < clientCount; count += 1) {
    const factory = ClientFactory.forProtocol(Sender);
    reactors[1]!.connectPTCP(hosts[0], 4000, factory, { ...options, bindAddress: hosts[1] });
  }
  clock.advance(600_000);
  expect(clock.pending).to.equal(0);
  return capture.take();
}

describe('tshark', () => {
  let directory: string;
  let file: string;
  const running: ChildProcess[] = [];

  before(function () {
    if (hasTshark()) return;
    console.log('captures are not checked: tshark is not installed');
    this.skip();
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hawser-capture-'));
    file = join(directory, 'capture.pcapng');
  });

  afterEach(async () => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  for (const [name, hosts] of [
    ['IPv4', V4],
    ['IPv6', V6],
  ] as const) {
    for (const watched of [0, 1] as const) {
      it(`finds nothing to warn of in a clean run over ${name}, seen from the ${watched === 0 ? 'server' : 'client'}`, async () => {
        await writeFile(file, captureOf({ link: CLEAN, hosts, watched, clientCount: 2, profile: NO_SEARCH }));

        expect(warningsIn(file)).to.deep.equal([]);
        expect(countIn(file, 'tcp.flags.syn == 1')).to.equal(4);
        expect(countIn(file, 'tcp.flags.fin == 1')).to.equal(4);
        expect(countIn(file, 'tcp.analysis.retransmission || tcp.analysis.lost_segment')).to.equal(0);
        expect(countIn(file, '!tcp || tcp.checksum.status != "Good" || tcp.urgent_pointer != 0')).to.equal(0);
        const lengths = fieldsIn(file, 'tcp.len > 0', ['tcp.len']).map(([length]) => Number(length));
        expect(lengths.reduce((sum, length) => sum + length, 0)).to.equal(4 * SIZE_BYTES);
      });
    }
  }

  it('takes the search for the path MTU for a needless retransmission, and finds nothing else to warn of', async () => {
    await writeFile(file, captureOf({ link: CLEAN, hosts: V4, watched: 1 }));

    const warnings = warningsIn(file);
    expect(warnings.filter((line) => !line.includes(DSACK))).to.deep.equal([]);
    expect(warnings).to.have.length(1);
  });

  it('reads the options of the SYN, and scales the window by them', async () => {
    const profile = { receiveBufferBytes: 1 << 20, mssBytes: 1452 };
    await writeFile(file, captureOf({ link: CLEAN, hosts: V4, watched: 1, profile }));

    const option = (name: string): string => `tcp.options.${name}`;
    const names = [
      option('mss_val'),
      option('wscale.shift'),
      option('sack_perm'),
      'tcp.option_kind',
      option('experimental.exid'),
    ];
    const syns = fieldsIn(file, 'tcp.flags.syn == 1', names.slice(0, 4));
    expect(syns).to.have.length(2);
    for (const [mss, shift, , kinds] of syns) {
      expect(Number(mss)).to.equal(1452);
      expect(Number(shift)).to.be.greaterThan(0);
      expect(kinds?.split(',')).to.include.members(['2', '3', '4', '8', '253']);
    }
    const shift = Number(syns[0]?.[1]);
    const windows = fieldsIn(file, 'tcp.flags.syn == 0 && ip.src == 192.0.2.2', [
      'tcp.window_size_value',
      'tcp.window_size',
    ]);
    for (const [raw, scaled] of windows) expect(Number(scaled)).to.equal(Number(raw) * 2 ** shift);
  });

  it('sees retransmissions where datagrams were lost, and no segment that is not well formed', async () => {
    const link = { ...CLEAN, loss: 0.02, corrupt: 0.002 };
    await writeFile(file, captureOf({ link, hosts: V4, watched: 1 }));

    expect(countIn(file, 'tcp.analysis.retransmission')).to.be.greaterThan(0);
    expect(countIn(file, 'tcp.options.sack_le')).to.be.greaterThan(0);
    expect(countIn(file, '_ws.malformed')).to.equal(0);
  });

  it('finds nothing to warn of in what hawser send and hawser receive write on loopback', async () => {
    const sent = join(directory, 'sent.pcapng');
    await writeFile(join(directory, 'a.bin'), pattern(1_000_000));
    const place = ['--listen', 'ptcp:0', '--once', '--json', '--dir', directory, '--overwrite'];
    const receiver = hawser('receive', '--pcap', file, ...place);
    const port = await portOf(receiver);
    const sender = hawser('send', '--pcap', sent, join(directory, 'a.bin'), `ptcp:127.0.0.1:${port}`);
    await Promise.all([once(sender, 'exit'), once(receiver, 'exit')]);

    for (const capture of [file, sent]) {
      expect(
        warningsIn(capture).filter((line) => !line.includes(WINDOW_FULL)),
        capture,
      ).to.deep.equal([]);
      expect(countIn(capture, 'tcp.flags.fin == 1'), capture).to.equal(2);
      expect(countIn(capture, 'tcp.checksum.status != "Good"'), capture).to.equal(0);
      const lengths = fieldsIn(capture, `tcp.dstport == 49153`, ['tcp.len']).map(([length]) =>
        Number(length),
      );
      expect(lengths.reduce((sum, length) => sum + length, 0)).to.be.greaterThan(1_000_000);
    }
  });

  function hawser(...args: string[]): ChildProcess {
    const tsx = ['--import', 'tsx', '--conditions=@hawser/source', 'bin/hawser.ts'];
    const child = spawn(process.execPath, [...tsx, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    return child;
  }

  /** Where it says that it listens. Its output is read on, or it would end. */
  function portOf(receiver: ChildProcess): Promise<number> {
    return new Promise((resolve) => {
      let text = '';
      receiver.stdout?.on('data', (chunk) => {
        text += String(chunk);
        const port = /"port":(\d+)/.exec(text)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
    });
  }
});
