// The client half of a contestant: client.ts NAME PROTO PORT. Measures the cases it is told, over one connection.
import process from 'node:process';
import { type Caller, measureCase } from './cases.ts';
import type { HawserName, Measured, Order, Ready } from './messages.ts';

const [, , name = '', protoPath = '', portText] = process.argv;
const port = Number(portText);

process.on('disconnect', () => process.exit());
const caller = await connect();
process.on('message', async (order: Order) => {
  const callsPerSecond = (await measureCase(order.name, caller, order.seconds)) ?? null;
  process.send?.({ callsPerSecond } satisfies Measured);
});
process.send?.({ port } satisfies Ready);

/** Only what the contestant takes is loaded. */
async function connect(): Promise<Caller> {
  if (name === 'grpc') return (await import('./grpc.ts')).callGrpc(protoPath, port);
  return (await import('./hawser.ts')).callAmp(name as HawserName, port);
}
