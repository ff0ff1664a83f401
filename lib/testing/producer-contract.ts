import { ConnectionAborted, ConnectionDone, UsageError } from '../errors.ts';
import type { PushProducer } from '../interfaces/producer.ts';
import type { Transport } from '../interfaces/transport.ts';
import {
  type ContractTest,
  connectedPair,
  mustBe,
  mustBeAbortedBy,
  mustEqual,
  Recorder,
} from './contract-world.ts';

const CHUNK_BYTES = 65_536;

/** Notes what it is told. */
class RecordingProducer implements PushProducer {
  readonly calls: string[] = [];
  onResume: () => void = () => {};

  pauseProducing(): void {
    this.calls.push('pause');
  }

  resumeProducing(): void {
    this.calls.push('resume');
    this.onResume();
  }

  stopProducing(): void {
    this.calls.push('stop');
  }
}

function fillUp(transport: Transport): number {
  let written = CHUNK_BYTES;
  while (transport.write(new Uint8Array(CHUNK_BYTES))) written += CHUNK_BYTES;
  return written;
}

/** The part of the transport contract that is about producers and back-pressure. */
export const PRODUCER_CONTRACT: readonly ContractTest[] = [
  {
    title: 'pauses a push producer once when it is full, and resumes it once when that has drained',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();
      const producer = new RecordingProducer();
      client.transport.registerProducer(producer, true);

      const written = fillUp(client.transport) + CHUNK_BYTES;
      client.transport.write(new Uint8Array(CHUNK_BYTES));
      mustEqual(producer.calls, ['pause'], 'calls when full');
      server.transport.resumeProducing();
      await world.until(() => server.receivedBytes === written, 'everything has arrived');
      await world.until(() => producer.calls.length === 2, 'it is resumed');

      mustEqual(producer.calls, ['pause', 'resume'], 'calls');
    },
  },
  {
    title: 'asks a pull producer for each chunk, and never pauses it',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const producer = new RecordingProducer();
      let chunks = 0;
      producer.onResume = () => {
        chunks += 1;
        client.transport.write(new Uint8Array(CHUNK_BYTES));
        if (chunks === 20) client.transport.unregisterProducer();
      };

      client.transport.registerProducer(producer, false);
      mustEqual(producer.calls, ['resume'], 'calls from inside registerProducer');
      await world.until(() => server.receivedBytes === 20 * CHUNK_BYTES, 'everything has arrived');

      mustEqual(producer.calls, new Array(20).fill('resume'), 'calls');
    },
  },
  ...([true, false] as const).map(
    (isPush): ContractTest => ({
      title: `waits with loseConnection until a ${isPush ? 'push' : 'pull'} producer is unregistered`,
      run: async (world) => {
        const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
        const producer = new RecordingProducer();
        client.transport.registerProducer(producer, isPush as true);

        client.transport.loseConnection();
        const isTaken = client.transport.write(Uint8Array.of(1, 2, 3));
        await world.until(() => server.receivedBytes === 3, 'what the producer wrote has arrived');
        mustEqual(
          [isTaken, client.connected, server.connected],
          [true, true, true],
          'taken, still connected',
        );
        client.transport.unregisterProducer();
        await world.until(() => server.count('lost') + client.count('lost') === 2, 'closed');

        mustBe(server.reason, ConnectionDone, 'reason');
        mustEqual(producer.calls.includes('stop'), false, 'stopped');
      },
    }),
  ),
  {
    title: 'waits with loseWriteConnection until the producer is unregistered',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      client.transport.registerProducer(new RecordingProducer(), true);

      client.transport.loseWriteConnection();
      client.transport.write(Uint8Array.of(1, 2, 3));
      client.transport.unregisterProducer();
      const afterwards = client.transport.write(Uint8Array.of(4));
      await world.until(() => server.count('lost') + client.count('lost') === 2, 'closed');

      mustEqual([afterwards, server.receivedBytes], [false, 3], 'taken afterwards, received');
    },
  },
  {
    title: 'refuses at once what is no producer',
    run: async (world) => {
      const { client } = await connectedPair(world, new Recorder(), new Recorder());
      const pull = { resumeProducing() {}, stopProducing() {} };

      for (const [what, streaming] of [
        [undefined, true],
        [{}, false],
        [pull, true],
      ] as const) {
        let thrown: unknown;
        try {
          client.transport.registerProducer(what as PushProducer, streaming as true);
        } catch (error) {
          thrown = error;
        }
        mustBe(thrown, UsageError, 'thrown for what is no producer');
      }
    },
  },
  {
    title: 'has one producer at a time',
    run: async (world) => {
      const { client } = await connectedPair(world, new Recorder(), new Recorder());
      client.transport.registerProducer(new RecordingProducer(), true);

      let thrown: unknown;
      try {
        client.transport.registerProducer(new RecordingProducer(), true);
      } catch (error) {
        thrown = error;
      }

      mustBe(thrown, UsageError, 'thrown');
    },
  },
  {
    title: 'stops the producer when the connection is lost, and one that comes later at once',
    run: async (world) => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const producer = new RecordingProducer();
      const latecomer = new RecordingProducer();
      client.transport.registerProducer(producer, true);

      server.transport.abortConnection();
      await world.until(() => client.count('lost') === 1, 'lost');
      client.transport.unregisterProducer();
      client.transport.registerProducer(latecomer, true);

      mustEqual([producer.calls.join(), latecomer.calls.join()], ['stop', 'stop'], 'calls');
    },
  },
  {
    title: 'may be aborted from inside resumeProducing',
    run: async (world) => {
      const { client } = await connectedPair(world, new Recorder(), new Recorder());
      const producer = new RecordingProducer();
      producer.onResume = () => client.transport.abortConnection();

      client.without(() => client.transport.registerProducer(producer, false));
      await world.until(() => client.count('lost') === 1, 'lost');

      mustBe(client.reason, ConnectionAborted, 'reason');
      mustEqual([client.events.join(), producer.calls.join()], ['made,lost', 'resume,stop'], 'callbacks');
    },
  },
  {
    title: 'aborts the connection when a producer throws',
    run: async (world) => {
      const { client } = await connectedPair(world, new Recorder(), new Recorder());
      const producer = new RecordingProducer();
      const thrown = new Error('thrown by a test');
      producer.onResume = () => {
        throw thrown;
      };

      client.transport.registerProducer(producer, false);
      await world.until(() => client.count('lost') === 1, 'lost');

      mustBeAbortedBy(client.reason, thrown);
    },
  },
];
