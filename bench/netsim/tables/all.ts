import { readFileSync } from 'node:fs';
import { SETTLED_AFTER_SECONDS } from '../settings.ts';
import { delayTable } from './delay.ts';
import { fairnessTable } from './fairness.ts';
import { marksTable } from './marks.ts';
import { scenariosTable } from './scenarios.ts';
import { shareTable } from './share.ts';
import type { Results, Table } from './table.ts';

/** All tables. */
export const TABLES: readonly Table[] = [marksTable, shareTable, fairnessTable, delayTable, scenariosTable];

/** Where a table is kept. */
export function tableFile({ name }: Table): URL {
  return new URL(`../../../docs/netsim/${name}.txt`, import.meta.url);
}

/** The whole text of a table's file. */
export function tableText(table: Table, results: Results): string {
  return `${HEADERS[table.name]}\n${COMMON}\n\n${table.render(results)}\n`;
}

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

const COMMON = `hawser ${version}; made by 'npm run netsim', in virtual time; how to read it: docs/netsim.md.
Paths: rate, round trip and loss, both ways; a tail-drop queue each way of so many bandwidth-delay products.
60 s from the first SYN; 1472-byte datagrams, 28 bytes of IP and UDP headers counted; default profile otherwise.`;

const HEADERS: Readonly<Record<string, string>> = {
  marks: `The four marks: goodput share of one flow with a queue of 1 BDP.
Per cent of packets dropped at the queue and of segments sent again; what packets waited in the queue;
"RTT x" is the round trip with the mean wait over the one without. Three seeds; all but the longest wait are means.
A mark is reached by the mean share, with less than 3 % dropped at the queue. "bbr, draft" takes no loss for chance
(bbrLossTolerance 0); all else is the default.`,
  share: `Goodput share of one flow over rate, round trip, loss and queue. Seed 1.`,
  fairness: `What flows leave each other, with the queue of 1 BDP unless said otherwise. Seed 1; flows start 0.2 s apart.
Counted from ${SETTLED_AFTER_SECONDS} s to 60 s, so that the start is left out. A fair share is the link's capacity over the number of flows.
"Of max-min": of what max-min fairness gives a flow that asks for what it gets on that path alone.`,
  scenarios: `Short flows and a changing rate (cases of RFC 9743), with a queue of 1 BDP. The change of rate has seed 1.`,
  delay: `What packets of one flow wait in the queue where only the queue loses any. Seed 1.
"RTT x" is the round trip with the mean wait over the one without; per cent of packets dropped, of segments sent again.`,
};
