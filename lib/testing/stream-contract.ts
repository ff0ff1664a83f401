import { ConnectionAborted, ConnectionDone, ConnectionLost } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import {
  ascii,
  bothLost,
  type ContractTest,
  connectedPair,
  exchangeElsewhere,
  fail,
  HalfCloser,
  mustBe,
  mustBeAbortedBy,
  mustEqual,
  Recorder,
  THROWN,
} from './contract-world.ts';

/** More than any transport buffers. */
const MUCH_BYTES = 4 * 1024 * 1024;

const DELIVERY: readonly ContractTest[] = [
  {
    title: 'delivers bytes both ways, in order',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.transport.write(ascii('one '));
      client.transport.writeSequence([ascii('two '), ascii('three')]);
      server.transport.write(ascii('answer'));
      await world.until(() => server.text.length === 13 && client.text.length === 6, 'all has arrived');

      mustEqual([server.text, client.text], ['one two three', 'answer'], 'received');
    },
  },
  {
    title: 'shows each end the address of the other',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      mustBeTheSamePlace(client.transport.getPeer(), server.transport.getHost());
      mustBeTheSamePlace(server.transport.getPeer(), client.transport.getHost());
    },
  },
  {
    title: 'pauses in connectionMade: nothing is delivered until resumeProducing',
    run: async (world) => {
      const paused = new Recorder();
      paused.onMade = () => paused.transport.pauseProducing();
      const { client } = await connectedPair(world, paused, new Recorder());

      client.transport.write(ascii('hello'));
      await exchangeElsewhere(world);
      mustEqual(paused.text, '', 'delivered while paused');
      paused.without(() => paused.transport.resumeProducing());
      await world.until(() => paused.text === 'hello', 'delivered after resuming');

      mustEqual(paused.events, ['made', 'data'], 'callbacks');
    },
  },
  {
    title: 'slows a writer down while the reader is paused, and loses nothing',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();
      server.transport.pauseProducing();

      let written = 0;
      while (client.transport.write(new Uint8Array(65_536)) && written < 64 * MUCH_BYTES) written += 65_536;
      written += 65_536;
      server.transport.resumeProducing();
      server.transport.resumeProducing();
      await world.until(() => server.receivedBytes === written, 'everything has arrived');

      mustEqual(client.transport.bufferedBytes <= 65_536 * 2, true, 'the buffer empties');
      mustEqual(client.transport.write(ascii('more')), true, 'write takes more again');
    },
  },
];

const CLOSING: readonly ContractTest[] = [
  {
    title: 'flushes what was written before it closes, and tells both ends ConnectionDone once',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.transport.write(new Uint8Array(MUCH_BYTES));
      client.without(() => client.transport.loseConnection());
      client.transport.loseConnection();
      await bothLost(world, server, client);

      mustEqual(server.receivedBytes, MUCH_BYTES, 'bytes at the peer');
      mustBe(client.reason, ConnectionDone, 'reason here');
      mustBe(server.reason, ConnectionDone, 'reason at the peer');
      mustEqual([client.events.join(), server.events.join()], ['made,lost', 'made,data,lost'], 'callbacks');
    },
  },
  {
    title: 'delivers nothing after loseConnection, whatever the peer still sends',
    run: async (world) => {
      const closer = new Recorder();
      const talker = new HalfCloser();
      await connectedPair(world, closer, talker);
      talker.onReadLost = () => {
        talker.transport.write(new Uint8Array(MUCH_BYTES));
        talker.transport.loseConnection();
      };

      talker.transport.write(ascii('first'));
      await world.until(() => closer.text === 'first', 'the first bytes are there');
      closer.transport.loseConnection();
      await bothLost(world, closer, talker);

      mustEqual(closer.events, ['made', 'data', 'lost'], 'callbacks of who closed');
      mustBe(closer.reason, ConnectionDone, 'reason of who closed');
      mustBe(talker.reason, ConnectionDone, 'reason of the peer');
    },
  },
  {
    title: 'drops what is written after loseConnection and after the loss',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.transport.loseConnection();
      const whileClosing = client.transport.write(ascii('late'));
      await bothLost(world, server, client);
      const whenClosed = client.transport.write(ascii('later'));
      client.transport.writeSequence([ascii('latest')]);
      client.transport.loseConnection();
      client.transport.abortConnection();
      client.transport.pauseProducing();
      client.transport.resumeProducing();

      mustEqual([whileClosing, whenClosed, server.receivedBytes], [false, false, 0], 'accepted and received');
      mustEqual(client.count('lost'), 1, 'connectionLost here');
    },
  },
  {
    title: 'aborts at once: ConnectionAborted here, a lost connection there, whatever is called besides',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());

      client.without(() => {
        client.transport.abortConnection();
        client.transport.abortConnection();
        client.transport.loseConnection();
      });
      await bothLost(world, server, client);

      mustBe(client.reason, ConnectionAborted, 'reason here');
      mustBe(server.reason, ConnectionLost, 'reason at the peer');
      mustEqual([client.events.join(), server.events.join()], ['made,lost', 'made,lost'], 'callbacks');
    },
  },
  {
    title: 'aborts from inside dataReceived, and delivers nothing after that',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.onData = () => server.without(() => server.transport.abortConnection());

      client.transport.write(new Uint8Array(MUCH_BYTES));
      await bothLost(world, server, client);

      mustEqual(server.events, ['made', 'data', 'lost'], 'callbacks');
      mustBe(server.reason, ConnectionAborted, 'reason');
    },
  },
  {
    title: 'aborts with a full buffer and with a paused reader',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();
      while (client.transport.write(new Uint8Array(65_536))) {}

      client.transport.abortConnection();
      await world.until(() => client.count('lost') === 1, 'connectionLost of who aborted');
      server.transport.abortConnection();
      await bothLost(world, server, client);

      mustBe(client.reason, ConnectionAborted, 'reason here');
      mustBe(server.reason, ConnectionLost, 'reason at the peer');
      mustEqual([client.count('lost'), server.count('lost')], [1, 1], 'ends');
    },
  },
  {
    title: 'tells a paused reader of the end once it resumes, after all that came before it',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();

      client.transport.write(ascii('last words'));
      client.transport.loseConnection();
      await exchangeElsewhere(world);
      mustEqual(server.events, ['made'], 'callbacks while paused');
      server.transport.resumeProducing();
      await bothLost(world, server, client);

      mustEqual([server.text, server.events.join()], ['last words', 'made,data,lost'], 'text and callbacks');
    },
  },
  {
    title: 'may be resumed while disconnecting',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      client.transport.pauseProducing();

      client.transport.loseConnection();
      client.transport.resumeProducing();
      await bothLost(world, server, client);

      mustEqual(client.events, ['made', 'lost'], 'callbacks');
    },
  },
];

