// The server half of bench/loopback: PTCP, node:net and a bare UDP echo on loopback, each on a free port.
import { createSocket } from 'node:dgram';
import { type AddressInfo, createServer } from 'node:net';
import { Factory, reactor } from 'hawser';
import { Duty, DutyProtocol } from './wire.ts';

const port = reactor.listenPTCP(0, Factory.forProtocol(DutyProtocol), { interface: '127.0.0.1' });
await port.listening;

const tcp = createServer((socket) => {
  socket.setNoDelay(true);
  const duty = new Duty((bytes) => void socket.write(bytes));
  socket.on('data', (bytes) => duty.take(bytes));
  socket.on('error', () => socket.destroy());
});
await new Promise<void>((listening) => void tcp.listen(0, '127.0.0.1', 4096, listening));

const echo = createSocket('udp4');
echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
await new Promise<void>((bound) => void echo.bind(0, '127.0.0.1', bound));

process.send?.({
  ptcpPort: port.getHost().port,
  tcpPort: (tcp.address() as AddressInfo).port,
  udpPort: echo.address().port,
  socketBufferBytes: port.socketBufferBytes,
});
process.on('message', (question) => {
  if (question !== 'memory') return;
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.({
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  });
});
process.on('disconnect', () => process.exit());
