import { expect } from 'chai';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { ConnectionDone, NotTls, OnlyOneTls, UsageError } from '../../../lib/errors.ts';
import type { StartTlsOptions } from '../../../lib/interfaces/tls.ts';
import { StringTransport } from '../../../lib/testing/string-transport.ts';
import {
  Amp,
  type AmpOptions,
  defineCommand,
  encodeBox,
  integer,
  RemoteAmpError,
  StartTls,
  UnhandledCommand,
} from '../../../protocols/amp/index.ts';
import { AmpPair, failureOf, turn } from '../../support/amp-pair.ts';

const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: integer, b: integer },
  response: { total: integer },
});
const Note = defineCommand({ name: 'note', arguments: { n: integer }, requiresAnswer: false });

const SERVER_TLS: StartTlsOptions = { isServer: true, certificate: 'a certificate', key: 'its key' };
const CLIENT_TLS: StartTlsOptions = { insecure: true };

function makePair(options: AmpOptions = { tls: SERVER_TLS }): AmpPair {
  const pair = new AmpPair(new Amp(), new Amp(options));
  pair.server.respond(Sum, ({ a, b }) => ({ total: Number(a) + Number(b) }));
  return pair;
}

/** The handshake is over on both sides. */
function shakeHands({ clientSide, serverSide }: AmpPair): void {
  clientSide.deliverTls();
  serverSide.deliverTls();
}

