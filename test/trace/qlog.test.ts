import { expect } from 'chai';
import { QlogRecords } from '../../lib/trace/qlog.ts';
import type { TraceEvent } from '../../lib/trace/trace.ts';

const EVENT: TraceEvent = {
  at: 12.3456,
  connection: { path: 3, localPort: 50_000, remotePort: 49_153 },
  name: 'connectivity:connection_started',
  data: { role: 'client' },
};

function recordsOf(bytes: Uint8Array): unknown[] {
  const texts = new TextDecoder().decode(bytes).split('\u001e');
  expect(texts.shift()).to.equal('');
  for (const text of texts) expect(text.endsWith('\n')).to.equal(true);
  return texts.map((text) => JSON.parse(text));
}

describe('QlogRecords', () => {
  it('is a JSON text sequence that begins with what it is (RFC 7464 §2.2, draft-ietf-quic-qlog-main-schema §5)', () => {
    const [head] = recordsOf(new QlogRecords().take()) as [Record<string, unknown>];

    expect(head['file_schema']).to.equal('urn:ietf:params:qlog:file:sequential');
    expect(head['serialization_format']).to.equal('application/qlog+json-seq');
  });

  it('dates events by the clock and its epoch, to the microsecond, and groups them by connection', () => {
    const records = new QlogRecords(1_700_000_000_000);
    records.take();
    records.trace(EVENT);

    expect(recordsOf(records.take())).to.deep.equal([
      {
        time: 1_700_000_000_012.346,
        name: 'connectivity:connection_started',
        data: { role: 'client' },
        group_id: '3/50000-49153',
      },
    ]);
  });

  it('names both ends in full where the socket is known, and none for a datagram of nobody', () => {
    const records = new QlogRecords();
    records.take();
    const localAddress = { host: '192.0.2.1', port: 4000 };
    const remoteAddress = { host: '192.0.2.2', port: 4915 };
    records.trace({
      ...EVENT,
      connection: { path: 3, localPort: 50_000, remotePort: 49_153, localAddress, remoteAddress },
    });
    records.trace({
      at: 1,
      connection: undefined,
      name: 'transport:packet_dropped',
      data: { lengthBytes: 1, reason: 'short' },
    });

    const [named, unnamed] = recordsOf(records.take()) as Record<string, unknown>[];
    expect(named?.['group_id']).to.equal('192.0.2.1:4000/50000-192.0.2.2:4915/49153');
    expect(unnamed).to.not.have.property('group_id');
  });

  it('counts the bytes that wait', () => {
    const records = new QlogRecords();
    const { byteCount } = records;

    expect(records.take()).to.have.length(byteCount);
    expect(records.byteCount).to.equal(0);
  });
});
