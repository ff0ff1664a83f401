import { createSocket } from 'node:dgram';
import type { Contestant, Line } from './contestants.ts';
import { Ask, header, PING_BYTES } from './wire.ts';

const CHUNK_BYTES = 65_536;

/** MB/s of `byteCount` bytes one way, from the first byte to the receiver's word that the last one came. */
export async function bulk(contestant: Contestant, byteCount: number): Promise<number> {
  const line = await contestant.connect();
  const chunk = new Uint8Array(CHUNK_BYTES);
  const startedAt = performance.now();
  line.write(header(Ask.Sink, byteCount));
  await new Promise<void>((done) => {
    let left = byteCount;
    line.received = () => done();
    line.drained = () => {
      while (left > 0) {
        const part = left < CHUNK_BYTES ? chunk.subarray(0, left) : chunk;
        left -= part.length;
        if (!line.write(part)) return;
      }
    };
    line.drained();
  });
  const seconds = (performance.now() - startedAt) / 1000;
  line.close();
  return byteCount / 1e6 / seconds;
}

/** Round-trip times of pings one after the other, µs, sorted. */
export async function pingPong(contestant: Contestant, count: number): Promise<number[]> {
  const line = await contestant.connect();
  line.write(header(Ask.Echo));
  const times = await pings(count, (ping, answered) => {
    let received = 0;
    line.received = (bytes) => {
      received += bytes.length;
      if (received % PING_BYTES === 0) answered();
    };
    return () => void line.write(ping);
  });
  line.close();
  return times;
}

/** The floor under both: the same pings in bare datagrams. */
export async function udpPing(port: number, count: number): Promise<number[]> {
  const socket = createSocket('udp4');
  await new Promise<void>((connected) => void socket.connect(port, '127.0.0.1', connected));
  const times = await pings(count, (ping, answered) => {
    socket.on('message', () => answered());
    return () => socket.send(ping);
  });
  socket.close();
  return times;
}

function pings(
  count: number,
  start: (ping: Uint8Array, answered: () => void) => () => void,
): Promise<number[]> {
  return new Promise((done) => {
    const times: number[] = [];
    let sentAt = 0;
    const send = start(new Uint8Array(PING_BYTES), () => {
      times.push((performance.now() - sentAt) * 1000);
      if (times.length === count) {
        done(times.sort((a, b) => a - b));
        return;
      }
      sentAt = performance.now();
      send();
    });
    sentAt = performance.now();
    send();
  });
}

/** Connections made and closed a second, `atOnce` under way at any time. */
export async function connects(contestant: Contestant, count: number, atOnce: number): Promise<number> {
  const startedAt = performance.now();
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      (await contestant.connect()).close();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return count / ((performance.now() - startedAt) / 1000);
}

/** Opens `count` idle connections, some at a time, and returns them. */
export async function openIdle(contestant: Contestant, count: number): Promise<Line[]> {
  const lines: Line[] = [];
  while (lines.length < count) {
    const batch = Math.min(100, count - lines.length);
    const opened = await Promise.all(Array.from({ length: batch }, () => contestant.connectIdle()));
    for (const line of opened) line.write(header(Ask.Idle));
    lines.push(...opened);
  }
  return lines;
}
