// The core of PTCP without the reactor: it stands in docs/ptcp.md, and test/docs/ptcp.test.ts plays it.
import { type Connection, NEVER, PtcpEndpoint } from 'hawser/ptcp';

/** Echoes on pseudo-port 49153. `send` carries a datagram; `wakeUpIn` replaces the wake-up asked for before. */
export function echoServer(
  send: (path: number, datagram: Uint8Array) => void,
  wakeUpIn: (delayMs: number) => void,
) {
  const endpoint = new PtcpEndpoint({ entropy: { fill: (out) => crypto.getRandomValues(out) } });
  endpoint.listen(49153);
  const out = new Uint8Array(65_536);

  function pump(now: number): void {
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === 'readable' || event.type === 'writable' || event.type === 'peerClosed') {
        echo(event.connection);
      }
    }
    for (let burst = endpoint.pollTransmit(now, { out, maxSegments: 16 }); burst !== undefined; ) {
      for (let index = 0; index < burst.count; index += 1) {
        const start = index * burst.strideBytes;
        const length = index === burst.count - 1 ? burst.lastBytes : burst.strideBytes;
        send(burst.path, out.subarray(start, start + length)); // the bytes are overwritten later
      }
      burst = endpoint.pollTransmit(now, { out, maxSegments: 16 });
    }
    const dueAt = endpoint.nextTimeout();
    if (dueAt !== NEVER) wakeUpIn(Math.max(0, dueAt - now));
  }

  return {
    datagramReceived(now: number, bytes: Uint8Array, path: number): void {
      endpoint.handleDatagram(now, bytes, path); // never throws, whatever the bytes
      pump(now);
    },
    wakeUp(now: number): void {
      endpoint.handleTimeout(now);
      pump(now);
    },
  };
}

/** Sends back what came, no faster than the peer takes it: what is not accepted waits in `context`. */
function echo(connection: Connection): void {
  let bytes = (connection.context as Uint8Array | undefined) ?? connection.read(65_536);
  while (bytes.length > 0) {
    bytes = bytes.subarray(connection.write(bytes));
    if (bytes.length > 0) break; // 'writable' follows
    bytes = connection.read(65_536);
  }
  connection.context = bytes.length > 0 ? bytes : undefined;
  if (bytes.length === 0 && connection.state === 'CLOSE-WAIT') connection.close();
}
