import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import type { PushProducer } from '../../../lib/interfaces/producer.ts';
import { ClientFactory, Factory } from '../../../lib/protocol/factory.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import {
  Amp,
  type AmpOptions,
  bytes,
  defineCommand,
  encodeBox,
  safeInteger,
} from '../../../protocols/amp/index.ts';
import { failureOf, turn } from '../../support/amp-pair.ts';

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: safeInteger, b: safeInteger },
  response: { total: safeInteger },
});
const Echo = defineCommand({ name: 'echo', arguments: { value: bytes }, response: { value: bytes } });
const Note = defineCommand({ name: 'note', arguments: { value: bytes }, requiresAnswer: false });

/** So many calls of Sum, tags from `first` on. */
function sums(count: number, first = 1): Uint8Array {
  const calls: number[] = [];
  for (let tag = first; tag < first + count; tag += 1) {
    const text = new TextEncoder().encode(tag.toString(16));
    calls.push(
      ...encodeBox(
        new Map([
          ['_ask', text],
          ['_command', new TextEncoder().encode('Sum')],
          ['a', Uint8Array.of(0x31)],
          ['b', Uint8Array.of(0x32)],
        ]),
      ),
    );
  }
  return Uint8Array.from(calls);
}

function answersIn(transport: StringTransport): number {
  return transport.text.split('_answer').length - 1;
}

describe('an Amp that owes answers', () => {
  let amp: Amp;
  let transport: StringTransport;
  let waiting: Deferred<{ total: number }>[];

  function start(options: AmpOptions = {}): void {
    waiting = [];
    amp = new Amp(options);
    transport = new StringTransport();
    amp.makeConnection(transport);
    amp.respond(Sum, () => {
      const answer = new Deferred<{ total: number }>();
      waiting.push(answer);
      return answer;
    });
  }

  it('runs no more than maxAnswersOwed responders at once, and reads on when one has answered', async () => {
    start({ maxAnswersOwed: 3 });

    amp.dataReceived(sums(5));
    expect(waiting).to.have.length(3);
    expect(transport.paused).to.equal(true);
    waiting[0]?.callback({ total: 3 });
    await turn();
    expect(waiting).to.have.length(4);
    expect(transport.paused).to.equal(true);
    for (const answer of waiting.slice(1, 4)) answer.callback({ total: 3 });
    await turn();

    expect(waiting).to.have.length(5);
    expect(transport.paused).to.equal(false);
    expect(answersIn(transport)).to.equal(4);
  });

  it('answers the calls that are held from the event loop, not from inside the answer that made room', async () => {
    start({ maxAnswersOwed: 1 });
    amp.dataReceived(sums(2));

    waiting[0]?.callback({ total: 3 });

    expect(waiting).to.have.length(1);
    await turn();
    expect(waiting).to.have.length(2);
  });

  it('reads on while it waits for an answer itself: it might be behind the calls', async () => {
    start({ maxAnswersOwed: 2 });
    amp.dataReceived(sums(2));
    expect(transport.paused).to.equal(true);

    const answer = amp.callRemote(Sum, { a: 1, b: 1 });
    await turn();
    expect(transport.paused).to.equal(false);
    amp.dataReceived(sums(3, 3));
    amp.dataReceived(
      encodeBox(
        new Map([
          ['_answer', Uint8Array.of(0x31)],
          ['total', Uint8Array.of(0x32)],
        ]),
      ),
    );

    expect(await answer).to.deep.equal({ total: 2 });
    expect(waiting).to.have.length(5);
    amp.dataReceived(sums(2, 6));
    expect(waiting, 'one more is noticed to be too many').to.have.length(6);
    expect(transport.paused).to.equal(true);
  });

  it('refuses calls beyond 64 times as many, where it must read on', async () => {
    start({ maxAnswersOwed: 1 });
    void amp.callRemote(Sum, { a: 1, b: 1 });
    await turn();
    transport.clear();

    amp.dataReceived(sums(66));

    expect(waiting).to.have.length(64);
    expect(transport.text.match(/BUSY/g)).to.have.length(2);
    expect(transport.disconnecting).to.equal(false);
  });

  it('stops reading while the peer does not take its answers, and goes on when it does', async () => {
    start();
    amp.respond(Sum, () => ({ total: 3 }));
    transport.acceptsMore = false;

    amp.dataReceived(sums(1));
    expect(transport.paused).to.equal(true);
    (transport.producer as PushProducer).resumeProducing();
    await turn();

    expect(transport.paused).to.equal(false);
  });

  it('reads on while it only sends what nobody answers', async () => {
    start();
    transport.acceptsMore = false;
    void amp.callRemoteBox('note', new Map(), { requiresAnswer: false });
    await turn();
    expect(amp.isWritable).to.equal(false);

    expect(transport.paused).to.equal(false);
  });

  it('ends the connection when a peer that it waits for lets answers pile up', async () => {
    start({ maxBacklogBytes: 1000 });
    amp.respond(Sum, () => ({ total: 3 }));
    const failure = failureOf(amp.callRemote(Sum, { a: 1, b: 1 }));
    transport.acceptsMore = false;

    for (let round = 0; round < 100 && !transport.aborting; round += 1) amp.dataReceived(sums(1, round + 1));

    expect((await failure).name).to.equal('ProtocolViolation');
    expect(transport.aborting).to.equal(true);
    expect(transport.bufferedBytes).to.be.lessThan(1100);
  });
});

