// The server half of a contestant: server.ts NAME PROTO. Tells its port, and ends with the process that started it.
import process from 'node:process';
import type { HawserName, Ready } from './messages.ts';

const [, , name = '', protoPath = ''] = process.argv;

process.on('disconnect', () => process.exit());
const port = await serve();
process.send?.({ port } satisfies Ready);

/** Only what the contestant takes is loaded. */
async function serve(): Promise<number> {
  if (name === 'grpc') return (await import('./grpc.ts')).serveGrpc(protoPath);
  return (await import('./hawser.ts')).serveAmp(name as HawserName);
}
