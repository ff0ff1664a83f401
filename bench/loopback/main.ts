// npm run bench:loopback [-- --json] [--rounds N] [--bytes N] [--idle N]: PTCP beside node:net TCP, two processes, loopback.
import { type ChildProcess, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { median, percentile } from '../statistics.ts';
import { type Contestant, ptcpContestant, tcpContestant } from './contestants.ts';
import { bulk, connects, pingPong, udpPing } from './measures.ts';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    bytes: { type: 'string', default: '200000000' },
    pings: { type: 'string', default: '3000' },
    connects: { type: 'string', default: '1000' },
    idle: { type: 'string', default: '10000' },
    only: { type: 'string' },
  },
});

interface ServerHello {
  readonly ptcpPort: number;
  readonly tcpPort: number;
  readonly udpPort: number;
  readonly socketBufferBytes: { readonly receive: number; readonly send: number };
}

interface Memory {
  readonly rssBytes: number;
  readonly peakRssBytes: number;
}

/** Results of all rounds, by measure and contestant. */
type Results = Record<string, Record<string, number[]>>;

const results: Results = {};

function note(measure: string, contestant: string, value: number): void {
  ((results[measure] ??= {})[contestant] ??= []).push(value);
  const rounded = value.toFixed(value < 100 ? 1 : 0);
  if (!flags.json) process.stderr.write(`${measure.padEnd(16)} ${contestant.padEnd(5)} ${rounded}\n`);
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((received) => void child.once('message', (value) => received(value as T)));
}

async function peakOf(server: ChildProcess): Promise<number> {
  const answer = message<Memory>(server);
  server.send('memory');
  return (await answer).peakRssBytes;
}

async function round(contestant: Contestant): Promise<void> {
  const isWanted = (measure: string): boolean => flags.only === undefined || flags.only === measure;
  if (isWanted('bulk')) note('bulkMBps', contestant.name, await bulk(contestant, Number(flags.bytes)));
  if (isWanted('ping')) {
    const times = await pingPong(contestant, Number(flags.pings));
    note('pingP50us', contestant.name, percentile(times, 0.5));
    note('pingP99us', contestant.name, percentile(times, 0.99));
  }
  if (isWanted('connects')) {
    note('connectsPerSecond', contestant.name, await connects(contestant, Number(flags.connects), 16));
  }
}

/** Idle connections are counted in two processes that have done nothing else. */
async function idle(name: Contestant['name']): Promise<void> {
  const count = Number(flags.idle);
  if (count === 0 || (flags.only !== undefined && flags.only !== 'idle')) return;
  await withServer(async (server, ports) => {
    const port = name === 'ptcp' ? ports.ptcpPort : ports.tcpPort;
    const client = fork(new URL('./idle.ts', import.meta.url), [name, String(port), String(count)], {
      execArgv: [...process.execArgv],
    });
    const rss: number[] = [];
    for (let index = 0; index < 2; index += 1) {
      const ofClient = await message<number>(client);
      const ofServer = message<Memory>(server);
      server.send('memory');
      rss.push(ofClient + (await ofServer).rssBytes);
      client.send('go');
    }
    client.disconnect();
    note('idleKB', name, (rss[1]! - rss[0]!) / 1000 / count);
  });
}

/** A fresh server. */
async function withServer<T>(use: (server: ChildProcess, hello: ServerHello) => Promise<T>): Promise<T> {
  const server = fork(new URL('./server.ts', import.meta.url), { execArgv: [...process.execArgv] });
  try {
    return await use(server, await message<ServerHello>(server));
  } finally {
    server.disconnect();
  }
}

async function main(): Promise<void> {
  let hello: ServerHello | undefined;
  let peakRssBytes = 0;
  await idle('ptcp');
  await idle('tcp');
  await withServer(async (server, ports) => {
    hello = ports;
    const both = [await ptcpContestant(ports.ptcpPort), tcpContestant(ports.tcpPort)];
    for (let index = 0; index < Number(flags.rounds); index += 1) {
      for (const contestant of both) await round(contestant);
      const times = await udpPing(ports.udpPort, Number(flags.pings));
      note('pingP50us', 'udp', percentile(times, 0.5));
    }
    peakRssBytes = Math.max(await peakOf(server), process.resourceUsage().maxRSS * 1024);
  });
  report(hello!, peakRssBytes);
  process.exit();
}

function report(hello: ServerHello, peakRssBytes: number): void {
  const medians = Object.fromEntries(
    Object.entries(results).map(([measure, byContestant]) => [
      measure,
      Object.fromEntries(Object.entries(byContestant).map(([name, all]) => [name, median(all)])),
    ]),
  );
  const summary = {
    ...medians,
    peakRssMB: peakRssBytes / 1e6,
    socketBufferBytes: hello.socketBufferBytes,
    rounds: Number(flags.rounds),
  };
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  process.stdout.write('\nmedians            ptcp        tcp        udp\n');
  for (const [measure, byContestant] of Object.entries(medians)) {
    const cells = ['ptcp', 'tcp', 'udp'].map((name) => (byContestant[name]?.toFixed(1) ?? '').padStart(10));
    process.stdout.write(`${measure.padEnd(17)}${cells.join(' ')}\n`);
  }
  const { receive, send } = hello.socketBufferBytes;
  process.stdout.write(
    `peak RSS ${(peakRssBytes / 1e6).toFixed(0)} MB; socket buffers granted: receive ${receive}, send ${send}\n`,
  );
}

await main();