const HALF_CLOSE: readonly ContractTest[] = [
  {
    title: 'closes one direction with loseWriteConnection, and the other goes on',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new HalfCloser(), new HalfCloser());

      client.transport.write(ascii('question'));
      client.without(() => client.transport.loseWriteConnection());
      const afterwards = client.transport.write(ascii('dropped'));
      await world.until(() => server.count('read-lost') === 1, 'the peer heard of it');
      server.transport.write(ascii('answer'));
      server.transport.loseWriteConnection();
      await bothLost(world, server, client);

      mustEqual(
        [afterwards, server.text, client.text],
        [false, 'question', 'answer'],
        'written and received',
      );
      for (const end of [server, client]) {
        mustEqual(
          [end.count('read-lost'), end.count('write-lost'), end.count('lost')],
          [1, 1, 1],
          'callbacks',
        );
        mustEqual(end.events.at(-1), 'lost', 'last callback');
        mustBe(end.reason, ConnectionDone, 'reason');
      }
    },
  },
  {
    title: 'resets a peer that keeps its direction open when the linger is over, and has ended well itself',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new HalfCloser(), new Recorder());
      client.transport.write(ascii('bye'));

      client.transport.loseConnection();
      await world.until(() => client.count('lost') === 1, 'connectionLost of who closed');
      await world.until(() => {
        // A reset after a FIN is noticed by who writes.
        server.transport.write(ascii('still here'));
        return server.count('lost') === 1;
      }, 'connectionLost of who stayed');

      mustBe(client.reason, ConnectionDone, 'reason of who closed');
      mustBe(server.reason, ConnectionLost, 'reason of who stayed');
      mustEqual([server.text, client.text], ['bye', ''], 'received');
    },
  },
  {
    title: 'closes wholly when the peer closes its direction and the protocol has no readConnectionLost',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new HalfCloser());

      client.transport.loseWriteConnection();
      await bothLost(world, server, client);

      mustBe(server.reason, ConnectionDone, 'reason there');
      mustBe(client.reason, ConnectionDone, 'reason here');
    },
  },
  {
    title: 'may be closed from inside writeConnectionLost',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new HalfCloser());
      client.onWriteLost = () => client.transport.loseConnection();

      client.transport.loseWriteConnection();
      await bothLost(world, server, client);

      mustBe(client.reason, ConnectionDone, 'reason');
    },
  },
  ...(['onReadLost', 'onWriteLost'] as const).map(
    (callback): ContractTest => ({
      title: `aborts the connection when ${callback === 'onReadLost' ? 'read' : 'write'}ConnectionLost throws`,
      run: async (world) => {
        const { server, client } = await connectedPair(world, new HalfCloser(), new HalfCloser());
        server[callback] = fail;

        if (callback === 'onReadLost') client.transport.loseWriteConnection();
        else server.transport.loseWriteConnection();
        await world.until(() => server.count('lost') === 1, 'the end where it threw is lost');
        // A reset after a FIN need not be noticed by who does not write.
        client.transport.abortConnection();
        await bothLost(world, server, client);

        mustBeAbortedBy(server.reason, THROWN);
        mustEqual(world.errors.length, 1, 'reports');
      },
    }),
  ),
];

/** The part of the transport contract that is about bytes, and the ways in which a stream of them ends. */
export const STREAM_CONTRACT: readonly ContractTest[] = [...DELIVERY, ...CLOSING, ...HALF_CLOSE];

/** An end on a UDP socket that is bound to every address need not know which one of them the peer sees. */
function mustBeTheSamePlace(seen: Address, own: Address): void {
  const isUnspecified = 'host' in own && (own.host === '0.0.0.0' || own.host === '::');
  const place = isUnspecified && 'host' in seen ? { ...own, host: seen.host } : own;
  mustEqual(JSON.stringify(seen), JSON.stringify(place), 'address of the peer');
}
