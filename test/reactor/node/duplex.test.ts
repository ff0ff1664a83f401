import { createServer, request } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import sinon from 'sinon';
import { ConnectionAborted, ConnectionReset, UsageError } from '../../../lib/errors.ts';
import type { SwitchableTransport } from '../../../lib/interfaces/protocol.ts';
import { toDuplex } from '../../../lib/reactor/node/duplex.ts';
import {
  ascii,
  type ContractWorld,
  connectedPair,
  HalfCloser,
  Recorder,
} from '../../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import { contractWorld, inetKind, namedKind } from '../../support/contract.ts';

const MUCH_BYTES = 2 * 1024 * 1024;

for (const kind of [namedKind('memory'), inetKind('tcp'), inetKind('ptcp')]) {
  describe(`toDuplex over ${kind.kind}`, () => {
    let reactor: MemoryReactor;
    let world: ContractWorld;

    beforeEach(() => {
      reactor = new MemoryReactor();
      world = contractWorld(reactor, kind);
    });

    afterEach(() => {
      expect(reactor.errors).to.deep.equal([]);
      expect(reactor.clock.runUntilIdle(60_000), 'the clock is idle afterwards').to.equal(true);
    });

    /** Lets things happen until `promise` is settled, and gives what it is settled with. */
    async function settled<T>(promise: Promise<T>): Promise<T> {
      let isSettled = false;
      const done = (): void => {
        isSettled = true;
      };
      promise.then(done, done);
      await world.until(() => isSettled, 'the streams are done');
      return promise;
    }

    it('carries pipes both ways, and ends each direction on its own', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const [there, here] = [toDuplex(server.transport), toDuplex(client.transport)];
      const text = 'abcdefgh'.repeat(MUCH_BYTES / 8);
      const back: Buffer[] = [];

      const echo = pipeline(there, there);
      const send = pipeline(Readable.from([text.slice(0, 1_000), text.slice(1_000)]), here, { end: true });
      const receive = pipeline(here, collectInto(back));
      await settled(Promise.all([echo, send, receive]));
      await world.until(() => !client.transport.connected && !server.transport.connected, 'both are lost');

      expect(Buffer.concat(back).toString() === text).to.equal(true);
      expect([there.destroyed, here.destroyed, there.errored, here.errored]).to.deep.equal([
        true,
        true,
        null,
        null,
      ]);
      expect([server.events, client.events]).to.deep.equal([['made'], ['made']]);
    });

    it('waits for a reader that does not read, with little in memory', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const stream = toDuplex(server.transport);
      let written = 0;
      while (client.transport.write(new Uint8Array(65_536)) && written < 256 * MUCH_BYTES) written += 65_536;
      written += 65_536;
      for (let turn = 0; turn < 50; turn++) {
        reactor.advance(10);
        await new Promise(setImmediate);
      }

      expect(stream.readableLength).to.be.lessThan(200_000);
      const received: Buffer[] = [];
      stream.on('data', (bytes) => received.push(bytes));
      await world.until(() => Buffer.concat(received).length === written, 'all has arrived');
      stream.destroy();
      await world.until(() => client.count('lost') === 1, 'the connection is lost');
    });

    it('holds a writer back while the peer does not read', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      server.transport.pauseProducing();
      const stream = toDuplex(client.transport);
      const drained = sinon.spy();
      stream.on('drain', drained);

      let written = 0;
      for (let turn = 0; turn < 200; turn++) {
        while (!stream.writableNeedDrain && written < 256 * MUCH_BYTES) {
          stream.write(new Uint8Array(65_536));
          written += 65_536;
        }
        reactor.advance(10);
        await new Promise(setImmediate);
      }
      const heldAt = written;
      const drainedBefore = drained.callCount;
      server.transport.resumeProducing();
      await world.until(() => server.receivedBytes === written, 'all has arrived');
      await world.until(() => drained.callCount > drainedBefore, 'it may write again');
      stream.end();
      await world.until(() => server.count('lost') === 1, 'the connection is lost');

      expect(heldAt).to.be.lessThan(64 * MUCH_BYTES);
    });

    it('goes on reading after its own end, and writing after that of the peer', async () => {
      const { server, client } = await connectedPair(world, new HalfCloser(), new Recorder());
      const stream = toDuplex(client.transport);
      const finished = sinon.spy();
      const received: string[] = [];
      stream
        .on('finish', finished)
        .setEncoding('latin1')
        .on('data', (text) => received.push(text));

      stream.end('question');
      await world.until(
        () => server.count('read-lost') === 1 && finished.called,
        'the peer heard of the end',
      );
      server.transport.write(ascii('answer'));
      server.transport.loseConnection();
      await world.until(() => stream.closed, 'the stream is closed');

      expect([server.text, received.join('')]).to.deep.equal(['question', 'answer']);
      expect([stream.readableEnded, stream.errored]).to.deep.equal([true, null]);
    });

    it('aborts the connection when it is destroyed', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const stream = toDuplex(client.transport);
      const failed = sinon.spy();
      stream.on('error', failed);
      const reason = new Error('enough');

      stream.destroy(reason);
      await world.until(() => server.count('lost') === 1 && stream.closed, 'both ends are lost');

      expect(server.reason).to.be.instanceOf(ConnectionReset);
      expect(failed.args).to.deep.equal([[reason]]);
      expect(client.events).to.deep.equal(['made']);
    });

    it('fails with the reason for which the connection is lost', async () => {
      const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
      const stream = toDuplex(server.transport);
      const failed = sinon.spy();
      stream.on('error', failed);

      client.transport.abortConnection();
      await world.until(() => stream.closed, 'the stream is closed');

      expect(failed.args[0]?.[0]).to.be.instanceOf(ConnectionReset);
      expect(stream.destroyed).to.equal(true);
    });

    it('begins with what the protocol has left, then what was held back while it was paused', async () => {
      const { server, client } = await connectedPair(world, new HalfCloser(), new Recorder());
      server.onData = () => server.transport.pauseProducing();
      client.transport.write(ascii('one '));
      await world.until(() => server.text !== '', 'the first bytes are there');
      client.transport.write(ascii('two '));
      client.transport.loseWriteConnection();
      for (let turn = 0; turn < 20; turn++) reactor.advance(10);

      const stream = toDuplex(server.transport, ascii('left '));
      const received: string[] = [];
      stream.setEncoding('latin1').on('data', (text) => received.push(text));
      await world.until(() => stream.readableEnded, 'the end is there');
      stream.end();
      await world.until(() => stream.closed && client.count('lost') === 1, 'the stream is closed');

      expect(received.join('')).to.equal('left two ');
      expect(server.events).to.deep.equal(['made', 'data']);
    });

    it('takes the end of a connection whose peer had ended before', async () => {
      const { server, client } = await connectedPair(world, new HalfCloser(), new Recorder());
      client.transport.loseWriteConnection();
      await world.until(() => server.count('read-lost') === 1, 'the peer has ended');

      const stream = toDuplex(server.transport);
      stream.resume();
      stream.end('bye');
      await world.until(() => stream.closed && client.count('lost') === 1, 'the stream is closed');

      expect([stream.errored, client.text]).to.deep.equal([null, 'bye']);
    });
  });
}

