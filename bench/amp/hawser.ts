import {
  connectProtocol,
  Factory,
  type InetAddress,
  reactor,
  type TlsServerOptions,
  TransportClientEndpoint,
} from '../../lib/index.ts';
import { Amp } from '../../protocols/amp/index.ts';
import { EchoString, Note, NoteCount, Sum } from '../../test/interop/twisted/schema.ts';
import { InteropServer } from '../../test/interop/twisted/server.ts';
import { ADDENDS, type Caller, ECHO_BYTES, TOTAL } from './cases.ts';
import type { HawserName } from './messages.ts';

const HOST = '127.0.0.1';

/** Serves the commands that Twisted's amp_server.py has on a free port, which it gives. */
export async function serveAmp(name: HawserName): Promise<number> {
  const options = isSecured(name) ? await ownCertificate() : {};
  const port = reactor.listen(name, { host: HOST, port: 0 }, Factory.forProtocol(InteropServer), options);
  await port.listening;
  return (port.getHost() as InetAddress).port;
}

function isSecured(name: HawserName): boolean {
  return name === 'tls' || name === 'ptcp+tls';
}

async function ownCertificate(): Promise<TlsServerOptions> {
  const { testCertificates } = await import('../../test/support/certificates.ts');
  const { certificate, key } = (await testCertificates()).selfSigned;
  return { certificate, key };
}

/** One connection. */
export async function callAmp(name: HawserName, port: number): Promise<Caller> {
  // Who the server is costs a handshake some time, and a call none.
  const options = isSecured(name) ? { insecure: true } : {};
  const endpoint = new TransportClientEndpoint(reactor, name, { host: HOST, port }, options);
  const amp = await connectProtocol(endpoint, new Amp());
  const text = { text: 'x' };
  const value = { value: new Uint8Array(ECHO_BYTES) };
  return {
    sum: (done) => {
      amp.callRemote(Sum, ADDENDS).addCallback(({ total }) => {
        if (total !== TOTAL) throw new Error('a wrong sum');
        done();
      });
    },
    echo: (done) => {
      amp.callRemote(EchoString, value).addCallback((answer) => {
        if (answer.value.length !== ECHO_BYTES) throw new Error('a wrong echo');
        done();
      });
    },
    note: () => void amp.callRemote(Note, text),
    noteCount: (done) => void amp.callRemote(NoteCount).addCallback(() => done()),
  };
}
