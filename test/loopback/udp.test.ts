import { createSocket, Socket } from 'node:dgram';
import { expect } from 'chai';
import sinon from 'sinon';
import type { UdpSocket, UdpSocketEvents } from '../../lib/interfaces/sockets.ts';
import { bindUdp } from '../../lib/reactor/node/udp-socket.ts';

const LOOPBACK = '127.0.0.1';
const STRIDE_BYTES = 1_000;

/** Notes what a socket tells. */
class RecordingEvents implements UdpSocketEvents {
  readonly datagrams: { readonly bytes: Uint8Array; readonly host: string; readonly port: number }[] = [];
  readonly errors: string[] = [];
  writableCount = 0;

  datagram(bytes: Uint8Array, host: string, port: number): void {
    this.datagrams.push({ bytes, host, port });
  }

  writable(): void {
    this.writableCount += 1;
  }

  error(code: string): void {
    this.errors.push(code);
  }
}

const open: UdpSocket[] = [];

function bind(
  events: UdpSocketEvents,
  options: { port?: number; bufferBytes?: number; ttl?: number } = {},
): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    bindUdp({ host: LOOPBACK, port: 0, events, ...options }, (error, socket) => {
      if (socket === undefined) {
        reject(error);
        return;
      }
      open.push(socket);
      resolve(socket);
    });
  });
}