describe('StartTLS', () => {
  it('secures the connection on both sides, the caller as the client', async () => {
    const pair = makePair();

    let isSecure = false;
    const secured = pair.client.startTLS(CLIENT_TLS).addCallback((facts) => {
      isSecure = true;
      return facts;
    });
    await pair.flow();
    expect(isSecure).to.equal(false);
    shakeHands(pair);

    expect(pair.clientSide.tlsOptions).to.deep.equal({ insecure: true });
    expect(pair.serverSide.tlsOptions).to.deep.equal(SERVER_TLS);
    expect((await secured).version).to.equal('TLSv1.3');
  });

  it('writes Twisted’s boxes', async () => {
    const pair = makePair();

    void pair.client.startTLS(CLIENT_TLS);
    await turn();
    const request = pair.clientSide.text;
    await pair.flow();

    expect(request).to.equal('\0\x04_ask\0\x011\0\x08_command\0\x08StartTLS\0\0');
    pair.serverSide.abortConnection();
  });

  it('keeps back what is called before the answer, and sends it once there is TLS', async () => {
    const pair = makePair();

    const secured = pair.client.startTLS(CLIENT_TLS);
    const sum = pair.client.callRemote(Sum, { a: 5, b: 6 });
    await turn();
    expect(pair.clientSide.text).to.not.contain('Sum');
    expect(pair.client.isWritable).to.equal(false);
    await pair.flow();
    shakeHands(pair);
    await pair.flow();

    expect(pair.clientSide.tlsOptions).to.not.equal(undefined);
    await secured;
    expect(await sum).to.deep.equal({ total: 11 });
  });

  it('calls its responder, which may answer later and with the options of this connection', async () => {
    const pair = makePair({});
    const later = new Deferred<StartTlsOptions>();
    pair.server.respond(StartTls, () => later);

    const secured = pair.client.startTLS(CLIENT_TLS);
    await pair.flow();
    later.callback({ certificate: 'another', key: 'key' });
    await pair.flow();
    shakeHands(pair);

    await secured;
    expect(pair.serverSide.tlsOptions).to.deep.equal({ isServer: true, certificate: 'another', key: 'key' });
  });

  it('leaves what comes behind the request in clear to TLS, which will not have it', async () => {
    const server = new Amp({ tls: SERVER_TLS });
    const transport = new StringTransport();
    server.makeConnection(transport);
    const request = encodeBox(
      new Map([
        ['_ask', Uint8Array.of(0x31)],
        ['_command', new TextEncoder().encode('StartTLS')],
      ]),
    );

    server.dataReceived(Uint8Array.of(...request, 1, 2, 3));

    expect(transport.tlsOptions?.unread).to.deep.equal(Uint8Array.of(1, 2, 3));
    expect(transport.text).to.equal('\0\x07_answer\0\x011\0\0');
  });

  it('happens once: the second request fails, and keeps nothing back', async () => {
    const pair = makePair();
    const secured = pair.client.startTLS(CLIENT_TLS);

    const early = failureOf(pair.client.startTLS(CLIENT_TLS));
    await pair.flow();
    shakeHands(pair);
    await secured;
    const late = failureOf(pair.client.startTLS(CLIENT_TLS));
    const sum = pair.client.callRemote(Sum, { a: 1, b: 2 });
    await pair.flow();

    expect(await early).to.be.instanceOf(OnlyOneTls);
    expect(await late).to.be.instanceOf(OnlyOneTls);
    expect(await sum).to.deep.equal({ total: 3 });
  });

  it('is begun once where a peer asks twice while the responder takes its time', async () => {
    const options = new Deferred<StartTlsOptions>();
    const amp = new Amp();
    const transport = new StringTransport();
    let askedCount = 0;
    amp.respond(StartTls, () => {
      askedCount += 1;
      return options;
    });
    amp.makeConnection(transport);
    const request = (tag: string) =>
      encodeBox(
        new Map(
          Object.entries({ _ask: tag, _command: 'StartTLS' }).map(([key, text]) => [
            key,
            new TextEncoder().encode(text),
          ]),
        ),
      );

    amp.dataReceived(request('1'));
    amp.dataReceived(request('2'));
    options.callback(SERVER_TLS);
    await turn();

    expect(askedCount).to.equal(1);
    expect(transport.text).to.contain('CROSSED').and.to.contain('_answer\0\x011');
    expect(transport.tlsOptions).to.deep.equal(SERVER_TLS);
  });

  it('is refused to a peer that asks although there is TLS, and the connection goes on', async () => {
    const pair = makePair();
    pair.serverSide.startTLS(SERVER_TLS);
    pair.serverSide.deliverTls();

    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    await pair.flow();

    expect(await failure)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'ONLY_ONE_TLS' });
    expect(pair.client.connected).to.equal(true);
  });

  it('is refused where nobody answers it; what was kept back fails, and is not sent in clear', async () => {
    const pair = makePair({});
    const notes: unknown[] = [];
    pair.server.respond(Note, ({ n }) => {
      notes.push(n);
    });

    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    const secret = failureOf(pair.client.callRemote(Sum, { a: 1, b: 2 }));
    const note = failureOf(pair.client.callRemote(Note, { n: 1 }));
    await pair.flow();
    const sum = pair.client.callRemote(Sum, { a: 1, b: 2 });
    await pair.flow();

    expect(await failure).to.be.instanceOf(UnhandledCommand);
    expect(await secret).to.be.instanceOf(UsageError);
    expect(await note).to.be.instanceOf(UsageError);
    expect(notes).to.deep.equal([]);
    expect(await sum, 'in clear, but knowing it').to.deep.equal({ total: 3 });
  });

  it('sends answers that were kept back when it is refused', async () => {
    const pair = makePair({});
    const answer = new Deferred<{ total: number }>();
    pair.client.respond(Sum, () => answer);
    const reverse = pair.server.callRemote(Sum, { a: 1, b: 2 });
    await pair.flow();

    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    answer.callback({ total: 3 });
    await pair.flow();

    expect(await failure).to.be.instanceOf(UnhandledCommand);
    expect(await reverse).to.deep.equal({ total: 3 });
  });

  it('says so at once where the transport has no TLS', async () => {
    const client = new Amp();
    client.makeConnection(Object.assign(new StringTransport(), { startTLS: undefined }));

    expect(await failureOf(client.startTLS(CLIENT_TLS)))
      .to.be.instanceOf(UsageError)
      .and.have.property('message')
      .that.contains('cannot be secured');
  });

  it('is refused where the other transport has no TLS', async () => {
    const pair = makePair();
    Object.assign(pair.serverSide, { startTLS: undefined });

    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    await pair.flow();

    expect(await failure)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'TLS_UNAVAILABLE' });
  });

  it('fails with the reason for which the handshake did', async () => {
    const pair = makePair();
    pair.server.respond(Sum, () => new Deferred());
    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    const sum = failureOf(pair.client.callRemote(Sum, { a: 1, b: 2 }));
    await pair.flow();
    const reason = new NotTls('no TLS');

    pair.lose(reason);

    expect(await failure).to.equal(reason);
    expect(await sum).to.equal(reason);
  });

  it('fails when the connection is closed before the answer', async () => {
    const pair = makePair();
    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    await turn();

    pair.lose(new ConnectionDone());

    expect(await failure).to.be.instanceOf(ConnectionDone);
  });

  it('is refused on both sides when both ask for it', async () => {
    const pair = new AmpPair(new Amp({ tls: SERVER_TLS }), new Amp({ tls: SERVER_TLS }));

    const here = failureOf(pair.client.startTLS(CLIENT_TLS));
    const there = failureOf(pair.server.startTLS(CLIENT_TLS));
    await pair.flow();

    expect(await here)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'CROSSED' });
    expect(await there)
      .to.be.instanceOf(RemoteAmpError)
      .and.include({ remoteCode: 'CROSSED' });
  });

  it('cannot be called as other commands are', async () => {
    const pair = makePair();

    // @ts-expect-error: it is no command for its values
    const failure = failureOf(pair.client.callRemote(StartTls, {}));

    expect((await failure).message).to.contain('startTLS');
  });

  it('ends the connection, and reports, when the responder’s options cannot be used', async () => {
    const reported: Error[] = [];
    const problem = new UsageError('no such option');
    const pair = makePair({ tls: SERVER_TLS, reportError: (error) => reported.push(error) });
    Object.assign(pair.serverSide, {
      startTLS: () => {
        throw problem;
      },
    });

    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    await pair.flow();

    expect(await failure).to.be.instanceOf(Error);
    expect(reported).to.deep.equal([problem]);
    expect(pair.serverSide.connected).to.equal(false);
  });

  it('fails, and ends the connection, when the caller’s options cannot be used', async () => {
    const problem = new UsageError('no such option');
    const pair = makePair();
    Object.assign(pair.clientSide, {
      startTLS: () => {
        throw problem;
      },
    });

    const failure = failureOf(pair.client.startTLS(CLIENT_TLS));
    await pair.flow();

    expect(await failure).to.equal(problem);
    expect(pair.clientSide.connected).to.equal(false);
  });

  it('ends the connection when the peer begins it after the call was given up', async () => {
    const pair = makePair({});
    const later = new Deferred<StartTlsOptions>();
    pair.server.respond(StartTls, () => later);
    const call = pair.client.startTLS(CLIENT_TLS);
    const failure = failureOf(call);
    await pair.flow();

    call.cancel();
    later.callback(SERVER_TLS);
    await pair.flow();

    expect((await failure).name).to.equal('CancelledError');
    expect(pair.clientSide.connected).to.equal(false);
  });
});
