import { expect } from 'chai';
import fc from 'fast-check';
import { ConnectionDone } from '../../lib/errors.ts';
import { ascii } from '../../lib/testing/contract-world.ts';
import type { Side } from '../support/tls-middle.ts';
import { type SecureRecorder, type TlsAttempt, TlsWorld } from '../support/tls-world.ts';

const ACTIONS = [
  'write',
  'write much',
  'pause',
  'resume',
  'loseWriteConnection',
  'loseConnection',
  'abortConnection',
] as const;
const FAULTS = ['cut', 'reset', 'change', 'hold', 'vanish'] as const;

interface Step {
  readonly side: Side;
  readonly what: (typeof ACTIONS)[number] | (typeof FAULTS)[number];
  readonly turns: number;
}

const action = fc.record<Step>({
  side: fc.constantFrom('client', 'server'),
  what: fc.constantFrom(...ACTIONS),
  turns: fc.nat(6),
});
const fault = fc.record<Step>({
  side: fc.constantFrom('client', 'server'),
  what: fc.constantFrom(...FAULTS),
  turns: fc.nat(6),
});

/** What each end has sent, and whether what the other received is the beginning of it. */
class Play {
  readonly world = new TlsWorld();
  readonly sent: Record<Side, string> = { client: '', server: '' };
  readonly received: Record<Side, string> = { client: '', server: '' };
  attempt!: Awaited<ReturnType<TlsWorld['beginThrough']>>;

  async run(steps: readonly Step[]): Promise<void> {
    this.attempt = await this.world.beginThrough({ handshakeTimeoutMs: 500 }, { handshakeTimeoutMs: 500 });
    for (const side of ['client', 'server'] as const) {
      this.attempt[side].onData = (bytes) => {
        this.received[side] += Buffer.from(bytes).toString('latin1');
      };
    }
    for (const step of steps) {
      for (let turn = 0; turn < step.turns; turn++) await this.world.turn(1);
      this.#take(step);
    }
    await this.#end();
  }

  #take({ side, what }: Step): void {
    const { middle } = this.attempt;
    const end = this.attempt[side];
    switch (what) {
      case 'cut':
        middle.end(side);
        return;
      case 'reset':
        middle.reset(side);
        return;
      case 'vanish':
        middle.vanish();
        return;
      case 'hold':
        middle.onBytes = () => {};
        return;
      case 'change':
        middle.onBytes = (from, bytes) => {
          const at = bytes.length >> 1;
          bytes[at] = (bytes[at] as number) ^ 0x10;
          middle.send(from === 'client' ? 'server' : 'client', bytes);
        };
        return;
      default:
        if (end.count('made') > 0) this.#use(side, end, what);
    }
  }

  #use(side: Side, end: SecureRecorder, what: Step['what']): void {
    const { transport } = end;
    end.without(() => {
      if (what === 'write') this.#write(side, end, `${this.sent[side].length},`);
      else if (what === 'write much') this.#write(side, end, 'abcdefghij'.repeat(10_000));
      else if (what === 'pause') transport.pauseProducing();
      else if (what === 'resume') transport.resumeProducing();
      else (transport[what as 'loseConnection'] as () => void).call(transport);
    });
  }

  #write(side: Side, { transport }: SecureRecorder, text: string): void {
    transport.write(ascii(text));
    if (transport.connected && !transport.disconnecting) this.sent[side] += text;
  }

  /** Brings everything to its end, by force at last. */
  async #end(): Promise<void> {
    const { client, server, factory, middle } = this.attempt;
    for (const end of [client, server]) {
      if (end.count('made') > 0) end.transport.resumeProducing();
      if (end.count('made') > 0) end.transport.loseConnection();
    }
    for (let turn = 0; turn < 60; turn++) await this.world.turn(1);
    for (let turn = 0; turn < 20; turn++) await this.world.turn(1_000);
    middle.reset('client');
    middle.reset('server');
    await this.world.until(() => factory.events.includes('stop'), 'the client is done');
    const isDone = (end: SecureRecorder): boolean => end.count('made') === end.count('lost');
    await this.world.until(() => isDone(client) && isDone(server), 'both ends are lost');
    await this.world.over();
  }
}

describe('TLS, whatever happens', () => {
  it('delivers the beginning of what was sent, and one end, never from inside a call', async () => {
    const steps = fc.array(fc.oneof({ weight: 5, arbitrary: action }, { weight: 1, arbitrary: fault }), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const play = new Play();
        await play.run(plan);

        const { client, server, port } = play.attempt;
        for (const { events } of [client, server]) {
          expect(events.filter((each) => each.includes('inside'))).to.deep.equal([]);
          expect(events.slice(0, 1)).to.deep.equal(events.length > 0 ? ['made'] : []);
          expect(events.lastIndexOf('lost')).to.equal(events.length > 0 ? events.length - 1 : -1);
        }
        expect(play.sent.client.startsWith(play.received.server)).to.equal(true);
        expect(play.sent.server.startsWith(play.received.client)).to.equal(true);
        expect(port.handshakes.pending).to.equal(0);
      }),
      { numRuns: 40 },
    );
  }).timeout(20_000);

  it('delivers everything where nobody interferes and both close', async () => {
    const writes = fc.array(
      fc.record<Step>({
        side: fc.constantFrom('client', 'server'),
        what: fc.constantFrom('write', 'write much'),
        turns: fc.nat(2),
      }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(writes, async (plan) => {
        const world = new TlsWorld();
        const attempt: TlsAttempt = await world.begin();
        await world.bothMade(attempt);
        const sent = { client: 0, server: 0 };
        for (const { side, what, turns } of plan) {
          const bytes = new Uint8Array(what === 'write' ? 10 : 100_000);
          attempt[side].transport.write(bytes);
          sent[side] += bytes.length;
          for (let turn = 0; turn < turns; turn++) await world.turn(1);
        }
        const { client, server } = attempt;
        const hasAll = (): boolean =>
          client.receivedBytes === sent.server && server.receivedBytes === sent.client;
        await world.until(hasAll, 'all has arrived');
        client.transport.loseConnection();
        await world.bothLost(server, client);
        await world.over();

        expect([client.reason, server.reason].every((reason) => reason instanceof ConnectionDone)).to.equal(
          true,
        );
      }),
      { numRuns: 15 },
    );
  }).timeout(20_000);
});
