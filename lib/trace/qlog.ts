// Read first: draft-ietf-quic-qlog-main-schema §5 (JSON text sequences, RFC 7464) for the frame around the events.
import type { TracedConnection, TraceEvent, TraceSink } from './trace.ts';

/** What each record begins with, RFC 7464 §2.2; it ends with a line feed. */
const RECORD_SEPARATOR = '\u001e';

/**
 * Writes events as JSON, one record each, in qlog's form of a JSON text sequence.
 *
 * `group_id` is the connection: both ends, UDP address and pseudo-port. Its output waits until it is taken.
 */
export class QlogRecords implements TraceSink {
  readonly #encoder = new TextEncoder();
  readonly #epochMs: number;
  #waiting = '';

  /** `epochMs` is added to the times of events: what the clock's zero is in milliseconds since 1970. */
  constructor(epochMs = 0) {
    this.#epochMs = epochMs;
    this.#add({
      file_schema: 'urn:ietf:params:qlog:file:sequential',
      serialization_format: 'application/qlog+json-seq',
      title: 'PTCP',
      event_schemas: [],
      trace: {
        common_fields: {
          time_format: 'relative_to_epoch',
          reference_time: { clock_type: 'system', epoch: '1970-01-01T00:00:00.000Z' },
        },
        vantage_point: { name: 'hawser', type: 'unknown' },
      },
    });
  }

  /** Characters that wait, and bytes: all of it is ASCII. */
  get byteCount(): number {
    return this.#waiting.length;
  }

  trace({ at, connection, name, data }: TraceEvent): void {
    this.#add({
      time: Math.round((this.#epochMs + at) * 1000) / 1000,
      name,
      data,
      ...(connection !== undefined && { group_id: groupOf(connection) }),
    });
  }

  take(): Uint8Array {
    const taken = this.#encoder.encode(this.#waiting);
    this.#waiting = '';
    return taken;
  }

  #add(record: object): void {
    this.#waiting += `${RECORD_SEPARATOR}${JSON.stringify(record)}\n`;
  }
}

/** `192.0.2.1:4000/50123-192.0.2.2:4915/49153`, or, without a socket, the path and the pseudo-ports. */
function groupOf({ path, localPort, remotePort, localAddress, remoteAddress }: TracedConnection): string {
  if (localAddress === undefined || remoteAddress === undefined) return `${path}/${localPort}-${remotePort}`;
  const local = `${localAddress.host}:${localAddress.port}/${localPort}`;
  return `${local}-${remoteAddress.host}:${remoteAddress.port}/${remotePort}`;
}
