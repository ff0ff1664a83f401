// Opens idle connections and tells the parent its memory before and after: idle.ts ptcp|tcp PORT COUNT
import { setTimeout as sleep } from 'node:timers/promises';
import { ptcpContestant, tcpContestant } from './contestants.ts';
import { openIdle } from './measures.ts';

/** Connections opened first and not counted: they compile the code and make the room. */
const WARM_UP = 1000;

const [name, port, count] = process.argv.slice(2);
const contestant = name === 'ptcp' ? await ptcpContestant(Number(port)) : tcpContestant(Number(port));

const kept = await openIdle(contestant, WARM_UP);
await tellMemory();
kept.push(...(await openIdle(contestant, Number(count))));
await tellMemory();

process.on('disconnect', () => process.exit());

/** Waits until nothing is under way, collects garbage, tells, and waits to be heard. */
async function tellMemory(): Promise<void> {
  await sleep(1500);
  globalThis.gc?.();
  globalThis.gc?.();
  const heard = new Promise((go) => void process.once('message', go));
  process.send?.(process.memoryUsage.rss());
  await heard;
}
