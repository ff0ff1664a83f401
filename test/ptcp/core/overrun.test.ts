import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import type { Connection } from '../../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { seqLess } from '../../../lib/ptcp/core/seq.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';

const PORT = 49_153;
const LATENCY_MS = 25;
/** With the queue full. */
const ROUND_TRIP_MS = 2 * LATENCY_MS + 30;
const BYTES = 6_000_000;

interface Repair {
  readonly lostSegments: number;
  readonly tookMs: number;
  readonly timeOuts: number;
}

/** A first flight of `segments` leaves at once, far more than queue and link take. What came of it, `loss` beside. */
function overrun(segments: number, loss: number): Repair {
  const profile = {
    congestion: 'newreno' as const,
    initialWindowSegments: segments,
    pacing: false,
    receiveBufferBytes: BYTES,
    sendBufferBytes: BYTES,
  };
  const [client, server] = ['a', 'b'].map((name) => new PtcpEndpoint({ entropy: new Prng(name), profile }));
  server!.listen(PORT);
  const connection = client!.connect(1, PORT);
  const network = new EndpointNetwork([client!, server!], {
    link: { latencyMs: LATENCY_MS, rateMbit: 100, queueBytes: 360_000, loss },
    onEvent: (event) => {
      if (event.type === 'readable') event.connection.read(BYTES);
    },
  });
  network.runUntil(60);
  connection.write(new Uint8Array(BYTES));
  return repairOf(connection, network);
}

function repairOf(connection: Connection, network: EndpointNetwork): Repair {
  const { tcb } = connection;
  let timeOuts = 0;
  const runWhile = (isSo: () => boolean): void => {
    while (isSo() && network.now < 5000) {
      network.runUntil(network.now + 1);
      timeOuts = Math.max(timeOuts, tcb.retransmissions);
    }
  };
  runWhile(() => tcb.phase === 'open');
  const since = network.now;
  // What is lost of later data is another matter: that repair follows without a pause.
  const { recoveryPoint } = tcb;
  runWhile(() => seqLess(tcb.sndUna, recoveryPoint));
  return { lostSegments: tcb.sent.everLostBytes / 1168, tookMs: network.now - since, timeOuts };
}

describe('a flight that overruns the queue', () => {
  it('is repaired within two round trips of the ACKs that tell of it, without a time-out (RFC 9937 §6.2)', () => {
    const { lostSegments, tookMs, timeOuts } = overrun(1000, 0);

    expect(lostSegments).to.be.within(600, 800);
    // It takes one to hear of all the losses.
    expect(tookMs).to.be.below(2 * ROUND_TRIP_MS);
    expect(timeOuts).to.equal(0);
  });

  it('is repaired without a time-out also when repairs are lost again, some more than once (RFC 8985 §6.2)', () => {
    for (const loss of [0.02, 0.1]) {
      const { lostSegments, tookMs, timeOuts } = overrun(1000, loss);

      expect(lostSegments).to.be.above(700);
      expect(tookMs, `${loss} lost beside`).to.be.below(6 * ROUND_TRIP_MS);
      expect(timeOuts).to.equal(0);
    }
  });
});
