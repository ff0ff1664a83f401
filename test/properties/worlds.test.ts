import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileInput } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import type { LinkOptions } from '../../lib/testing/link.ts';

/** Worlds to try. WORLDS=5000 npm test looks further; a world that fails is named by its seed. */
const WORLD_COUNT = Number(process.env['WORLDS'] ?? 60);
const PSEUDO_PORT = 49_153;

/** One end of a connection that sends `content`, closes its direction behind it, and keeps what comes. */
class Application {
  readonly #content: Uint8Array;
  readonly #received: Uint8Array[] = [];
  #offered = 0;
  #isShutDown = false;
  reason: string | undefined;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  handle(event: PtcpEvent): void {
    if (event.type === 'pathCandidate') return;
    if (event.type === 'closed') this.reason = event.reason;
    if (event.type === 'readable') this.#read(event.connection);
    if (event.type === 'established' || event.type === 'writable') this.#write(event.connection);
  }

  #read(connection: Connection): void {
    for (let bytes = connection.read(7_000); bytes.length > 0; bytes = connection.read(7_000)) {
      this.#received.push(bytes);
    }
  }

  #write(connection: Connection): void {
    if (this.#isShutDown) return;
    this.#offered += connection.write(this.#content.subarray(this.#offered));
    if (this.#offered < this.#content.length) return;
    this.#isShutDown = true;
    connection.shutdown();
  }
}

function drawLink(random: Prng): LinkOptions {
  return {
    latencyMs: random.below(80),
    rateMbit: 1 + random.below(100),
    queueBytes: 3_000 + random.below(100_000),
    mtuBytes: 1_500,
    jitterMs: random.below(5),
    loss: random.nextFloat() * 0.1,
    reorder: { probability: random.nextFloat() * 0.1, extraMs: random.below(20) },
    duplicate: random.nextFloat() * 0.05,
    corrupt: random.nextFloat() * 0.03,
    truncate: random.nextFloat() * 0.02,
  };
}

function compare(received: Buffer, sent: Uint8Array = new Uint8Array(0)): string {
  const at = received.findIndex((byte, i) => byte !== sent[i]);
  if (at >= 0) return `wrong from byte ${at} on`;
  return received.length === sent.length ? 'whole' : `${received.length} of ${sent.length} bytes`;
}

function drawProfile(random: Prng): ProfileInput {
  return {
    sack: random.below(3) > 0,
    timestamps: random.below(3) > 0,
    nagle: random.below(3) > 0,
  };
}

describe('PTCP in any world', () => {
  it(`carries both streams whole and ends well, in ${WORLD_COUNT} worlds`, function () {
    this.timeout(2_000 + WORLD_COUNT * 100);
    for (let seed = 1; seed <= WORLD_COUNT; seed++) {
      const random = new Prng(`world ${seed}`);
      const contents = [random.below(100_000), random.below(100_000)].map((length) => {
        const content = new Uint8Array(length);
        random.fill(content);
        return content;
      });
      const applications = contents.map((content) => new Application(content));
      const endpoints = ['client', 'server'].map(
        (name) => new PtcpEndpoint({ entropy: random.split(name), profile: drawProfile(random) }),
      );
      const network = new EndpointNetwork(endpoints, {
        seed,
        link: drawLink(random),
        logLimit: 0,
        onEvent: (event, endpoint) => applications[endpoint]?.handle(event),
      });

      endpoints[1]?.listen(PSEUDO_PORT);
      endpoints[0]?.connect(1, PSEUDO_PORT);
      const isIdle = network.runUntilIdle();

      const outcome = {
        isIdle,
        streams: applications.map(({ received }, i) => compare(received, contents[1 - i])),
        reasons: applications.map(({ reason }) => reason),
        left: endpoints.map(({ connectionCount, timeWaitCount }) => connectionCount + timeWaitCount),
      };
      expect(outcome, `world ${seed}`).to.deep.equal({
        isIdle: true,
        streams: ['whole', 'whole'],
        reasons: ['done', 'done'],
        left: [0, 0],
      });
    }
  });
});
