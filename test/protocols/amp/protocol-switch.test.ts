import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { ConnectionReset } from '../../../lib/errors.ts';
import { Factory } from '../../../lib/protocol/factory.ts';
import { Protocol } from '../../../lib/protocol/protocol.ts';
import {
  Amp,
  boolean,
  defineCommand,
  defineProtocolSwitch,
  encodeBox,
  integer,
  ProtocolSwitched,
  RemoteAmpError,
  UnknownRemoteError,
} from '../../../protocols/amp/index.ts';
import { AmpPair, failureOf, turn } from '../../support/amp-pair.ts';
import { TextRecorder as Recorder } from '../../support/text-recorder.ts';

class BadThing extends Error {}

const SwitchToEcho = defineProtocolSwitch({
  name: 'switch-to-echo',
  arguments: { ok: boolean },
  errors: { BAD_THING: BadThing },
});
const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: integer, b: integer },
  response: { total: integer },
});

describe('a switch of protocols', () => {
  let pair: AmpPair;
  let served: Recorder;

  beforeEach(() => {
    pair = new AmpPair(new Amp(), new Amp());
    served = new Recorder('from the server');
    pair.server.respond(SwitchToEcho, ({ ok }) => {
      if (!ok) throw new BadThing('no switch today');
      return served;
    });
    pair.server.respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));
  });

  it('gives the connection to another protocol on both sides, with what came for it already', async () => {
    const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder('hello'));
    await pair.flow();

    expect((await switched).text).to.equal('from the server');
    expect(served.text).to.equal('hello');
  });

  it('does not deliver what is empty', async () => {
    const chunks: Uint8Array[] = [];
    served = new Recorder();
    const silent = new (class extends Protocol {
      override dataReceived(bytes: Uint8Array): void {
        chunks.push(bytes);
      }
    })();

    void pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => silent);
    await pair.flow();

    expect(silent.connected).to.equal(true);
    expect(chunks).to.deep.equal([]);
  });

  it('delivers the bytes behind the answer, cut anywhere', async () => {
    const bytes = Uint8Array.of(...encodeBox(new Map([['_answer', Uint8Array.of(0x31)]])), 0x68, 0x69);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const client = new Amp();
      const { clientSide } = new AmpPair(client, new Amp());
      const switched = client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder());
      await turn();
      expect(clientSide.written).to.have.length(1);

      client.dataReceived(bytes.slice(0, cut));
      client.dataReceived(bytes.slice(cut));

      expect((await switched).text).to.equal('hi');
    }
  });

  it('builds the protocol by a factory, which is started and stopped', async () => {
    const calls: string[] = [];
    class Recorders extends Factory {
      override startFactory(): void {
        calls.push('start');
      }
      override stopFactory(): void {
        calls.push('stop');
      }
    }

    const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, Recorders.forProtocol(Recorder));
    await pair.flow();
    pair.lose(new ConnectionReset());

    expect(await switched).to.be.instanceOf(Recorder);
    expect(calls).to.deep.equal(['start', 'stop']);
  });

  it('waits for a responder that answers later', async () => {
    const later = new Deferred<Recorder>();
    pair.server.respond(SwitchToEcho, () => later);

    const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder('hello'));
    await pair.flow();
    expect(switched.called).to.equal(false);
    later.callback(served);
    await pair.flow();

    expect((await switched).text).to.equal('from the server');
    expect(served.text).to.equal('hello');
  });

  it('leaves AMP as it was when it is refused, with the error that was declared', async () => {
    const failure = failureOf(pair.client.switchProtocol(SwitchToEcho, { ok: false }, () => new Recorder()));
    await pair.flow();
    const sum = pair.client.callRemote(Sum, { a: 1, b: 2 });
    await pair.flow();

    expect(await failure).to.be.instanceOf(BadThing);
    expect(await sum).to.deep.equal({ total: 3 });
  });

  it('lets nothing be called while it is asked for, and nothing after it', async () => {
    const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder());
    const during = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
    const double = failureOf(pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder()));
    await pair.flow();
    await switched;
    const after = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
    const served = failureOf(pair.server.callRemote(Sum, { a: 1, b: 1 }));

    for (const failure of [during, double, after, served]) {
      expect(await failure).to.be.instanceOf(ProtocolSwitched);
    }
  });

  it('fails the calls that wait, at once', async () => {
    pair.server.respond(Sum, () => new Deferred());
    const waiting = failureOf(pair.client.callRemote(Sum, { a: 1, b: 1 }));
    const reverse = failureOf(pair.server.callRemote(Sum, { a: 1, b: 1 }));
    pair.client.respond(Sum, () => new Deferred());
    await pair.flow();

    void pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder());
    await pair.flow();

    expect(await waiting).to.be.instanceOf(ProtocolSwitched);
    expect(await reverse).to.be.instanceOf(ProtocolSwitched);
  });

  it('keeps an answer back while it is asked for, and sends it when it is refused', async () => {
    const answer = new Deferred<{ total: number }>();
    const refusal = new Deferred<never>();
    pair.client.respond(Sum, () => answer);
    pair.server.respond(SwitchToEcho, () => refusal);
    const reverse = pair.server.callRemote(Sum, { a: 1, b: 1 });
    await pair.flow();

    const failure = failureOf(pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder()));
    answer.callback({ total: 2 });
    await pair.flow();
    expect(reverse.called).to.equal(false);
    refusal.errback(new BadThing('not yet'));
    await pair.flow();

    expect(await failure).to.be.instanceOf(BadThing);
    expect(await reverse).to.deep.equal({ total: 2 });
  });

  it('is refused on both sides when both ask for it', async () => {
    pair.client.respond(SwitchToEcho, () => new Recorder());

    const here = failureOf(pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder()));
    const there = failureOf(pair.server.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder()));
    await pair.flow();

    expect(await here)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'CROSSED' });
    expect(await there)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'CROSSED' });
    const sum = pair.client.callRemote(Sum, { a: 1, b: 2 });
    await pair.flow();
    expect(await sum).to.deep.equal({ total: 3 });
  });

  it('tells the protocol of the end of the connection, and the Amp too', async () => {
    const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder());
    await pair.flow();
    const reason = new ConnectionReset();

    pair.lose(reason);

    expect((await switched).reason).to.equal(reason);
    expect(served.reason).to.equal(reason);
  });

  it('lets the protocol end the connection', async () => {
    const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder());
    await pair.flow();

    (await switched).transport.loseConnection();
    await pair.flow();

    expect(served.reason?.name).to.equal('ConnectionDone');
  });

  it('hands on the half close of the peer only to a protocol that can use it', async () => {
    const reads: string[] = [];
    const halfClosing = Object.assign(new Recorder(), { readConnectionLost: () => reads.push('over') });
    expect(pair.client.readConnectionLost).to.equal(undefined);

    void pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => halfClosing);
    await pair.flow();
    pair.client.readConnectionLost?.();

    expect(reads).to.deep.equal(['over']);
    expect(pair.server.readConnectionLost).to.equal(undefined);
  });

  it('ends the connection when it comes after the call was given up', async () => {
    const later = new Deferred<Recorder>();
    pair.server.respond(SwitchToEcho, () => later);
    const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder());
    const failure = failureOf(switched);
    await pair.flow();

    switched.cancel();
    later.callback(served);
    await pair.flow();

    expect((await failure).name).to.equal('CancelledError');
    expect(pair.client.connected).to.equal(false);
  });

  it('fails, and ends the connection, when the protocol cannot be made', async () => {
    const problem = new Error('no');

    const failure = failureOf(
      pair.client.switchProtocol(SwitchToEcho, { ok: true }, (): Recorder => {
        throw problem;
      }),
    );
    await pair.flow();

    expect(await failure).to.equal(problem);
    expect(pair.client.connected).to.equal(false);
  });

  it('is an error of the responder to return something else', async () => {
    const reported: Error[] = [];
    pair = new AmpPair(new Amp(), new Amp({ reportError: (error) => reported.push(error) }));
    pair.server.respond(SwitchToEcho, () => ({}) as Protocol);

    const failure = failureOf(pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder()));
    await pair.flow();

    expect(await failure).to.be.instanceOf(UnknownRemoteError);
    expect(reported.map(({ name }) => name)).to.deep.equal(['BadLocalReturn']);
  });

  for (const isLater of [false, true]) {
    it(`ends the connection, and reports, when the new protocol will not begin${isLater ? ', also later' : ''}`, async () => {
      const reported: Error[] = [];
      const problem = new Error('not this connection');
      pair = new AmpPair(new Amp(), new Amp({ reportError: (error) => reported.push(error) }));
      const unwilling = new (class extends Protocol {
        override connectionMade(): void {
          throw problem;
        }
      })();
      pair.server.respond(SwitchToEcho, () => (isLater ? Promise.resolve(unwilling) : unwilling));

      const switched = pair.client.switchProtocol(SwitchToEcho, { ok: true }, () => new Recorder());
      await pair.flow();

      expect(await switched).to.be.instanceOf(Recorder);
      expect(reported).to.deep.equal([problem]);
      expect(pair.serverSide.connected).to.equal(false);
    });
  }
});
