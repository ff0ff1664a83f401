import process from 'node:process';
import {
  deferLater,
  Factory,
  type InetAddress,
  Protocol,
  reactor,
  type StartTlsOptions,
} from '../../../lib/index.ts';
import {
  Amp,
  type ArgumentsOf,
  LocatorTable,
  RemoteAmpError,
  type ResponseOf,
  responder,
} from '../../../protocols/amp/index.ts';
import { testCertificates } from '../../support/certificates.ts';
import {
  BadThing,
  BigAnswer,
  CallMeBack,
  Delayed,
  EchoDateTime,
  EchoDecimal,
  EchoEverything,
  EchoFloat,
  EchoString,
  Fail,
  FailChild,
  Note,
  NoteCount,
  plus,
  Sum,
  SwitchToEcho,
  Undeclared,
  WorseThing,
  ZeroDivisionError,
} from './schema.ts';

/** Sends everything back in capitals. */
class UpperEcho extends Protocol {
  override dataReceived(bytes: Uint8Array): void {
    this.transport.write(bytes.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)));
  }
}

/** What needs no connection of its own. */
const COMMON = new LocatorTable()
  .respond(EchoEverything, (values) => values)
  .respond(EchoString, (values) => values)
  .respond(EchoFloat, (values) => values)
  .respond(EchoDecimal, (values) => values)
  .respond(EchoDateTime, (values) => values)
  .respond(Sum, ({ a, b }) => ({ total: plus(a, b) }))
  .respond(Delayed, ({ milliseconds, token }) => deferLater(reactor, Number(milliseconds), () => ({ token })))
  .respond(Fail, fail)
  .respond(FailChild, fail)
  .respond(BigAnswer, ({ size }) => ({ value: new Uint8Array(Number(size)).fill(0x78) }))
  .respond(CallMeBack, (values, { peer }) => peer.callRemote(Sum, values))
  .respond(SwitchToEcho, ({ ok }) => {
    if (!ok) throw new BadThing('no switch today');
    return new UpperEcho();
  })
  .respondBox('RAW', (box) => box);

function fail({ kind, message }: ArgumentsOf<typeof Fail>): ResponseOf<typeof Fail> {
  switch (Buffer.from(kind).toString('latin1')) {
    case 'zero':
      throw new ZeroDivisionError(message);
    case 'bad':
      throw new BadThing(message);
    case 'worse':
      throw new WorseThing(message);
    case 'remote':
      throw new RemoteAmpError({ code: 'CHOSEN', message });
    case 'none':
      // What the types forbid: the caller is told of an unknown error, and the connection ends.
      return undefined as never;
    default:
      throw new Undeclared(message);
  }
}

/** Does what peer/amp_server.py does. StartTLS is answered where there are options for it. */
export class InteropServer extends Amp {
  #noteCount = 0;

  constructor(tls?: StartTlsOptions) {
    super({ locator: COMMON, ...(tls === undefined ? {} : { tls }) });
  }

  @responder(Note)
  note({ text }: ArgumentsOf<typeof Note>): void {
    // No answer can say so: the connection is dropped.
    if (text === 'explode') throw new Undeclared(text);
    this.#noteCount += 1;
  }

  @responder(NoteCount)
  noteCount(): ResponseOf<typeof NoteCount> {
    return { count: this.#noteCount };
  }
}

/** Serves on 127.0.0.1, prints READY and the port, and runs until SIGTERM or SIGINT, or until its maker ends. */
export async function runServer(port: number): Promise<void> {
  const running = reactor.run();
  process.on('disconnect', () => reactor.stop());
  if (process.env['npm_lifecycle_event'] !== undefined) stopWithParent();
  // Nobody vouches for it, as with Twisted's temporary ones.
  const { certificate, key } = (await testCertificates()).selfSigned;
  const factory = new Factory();
  factory.buildProtocol = () => new InteropServer({ isServer: true, certificate, key });
  const listening = reactor.listenTCP(port, factory, { interface: '127.0.0.1' });
  try {
    await listening.listening;
  } catch (error) {
    console.error(`interop:twisted: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
    reactor.stop();
    return;
  }
  console.log(`READY ${(listening.getHost() as InetAddress).port}`);
  await running;
}

/** A signal to npm ends the shell that it ran this in, and nothing more. */
function stopWithParent(): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    reactor.stop();
  }, 200);
  timer.unref();
}
