import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint, type PtcpEndpointOptions } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import type { LinkOptions } from '../../lib/testing/link.ts';
import { LOCAL_PORT, PATH, PEER_PORT, ScriptedPeer } from '../support/scripted-peer.ts';

const PORT = 49_153;
const LINK: LinkOptions = { latencyMs: 40, rateMbit: 10, queueBytes: 60_000 };

interface World {
  readonly network: EndpointNetwork;
  readonly client: PtcpEndpoint;
  /** Sends `size` bytes on a connection of its own, which ends, and returns it. */
  readonly upload: (size: number) => Connection;
}

function world(profile: ProfileOptions = {}, options: Partial<PtcpEndpointOptions> = {}): World {
  // Of the controllers those that take losses for congestion have an ssthresh.
  const client = new PtcpEndpoint({
    entropy: new Prng('client'),
    profile: { congestion: 'newreno', ...profile },
    ...options,
  });
  const server = new PtcpEndpoint({ entropy: new Prng('server') });
  const left = new Map<Connection, number>();
  const write = (connection: Connection): void => {
    const rest = left.get(connection)! - connection.write(new Uint8Array(left.get(connection)!));
    left.set(connection, rest);
    if (rest === 0) connection.shutdown();
  };
  const network = new EndpointNetwork([client, server], {
    link: LINK,
    logLimit: 10,
    onEvent: (event, side) => {
      if (event.type === 'pathCandidate') return;
      const { connection } = event;
      if (side === 0 && (event.type === 'established' || event.type === 'writable')) {
        if (left.get(connection)! > 0) write(connection);
      } else if (event.type === 'readable') connection.read(10_000_000);
      else if (event.type === 'peerClosed' && side === 1) connection.shutdown();
    },
  });
  server.listen(PORT);
  const upload = (size: number): Connection => {
    const connection = client.connect(1, PORT);
    left.set(connection, size);
    network.runUntil(network.now + 30_000);
    expect(connection.closeReason, 'it ended well').to.equal('done');
    return connection;
  };
  return { network, client, upload };
}

describe('RFC 9040: state shared by connections to one host', () => {
  it('begins with the RTT, the ssthresh and the PLPMTU of the one before (RFC 9040 §6)', () => {
    const { client, upload } = world();
    const first = upload(3_000_000).tcpInfo();

    const second = client.connect(1, PORT).tcpInfo();

    expect(first.pmtuBytes, 'it was looked for').to.equal(1_472);
    expect(second.pmtuBytes).to.equal(1_472);
    expect([second.rttUs, second.rttvarUs]).to.deep.equal([first.rttUs, first.rttvarUs]);
    expect(first.sndSsthreshSegments, 'it was found out').to.be.within(10, 1_000);
    const bytes = [first, second].map((each) => each.sndSsthreshSegments * each.sndMssBytes);
    expect(bytes[1]! / bytes[0]!).to.be.within(0.97, 1.03);
  });

  it('begins with a window of its own all the same (RFC 9040 §6; RFC 6928 §2)', () => {
    const { client, upload } = world();
    upload(3_000_000);

    const { sndCwndSegments, sndMssBytes } = client.connect(1, PORT).tcpInfo();

    expect(sndCwndSegments * sndMssBytes).to.be.within(9 * 1_452, 10 * 1_452);
  });

  it('waits no less for its SYN than RFC 6298 has it, and no less than the path took (RFC 9040 §6; RFC 6298 §2.1)', () => {
    const near = world();
    near.upload(10_000);
    expect(near.client.connect(1, PORT).tcpInfo().rtoUs).to.equal(1_000_000);

    const far = world();
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const)
      far.network.link(from, to).change({ ...LINK, latencyMs: 900 });
    const { rttUs } = far.upload(10_000).tcpInfo();

    expect(far.client.connect(1, PORT).tcpInfo().rtoUs).to.be.above(rttUs).and.above(1_700_000);
  });

  it('does not believe a round trip longer than any path, which a clock that jumped has made (RFC 9040 §6)', () => {
    const { network, client, upload } = world();
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const)
      network.link(from, to).change({ ...LINK, latencyMs: 1600 });
    expect(upload(10_000).tcpInfo().rttUs, 'measured').to.be.above(3_000_000);

    const next = client.connect(1, PORT).tcpInfo();

    expect([next.rttUs, next.rtoUs]).to.deep.equal([0, 1_000_000]);
  });

  it('learns anew: a path that carries less now costs one time-out (RFC 8899 §4.3)', () => {
    const { network, upload } = world();
    upload(3_000_000);
    network.link(0, 1).change({ ...LINK, mtuBytes: 1_300 });

    const second = upload(500_000);

    expect(second.tcpInfo().pmtuBytes).to.be.within(1_200, 1_272);
  });

  it('knows nothing of other hosts, but of all paths to one (RFC 9040 §4)', () => {
    const { client, upload } = world({}, { hostTag: (path) => (path === 2 ? 1 : path) });
    upload(3_000_000);

    expect(client.connect(2, PORT).tcpInfo().pmtuBytes, 'another port of that host').to.equal(1_472);
    expect(client.connect(3, PORT).tcpInfo().pmtuBytes).to.equal(1_200);
    expect(client.connect(3, PORT).tcpInfo().rttUs).to.equal(0);
  });

  it('forgets after ten minutes, and may be told not to remember (RFC 9040 §6)', () => {
    const { network, client, upload } = world();
    upload(3_000_000);
    network.runUntil(network.now + 601_000);
    client.handleTimeout(network.now);
    expect(client.connect(1, PORT).tcpInfo().pmtuBytes).to.equal(1_200);

    const off = world({ sharePathState: false });
    off.upload(3_000_000);
    expect(off.client.connect(1, PORT).tcpInfo().pmtuBytes).to.equal(1_200);
  });

  it('learns nothing from attempts, and of a thousand hosts at most (RFC 9040 §6)', () => {
    const peer = new ScriptedPeer({
      profile: { sharePathState: true },
      endpoint: { hostTag: (path) => path },
    });
    const open = (path: number): Connection => {
      const connection = peer.endpoint.connect(path, PEER_PORT, { localPseudoPort: LOCAL_PORT });
      peer.drain();
      return connection;
    };
    const live = (path: number): void => {
      const connection = open(path);
      peer.pass(20);
      peer.inject({ flags: 'S.', seq: 0, ack: 1, path });
      connection.abort();
      peer.drain();
    };
    open(PATH);
    peer.inject({ flags: 'R.', seq: 0, ack: 1 });
    expect(open(PATH).tcpInfo().rttUs, 'refused').to.equal(0);

    for (let path = 1_000; path < 2_025; path += 1) live(path);

    expect(open(2_024).tcpInfo().rttUs).to.equal(20_000);
    expect(open(1_001).tcpInfo().rttUs).to.equal(20_000);
    expect(open(1_000).tcpInfo().rttUs, 'the one heard of longest ago').to.equal(0);
  });
});
