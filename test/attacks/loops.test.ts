import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { InputMaker } from '../fuzz/inputs.ts';
import { pattern } from '../support/scripted-peer.ts';

const PORT = 49_153;
const FORGED = 100_000;
/** Both sides answer a forged segment once at most, and each answer is answered once at most, and that is all. */
const MOST_FOR_ONE = 4;

describe('10^5 forged datagrams between two endpoints', () => {
  it('start no storm: the answers to each die out (RFC 9293 §3.10.7.1, RFC 5961 §7, CVE-2024-2169)', () => {
    const endpoints = ['left', 'right'].map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
    const network = new EndpointNetwork(endpoints, {
      link: { latencyMs: 2 },
      logLimit: 0,
      onEvent: (event) => {
        if (event.type === 'established') event.connection.write(pattern(100));
        if (event.type === 'readable') event.connection.read(1000);
      },
    });
    endpoints[1]!.listen(PORT);
    const connection = endpoints[0]!.connect(1, PORT);
    network.runUntil(1000);
    const random = new Prng('loops');
    const inputs = new InputMaker(random);
    let most = 0;
    let total = 0;

    for (let shot = 0; shot < FORGED; shot += 1) {
      const side = random.below(2);
      const { tcb } = connection;
      const aim =
        side === 0
          ? { srcPort: tcb.remotePort, dstPort: tcb.localPort, seq: tcb.rcvNxt, ack: tcb.sndNxt }
          : { srcPort: tcb.localPort, dstPort: tcb.remotePort, seq: tcb.sndNxt, ack: tcb.rcvNxt };
      const before = network.link(0, 1).stats.sent + network.link(1, 0).stats.sent;
      const bytes = inputs.segment({ ...aim, tsVal: random.nextU32(), tsEcr: random.nextU32() });
      endpoints[side]!.handleDatagram(network.now, bytes, 1 - side);
      network.runUntil(network.now + 20);
      const answers = network.link(0, 1).stats.sent + network.link(1, 0).stats.sent - before;
      most = Math.max(most, answers);
      total += answers;
      expect(answers, `after shot ${shot}`).to.be.at.most(MOST_FOR_ONE);
    }

    console.log(`      ${FORGED} datagrams: ${total} answers, ${most} at most for one`);
    expect(total).to.be.below(FORGED);
  });

  it('two listeners that are told of each other fall silent (RFC 9293 §3.10.7.2, LAND)', () => {
    const endpoints = ['left', 'right'].map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
    const network = new EndpointNetwork(endpoints, { link: { latencyMs: 2 } });
    for (const endpoint of endpoints) endpoint.listen(PORT);
    const random = new Prng('land');
    const inputs = new InputMaker(random);

    for (let shot = 0; shot < 20_000; shot += 1) {
      const [seq, ack, tsVal, tsEcr] = [
        random.nextU32(),
        random.nextU32(),
        random.nextU32(),
        random.nextU32(),
      ];
      const bytes = inputs.segment({ srcPort: PORT, dstPort: PORT, seq, ack, tsVal, tsEcr });
      endpoints[shot % 2]!.handleDatagram(network.now, bytes, 1 - (shot % 2));
    }

    expect(network.runUntilIdle(2_000_000), 'comes to rest').to.equal(true);
    expect(endpoints.map(({ connectionCount }) => connectionCount)).to.deep.equal([0, 0]);
  });
});
