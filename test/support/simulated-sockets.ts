import type {
  DatagramBurst,
  Sockets,
  TcpListener,
  TcpSocket,
  UdpSocket,
} from '../../lib/interfaces/sockets.ts';
import type { VirtualClock } from '../../lib/testing/virtual-clock.ts';

/** A UDP socket together with all that it reported. */
export interface RecordingUdp {
  readonly socket: UdpSocket;
  /** `10.0.0.1:4000 text`, one for each datagram. */
  readonly received: string[];
  readonly errors: string[];
  writableCount: number;
}

/** Binds a socket at once, or throws the error that it failed with. */
export function bindUdp(clock: VirtualClock, sockets: Sockets, host: string, port: number): RecordingUdp {
  const received: string[] = [];
  const errors: string[] = [];
  let bound: UdpSocket | undefined;
  let failure: Error | undefined;
  const events = {
    datagram: (bytes: Uint8Array, from: string, fromPort: number) => {
      received.push(`${from}:${fromPort} ${text(bytes)}`);
    },
    writable: () => {
      recording.writableCount++;
    },
    error: (code: string) => {
      errors.push(code);
    },
  };
  sockets.bindUdp({ host, port, events }, (error, socket) => {
    failure = error;
    bound = socket;
  });
  clock.advance(0);
  if (bound === undefined) throw failure;
  const recording: RecordingUdp = { socket: bound, received, errors, writableCount: 0 };
  return recording;
}

/** A burst of one datagram. */
export function datagram(content: string | Uint8Array): DatagramBurst {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return { buffer: bytes, strideBytes: bytes.length, count: 1, lastBytes: bytes.length };
}

/** An end of a TCP connection together with all that it reported, in order. */
export interface RecordingTcp {
  readonly socket: TcpSocket;
  readonly log: string[];
  readonly receivedBytes: number;
}

export function recordTcp(socket: TcpSocket): RecordingTcp {
  const log: string[] = [];
  let receivedBytes = 0;
  socket.attach({
    data: (bytes) => {
      receivedBytes += bytes.length;
      log.push(bytes.length > 40 ? `${bytes.length} bytes` : text(bytes));
    },
    end: () => log.push('end'),
    drained: () => log.push('drained'),
    finished: () => log.push('finished'),
    closed: (code) => log.push(code === undefined ? 'closed' : `closed ${code}`),
  });
  return {
    socket,
    log,
    get receivedBytes() {
      return receivedBytes;
    },
  };
}

/** A listener with the connections it accepted, in order. */
export interface RecordingListener {
  readonly listener: TcpListener;
  readonly accepted: RecordingTcp[];
}

/** Listens at once, or throws the error that it failed with. */
export function listenTcp(
  clock: VirtualClock,
  sockets: Sockets,
  host: string,
  port: number,
): RecordingListener {
  const accepted: RecordingTcp[] = [];
  let listener: TcpListener | undefined;
  let failure: Error | undefined;
  sockets.listenTcp(
    {
      host,
      port,
      backlog: 16,
      accepted: (socket) => accepted.push(recordTcp(socket)),
      error: (error) => {
        throw error;
      },
    },
    (error, made) => {
      failure = error;
      listener = made;
    },
  );
  clock.advance(0);
  if (listener === undefined) throw failure;
  return { listener, accepted };
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function bytesOf(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
