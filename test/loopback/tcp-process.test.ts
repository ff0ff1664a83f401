import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';

const LIBRARY = new URL('../../lib/index.ts', import.meta.url).href;

/** Starts a script that has the library at hand. */
function start(script: string): ChildProcess {
  const code = `import * as hawser from ${JSON.stringify(LIBRARY)};\n${script}`;
  const nodeArguments = [
    '--conditions=@hawser/source',
    '--import',
    'tsx',
    '--input-type=module',
    '--eval',
    code,
  ];
  return spawn(process.execPath, nodeArguments, { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function end(child: ChildProcess): Promise<{ code: number | null; output: string; errors: string }> {
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += String(chunk)));
  child.stderr?.on('data', (chunk: Buffer) => (errors += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}

describe('the default reactor in a process of its own', function () {
  this.timeout(10_000);

  it('opens nothing when it is imported', async () => {
    const { code, errors } = await end(start('globalThis.kept = hawser.reactor;'));

    expect([code, errors]).to.deep.equal([0, '']);
  });

  it('runs until it is stopped, and lets the process end whatever calls are left', async () => {
    const { code, output } = await end(
      start(`
        const { reactor } = hawser;
        reactor.callLater(3_600_000, () => {});
        reactor.callLater(20, () => reactor.stop());
        await reactor.run();
        console.log('stopped');
      `),
    );

    expect([code, output]).to.deep.equal([0, 'stopped\n']);
  });

  it('stops well at SIGTERM: connections are closed, then run fires', async () => {
    const child = start(`
      const { reactor, Factory, ClientFactory, Protocol } = hawser;
      class Quiet extends Protocol {
        connectionLost(reason) { console.log(reason.code); }
      }
      const port = reactor.listenTCP(0, Factory.forProtocol(Quiet), { interface: '127.0.0.1' });
      await port.listening;
      const factory = ClientFactory.forProtocol(Quiet);
      factory.clientConnectionMade = () => console.log('ready');
      reactor.connectTCP('127.0.0.1', port.getHost().port, factory);
      await reactor.run();
      console.log('stopped');
    `);
    const ending = end(child);
    child.stdout?.once('data', () => child.kill('SIGTERM'));

    const { code, output } = await ending;

    expect(output.split('\n').slice(0, 4)).to.deep.equal([
      'ready',
      'ERR_CONNECTION_DONE',
      'ERR_CONNECTION_DONE',
      'stopped',
    ]);
    expect(code).to.equal(0);
  });

  it('says on standard error what nobody handled, and lives on', async () => {
    const { code, errors, output } = await end(
      start(`
        const { reactor, Deferred } = hawser;
        reactor.callLater(0, () => { throw new Error('in a call'); });
        reactor.callLater(5, () => { Deferred.fail(new Error('in a Deferred')); });
        reactor.callLater(50, () => reactor.stop());
        await reactor.run();
        console.log('stopped');
      `),
    );

    expect(errors).to.include('callLater').and.include('in a call').and.include('in a Deferred');
    expect([code, output]).to.deep.equal([0, 'stopped\n']);
  });
});
