import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { DEFAULT_PROFILE, PtcpEndpoint, TRANSITIONS } from 'hawser/ptcp';
import { Prng } from 'hawser/testing';
import { echoServer } from '../../examples/core.ts';

const page = new URL('../../docs/ptcp.md', import.meta.url);
const example = new URL('../../examples/core.ts', import.meta.url);

/** The state diagram as the page shows it. */
function stateDiagram(): string {
  const lines = Object.entries(TRANSITIONS).flatMap(([from, causes]) =>
    Object.entries(causes).map(([cause, to]) => `    ${from.padEnd(12)}  ${cause.padEnd(18)}  → ${to}`),
  );
  return lines.join('\n');
}

const BETWEEN_MARKS = /<!-- states -->[\s\S]*?<!-- end of states -->/;

describe('docs/ptcp.md', () => {
  it('shows the states as the table of the core has them (UPDATE=1 rewrites it)', async () => {
    const shown = `<!-- states -->\n\n${stateDiagram()}\n\n<!-- end of states -->`;
    const text = await readFile(page, 'utf8');
    if (process.env['UPDATE'] === '1') await writeFile(page, text.replace(BETWEEN_MARKS, shown));

    expect((await readFile(page, 'utf8')).match(BETWEEN_MARKS)?.[0]).to.equal(shown);
  });

  it('lists every option of a profile with its default', async () => {
    const text = await readFile(page, 'utf8');

    for (const [name, value] of Object.entries(DEFAULT_PROFILE)) {
      const shown = Array.isArray(value) ? value.join(', ') : String(value);
      expect(text, name).to.contain(`| ${name} | ${shown} |`);
    }
  });

  it('shows the example of the core as it is', async () => {
    const source = await readFile(example, 'utf8');

    // Without the comment on the first line, which says where it stands.
    expect(await readFile(page, 'utf8')).to.contain(source.slice(source.indexOf('\n') + 1).trim());
  });

  it('has an example that loses nothing when the peer reads late', () => {
    const SIZE = 600_000;
    const toServer: Uint8Array[] = [];
    const toClient: Uint8Array[] = [];
    let serverDueAt = Number.POSITIVE_INFINITY;
    let now = 0;
    const server = echoServer(
      (_path, datagram) => toClient.push(datagram.slice()),
      (delayMs) => {
        serverDueAt = now + delayMs;
      },
    );
    const client = new PtcpEndpoint({ entropy: new Prng('late') });
    const connection = client.connect(0, 49153);
    const out = new Uint8Array(65_536);
    const sent = Uint8Array.from({ length: SIZE }, (_, index) => index % 251);
    const got: number[] = [];
    let written = 0;

    for (; now < 60_000 && connection.closeReason === undefined; now += 1) {
      while (client.pollEvent() !== undefined);
      if (connection.state === 'ESTABLISHED' && written < SIZE) {
        written += connection.write(sent.subarray(written));
        if (written === SIZE) connection.shutdown();
      }
      // Late: the server's buffers are full by now.
      if (now > 2000) got.push(...connection.read(20_000));
      client.handleTimeout(now);
      for (
        let burst = client.pollTransmit(now, { out, maxSegments: 1 });
        burst !== undefined;
        burst = client.pollTransmit(now, { out, maxSegments: 1 })
      ) {
        toServer.push(out.slice(0, burst.lastBytes));
      }
      for (const datagram of toServer.splice(0)) server.datagramReceived(now, datagram, 1);
      if (serverDueAt <= now) server.wakeUp(now);
      for (const datagram of toClient.splice(0)) client.handleDatagram(now, datagram, 0);
    }

    while (connection.readableBytes > 0) got.push(...connection.read(65_536));
    expect(connection.closeReason).to.equal('done');
    expect(got.length).to.equal(SIZE);
    expect(Buffer.from(got).equals(Buffer.from(sent))).to.equal(true);
  });
});
