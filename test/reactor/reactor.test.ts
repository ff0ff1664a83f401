import { expect } from 'chai';
import sinon from 'sinon';
import { Deferred } from '../../lib/defer/deferred.ts';
import { ReactorAlreadyRunning, ReactorNotRunning, UsageError } from '../../lib/errors.ts';
import type { ConnectorLike } from '../../lib/interfaces/protocol.ts';
import { DatagramProtocol } from '../../lib/protocol/datagram-protocol.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import {
  HalfCloser,
  ListFactory,
  Recorder,
  RecordingClientFactory,
} from '../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';

/** The order in which things were called. */
function journal(): { readonly entries: string[]; note(entry: string): () => void } {
  const entries: string[] = [];
  return { entries, note: (entry) => () => void entries.push(entry) };
}

describe('Reactor', () => {
  let reactor: MemoryReactor;

  beforeEach(() => {
    reactor = new MemoryReactor();
  });

  afterEach(() => {
    expect(reactor.clock.pending).to.equal(0);
  });

  /** Whether `deferred` has fired, and so far with no failure. */
  function firing(deferred: Deferred<void>): { hasFired: boolean } {
    const state = { hasFired: false };
    deferred.addCallback(() => {
      state.hasFired = true;
    });
    return state;
  }

  describe('life cycle', () => {
    it('fires what run returned when stop is over, in a later turn', () => {
      const stopped = firing(reactor.run());

      reactor.stop();
      expect([reactor.running, stopped.hasFired]).to.deep.equal([true, false]);
      reactor.advance(0);

      expect([reactor.running, stopped.hasFired]).to.deep.equal([false, true]);
    });

    it('refuses to run twice, and to stop when it does not run or stops already', () => {
      expect(() => reactor.stop()).to.throw(ReactorNotRunning);
      reactor.run();
      expect(() => reactor.run()).to.throw(ReactorAlreadyRunning);
      reactor.stop();
      expect(() => reactor.stop()).to.throw(ReactorNotRunning);
      reactor.advance(0);
      expect(() => reactor.stop()).to.throw(ReactorNotRunning);
    });

    it('may be run again after it has stopped', () => {
      const seen = journal();
      for (const turn of ['first', 'second']) {
        reactor.callWhenRunning(seen.note(turn));
        const stopped = firing(reactor.run());
        reactor.stop();
        reactor.advance(0);
        expect(stopped.hasFired).to.equal(true);
      }

      expect(seen.entries).to.deep.equal(['first', 'second']);
    });

    it('may be stopped by a startup trigger', () => {
      reactor.addSystemEventTrigger('before', 'startup', () => reactor.stop());

      const stopped = firing(reactor.run());
      reactor.advance(0);

      expect(stopped.hasFired).to.equal(true);
    });

    it('hooks itself to its process while it runs', () => {
      const detach = sinon.spy();
      const attach = sinon.stub().returns(detach);
      const attached = new MemoryReactor({ attachProcess: attach });

      attached.run();
      expect([attach.callCount, detach.callCount]).to.deep.equal([1, 0]);
      attach.firstCall.args[0]();
      attached.advance(0);

      expect(detach.callCount).to.equal(1);
    });

    it('calls at once when it runs, else after startup, in order', () => {
      const seen = journal();
      reactor.callWhenRunning(seen.note('one'));
      reactor.callWhenRunning(seen.note('two'));
      expect(seen.entries).to.deep.equal([]);

      reactor.run();
      reactor.callWhenRunning(seen.note('three'));

      expect(seen.entries).to.deep.equal(['one', 'two', 'three']);
      reactor.stop();
      reactor.advance(0);
    });
  });

  describe('system events', () => {
    it('run before, during and after, and wait for what before returned', () => {
      const seen = journal();
      const first = new Deferred<void>();
      const second = new Deferred<void>();
      reactor.addSystemEventTrigger('after', 'own', seen.note('after'));
      reactor.addSystemEventTrigger('during', 'own', seen.note('during'));
      reactor.addSystemEventTrigger('before', 'own', () => first);
      reactor.addSystemEventTrigger('before', 'own', () => second);

      reactor.fireSystemEvent('own');
      first.callback();

      return Promise.resolve()
        .then(() => expect(seen.entries).to.deep.equal([]))
        .then(() => second.callback())
        .then(() => second)
        .then(() => expect(seen.entries).to.deep.equal(['during', 'after']));
    });

    it('go on when a trigger throws or its Deferred fails, which is reported', async () => {
      const seen = journal();
      const failing = new Deferred<void>();
      reactor.addSystemEventTrigger('before', 'own', () => failing);
      for (const phase of ['before', 'during', 'after'] as const) {
        reactor.addSystemEventTrigger(phase, 'own', () => {
          throw new Error(phase);
        });
        reactor.addSystemEventTrigger(phase, 'own', seen.note(phase));
      }

      reactor.fireSystemEvent('own');
      failing.errback(new Error('deferred'));
      await new Promise(setImmediate);

      expect(seen.entries).to.deep.equal(['before', 'during', 'after']);
      const messages = reactor.errors.map(({ error }) => (error as Error).message);
      expect(messages).to.deep.equal(['before', 'deferred', 'during', 'after']);
    });

    it('run each trigger once', () => {
      const trigger = sinon.spy();
      reactor.addSystemEventTrigger('during', 'own', trigger);

      reactor.fireSystemEvent('own');
      reactor.fireSystemEvent('own');

      expect(trigger.callCount).to.equal(1);
    });

    it('let a trigger remove one that is still to come, in its phase and in later ones', () => {
      const seen = journal();
      reactor.addSystemEventTrigger('before', 'own', () => {
        reactor.removeSystemEventTrigger(sibling);
        reactor.removeSystemEventTrigger(later);
      });
      const sibling = reactor.addSystemEventTrigger('before', 'own', seen.note('sibling'));
      const later = reactor.addSystemEventTrigger('after', 'own', seen.note('later'));
      reactor.addSystemEventTrigger('after', 'own', seen.note('kept'));

      reactor.fireSystemEvent('own');

      expect(seen.entries).to.deep.equal(['kept']);
    });

    it('refuse to remove a trigger that has run or was removed, and phases that are none', () => {
      const run = reactor.addSystemEventTrigger('during', 'own', () => {});
      const removed = reactor.addSystemEventTrigger('during', 'own', () => {});
      reactor.removeSystemEventTrigger(removed);
      reactor.fireSystemEvent('own');

      expect(() => reactor.removeSystemEventTrigger(run)).to.throw(UsageError);
      expect(() => reactor.removeSystemEventTrigger(removed)).to.throw(UsageError);
      expect(() => reactor.addSystemEventTrigger('while' as 'during', 'own', () => {})).to.throw(UsageError);
    });
  });

  describe('winding up', () => {
    it('waits lingerMs for a connection whose producer is not done, then resets it', () => {
      const client = new HalfCloser();
      const server = new Recorder();
      reactor.listenMemory('here', new ListFactory(server));
      reactor.connectMemory('here', new RecordingClientFactory(client));
      reactor.advance(0);
      server.transport.registerProducer(
        { resumeProducing() {}, pauseProducing() {}, stopProducing() {} },
        true,
      );

      const stopped = firing(reactor.run());
      reactor.stop();
      reactor.advance(4_999);
      expect([stopped.hasFired, server.connected]).to.deep.equal([false, true]);
      reactor.advance(1);

      expect([stopped.hasFired, server.connected, client.connected]).to.deep.equal([true, false, false]);
    });

    it('ends although a factory reconnects whatever happens', () => {
      class Stubborn extends ClientFactory {
        failures: string[] = [];
        override buildProtocol() {
          return new Protocol();
        }
        override clientConnectionLost(connector: ConnectorLike) {
          connector.connect();
        }
        override clientConnectionFailed(connector: ConnectorLike, reason: Error) {
          this.failures.push(reason.name);
          connector.connect();
        }
      }
      const factory = new Stubborn();
      reactor.listenMemory('here', Factory.forProtocol(Protocol));
      const connector = reactor.connectMemory('here', factory);
      reactor.advance(0);

      const stopped = firing(reactor.run());
      reactor.stop();
      reactor.advance(0);

      expect([stopped.hasFired, connector.state]).to.deep.equal([true, 'disconnected']);
      expect(factory.failures).to.deep.equal(['ConnectingCancelled']);
    });

    it('goes on when connectionLost throws', () => {
      const throwing = new Recorder();
      throwing.onLost = () => {
        throw new Error('in connectionLost');
      };
      const others = [new Recorder(), new Recorder(), new Recorder()];
      reactor.listenMemory('here', new ListFactory(throwing, others[0]));
      reactor.connectMemory('here', new RecordingClientFactory(others[1]));
      reactor.connectMemory('here', new RecordingClientFactory(others[2]));
      reactor.advance(0);

      const stopped = firing(reactor.run());
      reactor.stop();
      reactor.advance(0);

      expect(stopped.hasFired).to.equal(true);
      expect(others.map((other) => other.count('lost'))).to.deep.equal([1, 1, 1]);
      expect(reactor.errors).to.have.length(1);
    });
  });

  describe('errors', () => {
    it('of delayed calls are reported, and the next calls are made', () => {
      const next = sinon.spy();
      reactor.callLater(1, () => {
        throw new Error('late');
      });
      reactor.callSoon(() => {
        throw new Error('soon');
      });
      reactor.callLater(1, next);

      reactor.advance(1);

      expect(next.callCount).to.equal(1);
      expect(reactor.errors.map(({ where }) => where)).to.deep.equal(['callSoon', 'callLater']);
    });

    it('go to the listeners of the error event where there are any', () => {
      const heard = sinon.spy();
      reactor.on('error', heard);
      const error = new Error('heard');

      reactor.reportError(error, 'a test');

      expect(heard.calledOnceWithExactly(error, 'a test')).to.equal(true);
      expect(reactor.errors).to.deep.equal([]);
    });

    it('of callers are thrown at once when what is to be called is no function', () => {
      const nothing = undefined as never;

      expect(() => reactor.callLater(1, nothing)).to.throw(UsageError, 'callLater takes a function');
      expect(() => reactor.callSoon(nothing)).to.throw(UsageError, 'callSoon');
      expect(() => reactor.callWhenRunning(nothing)).to.throw(UsageError, 'callWhenRunning');
      expect(() => reactor.addSystemEventTrigger('before', 'own', nothing)).to.throw(UsageError);
    });

    it('are thrown in a turn of their own where a listener throws itself', () => {
      reactor.on('error', () => {
        throw new Error('by the listener');
      });

      reactor.reportError(new Error('first'), 'a test');

      expect(() => reactor.advance(0)).to.throw('by the listener');
    });
  });

  describe('transports', () => {
    it('are found by name, and what is missing is named', () => {
      const listen = () => reactor.listen('pigeon', { port: 1 }, new Factory());

      expect(listen).to.throw(UsageError, 'pigeon; it has: tcp, ptcp, memory');
    });

    it('have names of their own', () => {
      const provider = { name: 'tcp', listen: sinon.stub(), connect: sinon.stub() };

      expect(() => reactor.addTransport(provider)).to.throw(UsageError, 'tcp');
    });

    it('get their target and options', () => {
      const provider = { name: 'own', listen: sinon.stub(), connect: sinon.stub() };
      const factory = new ClientFactory();
      reactor.addTransport(provider);

      reactor.listen('own', { port: 1 }, factory, { colour: 'red' });
      reactor.connect('own', { host: 'there', port: 2 }, factory);

      expect(provider.listen.firstCall.args.slice(1)).to.deep.equal([
        { port: 1 },
        factory,
        { colour: 'red' },
      ]);
      expect(provider.connect.firstCall.args.slice(1)).to.deep.equal([
        { host: 'there', port: 2 },
        factory,
        {},
      ]);
    });

    it('refuse ports that are none', () => {
      for (const port of [-1, 65_536, 1.5, Number.NaN]) {
        expect(() => reactor.listenTCP(port, new Factory())).to.throw(UsageError, 'port');
        expect(() => reactor.connectTCP('127.0.0.1', port, new ClientFactory())).to.throw(UsageError, 'port');
      }
      expect(() => reactor.connectTCP('127.0.0.1', 0, new ClientFactory())).to.throw(UsageError, 'port');
      expect(() => reactor.listenTCP(0, new Factory(), { interface: 'localhost' })).to.throw(UsageError);
    });

    it('refuses at once what is no factory, and a host that is none', () => {
      const untyped = (value: unknown): never => value as never;

      expect(() => reactor.listenTCP(1, untyped(undefined))).to.throw(UsageError, 'takes a Factory');
      expect(() => reactor.listenTCP(1, untyped(Protocol))).to.throw(UsageError, 'forProtocol(Protocol)');
      expect(() => reactor.connectTCP('127.0.0.1', 1, untyped(new Factory()))).to.throw(
        UsageError,
        'takes a ClientFactory',
      );
      expect(() => reactor.connectTCP(untyped(undefined), 1, new ClientFactory())).to.throw(
        UsageError,
        'a host is a string, not undefined',
      );
    });

    it('refuse options they do not know, and name those they do', () => {
      const misspelt = { inteface: '127.0.0.1' } as object;
      const factory = new ClientFactory();
      const port = reactor.listenPTCP(1, factory);
      reactor.advance(1);
      const calls: Record<string, () => unknown> = {
        interface: () => reactor.listenTCP(0, factory, misspelt),
        'interface, pseudoPort': () => reactor.listenPTCP(0, factory, misspelt),
        bufferBytes: () => reactor.listenUDP(0, new DatagramProtocol(), misspelt),
        none: () => reactor.listen('memory', { host: 'name', port: 0 }, factory, misspelt),
        timeoutMs: () => reactor.connectTCP('127.0.0.1', 1, factory, misspelt),
        'pseudoPort, wire, profile, timeoutMs': () => reactor.connectPTCP('127.0.0.1', 1, factory, misspelt),
        'it has: timeoutMs': () => reactor.connectMemory('name', factory, misspelt),
        isHolePunching: () => port.connect('10.0.0.1', 1, factory, misspelt),
      };

      for (const [known, call] of Object.entries(calls)) {
        expect(call, known).to.throw(UsageError, /no option inteface; it has: /);
        expect(call, known).to.throw(known);
      }
      expect(() => reactor.connectTCP('127.0.0.1', 1, factory, 5 as never)).to.throw(UsageError, 'an object');
      void port.stopListening();
      reactor.advance(1);
    });

    it('bind the interface that is among the options, too', () => {
      const port = reactor.listen('ptcp', { port: 1 }, new Factory(), { interface: '127.0.0.1' });
      reactor.advance(1);

      expect(port.getHost().host).to.equal('127.0.0.1');
      void port.stopListening();
      reactor.advance(1);
    });
  });
});