describe('two Amps over a transport with a buffer', () => {
  let reactor: MemoryReactor;
  let client: Amp;
  let server: Amp;

  beforeEach(async () => {
    reactor = new MemoryReactor();
    client = new Amp();
    server = new Amp();
    const serving = new (class extends Factory {
      override buildProtocol(): Amp {
        return server;
      }
    })();
    const calling = new (class extends ClientFactory {
      override buildProtocol(): Amp {
        return client;
      }
    })();
    reactor.listen('memory', { host: 'amp', port: 0 }, serving);
    reactor.advance(1);
    reactor.connect('memory', { host: 'amp', port: 0 }, calling);
    reactor.advance(1);
  });

  afterEach(() => expect(reactor.errors).to.deep.equal([]));

  async function settle(): Promise<void> {
    for (let step = 0; step < 200; step += 1) {
      reactor.advance(1);
      await turn();
    }
  }

  it('carry megabytes of calls both ways at once, and never wait for each other', async () => {
    const value = new Uint8Array(60_000);
    client.respond(Echo, (values) => values);
    server.respond(Echo, async (values) => values);

    let answers = 0;
    for (let call = 0; call < 100; call += 1) {
      for (const amp of [client, server]) {
        amp.callRemote(Echo, { value }).addCallback(() => {
          answers += 1;
        });
      }
    }
    await settle();

    expect(answers).to.equal(200);
  });

  it('carry megabytes that nobody answers both ways, beside calls', async () => {
    const counts = new Map<Amp, number>();
    for (const amp of [client, server]) {
      amp.respond(Note, () => void counts.set(amp, (counts.get(amp) ?? 0) + 1));
      amp.respond(Echo, (values) => values);
    }
    const write = async (amp: Amp): Promise<void> => {
      for (let note = 0; note < 100; note += 1) {
        await amp.callRemote(Note, { value: new Uint8Array(50_000) });
        void amp.callRemote(Echo, { value: new Uint8Array(5_000) });
      }
    };

    const written = Promise.all([write(client), write(server)]);
    await settle();
    await written;

    expect([...counts.values()]).to.deep.equal([100, 100]);
  });

  it('let a writer wait for a peer that does not read', async () => {
    server.respond(Note, () => {});
    server.transport.pauseProducing();
    let sent = 0;
    const write = async (): Promise<void> => {
      while (sent < 100) {
        await client.callRemote(Note, { value: new Uint8Array(50_000) });
        sent += 1;
      }
    };

    const written = write();
    await settle();
    expect(sent).to.be.lessThan(10);
    server.transport.resumeProducing();
    await settle();
    await written;

    expect(sent).to.equal(100);
  });

  it('close well after all that was sent, whoever closes', async () => {
    const lengths: number[] = [];
    server.respond(Note, ({ value }) => void lengths.push(value.length));

    for (let note = 0; note < 20; note += 1) void client.callRemote(Note, { value: new Uint8Array(60_000) });
    client.transport.loseConnection();
    await settle();

    expect(lengths).to.have.length(20);
    expect(client.connected).to.equal(false);
    expect(server.connected).to.equal(false);
  });
});