describe('toDuplex', () => {
  it('serves HTTP over any transport', async () => {
    const reactor = new MemoryReactor();
    const world = contractWorld(reactor, namedKind('memory'));
    const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
    const web = createServer((question, answer) => answer.end(`you asked for ${question.url}`));
    let text = '';

    web.emit('connection', toDuplex(server.transport));
    const stream = toDuplex(client.transport);
    request({ path: '/x', createConnection: () => stream }, (answer) => {
      answer.setEncoding('latin1').on('data', (part) => {
        text += part;
      });
    }).end();
    await world.until(() => text !== '', 'the answer is there');
    stream.destroy();
    await world.until(() => !server.transport.connected, 'the server has heard');

    expect(text).to.equal('you asked for /x');
  });

  it('is refused where it could not work', async () => {
    const world = contractWorld(new MemoryReactor(), namedKind('memory'));
    const { server, client } = await connectedPair(world, new Recorder(), new Recorder());
    const producer = { pauseProducing() {}, resumeProducing() {}, stopProducing() {} };
    server.transport.registerProducer(producer, true);

    expect(() => toDuplex(server.transport)).to.throw(UsageError, 'producer');
    client.transport.abortConnection();
    expect(() => toDuplex(client.transport)).to.throw(UsageError, 'closed');
    expect(() => toDuplex(new StringTransport())).to.throw(UsageError, 'cannot switch');
    await world.until(() => server.count('lost') + client.count('lost') === 2, 'both are lost');
    expect(client.reason).to.be.instanceOf(ConnectionAborted);
    const lost = client.transport as SwitchableTransport;
    expect(() => lost.switchProtocol(new Recorder())).to.throw(UsageError, 'lost');
  });
});

function collectInto(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
}