function connected(socket: UdpSocket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.connect({ host: LOOPBACK, port }, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

async function until(isDone: () => boolean): Promise<void> {
  const limitAt = performance.now() + 1_800;
  while (!isDone()) {
    if (performance.now() > limitAt) throw new Error('it took too long');
    await new Promise(setImmediate);
  }
}

/** `count` datagrams, each filled with its own number; the last one is shorter. */
function numbered(count: number, lastBytes: number) {
  const buffer = new Uint8Array(count * STRIDE_BYTES);
  for (let index = 0; index < count; index++) {
    buffer.fill(index + 1, index * STRIDE_BYTES, (index + 1) * STRIDE_BYTES);
  }
  return { buffer, strideBytes: STRIDE_BYTES, count, lastBytes };
}

function refillSendQueueCount(count: () => number): () => void {
  const original = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(createProbe()), 'getSendQueueCount');
  const prototype = Object.getPrototypeOf(createProbe());
  Object.defineProperty(prototype, 'getSendQueueCount', { value: count, configurable: true, writable: true });
  return () => Object.defineProperty(prototype, 'getSendQueueCount', original as PropertyDescriptor);
}

let probe: Socket | undefined;
function createProbe(): Socket {
  probe ??= createSocket('udp4');
  return probe;
}

describe('the UDP socket on the loopback interface', () => {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
    probe?.close();
    probe = undefined;
  });

  for (const isConnected of [true, false]) {
    it(`sends a burst ${isConnected ? 'to its peer' : 'to an address'} as it was when it was called`, async () => {
      const received = new RecordingEvents();
      const receiver = await bind(received);
      const sender = await bind(new RecordingEvents());
      if (isConnected) await connected(sender, receiver.port);
      const burst = numbered(16, 10);

      const to = isConnected ? undefined : { host: LOOPBACK, port: receiver.port };
      const answer = sender.sendBurst(burst, to);
      // The buffer is ours again.
      burst.buffer.fill(0xff);
      await until(() => received.datagrams.length === 16);

      expect(answer).to.equal('sent');
      expect(received.datagrams.map(({ bytes }) => bytes[0])).to.deep.equal(
        Array.from({ length: 16 }, (_, index) => index + 1),
      );
      expect(received.datagrams.map(({ bytes }) => bytes.length)).to.deep.equal([
        ...new Array(15).fill(STRIDE_BYTES),
        10,
      ]);
      expect(received.datagrams[0]).to.include({ host: LOOPBACK, port: sender.port });
    });
  }

  it('sets the number of hops on the socket (RFC 9293 §3.9.2, MUST-49)', async () => {
    const setTTL = sinon.spy(Socket.prototype, 'setTTL');
    try {
      await bind(new RecordingEvents(), { ttl: 7 });
      await bind(new RecordingEvents());
    } finally {
      setTTL.restore();
    }

    expect(setTTL.args).to.deep.equal([[7]]);
  });

  it('sends bursts of changing strides and lengths unmixed', async () => {
    const received = new RecordingEvents();
    const receiver = await bind(received);
    const sender = await bind(new RecordingEvents());
    await connected(sender, receiver.port);

    for (const [stride, last] of [
      [100, 100],
      [100, 30],
      [40_000, 5],
      [7, 7],
      [100, 100],
    ] as const) {
      const buffer = new Uint8Array(2 * stride).map((_, index) => index % 251);
      sender.sendBurst({ buffer, strideBytes: stride, count: 2, lastBytes: last });
    }
    await until(() => received.datagrams.length === 10);

    const lengths = received.datagrams.map(({ bytes }) => bytes.length);
    expect(lengths).to.deep.equal([100, 100, 100, 30, 40_000, 5, 7, 7, 100, 100]);
    expect(received.datagrams[5]?.bytes[0]).to.equal(40_000 % 251);
  });

  it('hears of a refusal on a connected socket, and stays open', async () => {
    const events = new RecordingEvents();
    const vanished = await bind(new RecordingEvents());
    const { port } = vanished;
    const sender = await bind(events);
    await connected(sender, port);
    await new Promise<void>((resolve) => vanished.close(resolve));

    sender.sendBurst(numbered(1, 10));
    await until(() => events.errors.length > 0);

    expect(events.errors).to.deep.equal(['ECONNREFUSED']);
    const received = new RecordingEvents();
    await bind(received, { port });
    sender.sendBurst(numbered(1, 10));
    await until(() => received.datagrams.length === 1);
  });

  it('hears of a refusal that comes out of a later send', async () => {
    const events = new RecordingEvents();
    const vanished = await bind(new RecordingEvents());
    const sender = await bind(events);
    await connected(sender, vanished.port);
    await new Promise<void>((resolve) => vanished.close(resolve));

    sender.sendBurst(numbered(1, 10));
    sender.sendBurst(numbered(3, 10));
    await until(() => events.errors.length > 0);

    expect(new Set(events.errors)).to.deep.equal(new Set(['ECONNREFUSED']));
  });

  it('answers blocked while datagrams wait, in memory of its own, and tells when they are gone', async () => {
    let queued = 1;
    const restore = refillSendQueueCount(() => queued);
    try {
      const events = new RecordingEvents();
      const received = new RecordingEvents();
      const receiver = await bind(received);
      const sender = await bind(events);
      await connected(sender, receiver.port);

      const answers = [sender.sendBurst(numbered(2, 10)), sender.sendBurst(numbered(2, 10))];
      queued = 0;
      await until(() => events.writableCount === 1 && received.datagrams.length === 4);

      expect(answers).to.deep.equal(['blocked', 'blocked']);
      expect(sender.sendBurst(numbered(1, 10))).to.equal('sent');
      expect(events.writableCount).to.equal(1);
    } finally {
      restore();
    }
  });

  it('reports what the system granted of the buffers it was asked for', async () => {
    const small = await bind(new RecordingEvents(), { bufferBytes: 16_384 });
    const large = await bind(new RecordingEvents(), { bufferBytes: 131_072 });

    expect(large.receiveBufferBytes).to.be.greaterThan(small.receiveBufferBytes);
    expect(large.sendBufferBytes).to.be.greaterThan(small.sendBufferBytes);
  });

  it('fails to bind a port that is taken, with errno', async () => {
    const taken = await bind(new RecordingEvents());

    const failure = await bind(new RecordingEvents(), { port: taken.port }).catch((error: unknown) => error);

    expect(failure).to.have.property('code', 'EADDRINUSE');
  });

  it('says nothing after it was closed, and drops what is sent then', async () => {
    const received = new RecordingEvents();
    const receiver = await bind(received);
    const sender = await bind(new RecordingEvents());
    const to = { host: LOOPBACK, port: receiver.port };

    sender.sendBurst(numbered(1, 10), to);
    await new Promise<void>((resolve) => receiver.close(resolve));
    const heard = received.datagrams.length;
    await new Promise<void>((resolve) => sender.close(resolve));

    expect(sender.sendBurst(numbered(1, 10), to)).to.equal('sent');
    expect(received.datagrams.length).to.equal(heard);
  });

  it('gives a bind up before it is over', (done) => {
    const giveUp = bindUdp({ host: LOOPBACK, port: 0, events: new RecordingEvents() }, () => {
      done(new Error('called after it was given up'));
    });

    giveUp();
    setImmediate(() => setImmediate(() => done()));
  });
});
