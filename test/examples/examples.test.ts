import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function run(example: string): Promise<string> {
  const args = ['--import', 'tsx', '--conditions=@hawser/source', `examples/${example}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 8000 });
  return stdout;
}

describe('the examples of the documentation', function () {
  // Each is a process of its own, compiled from its sources.
  this.timeout(10_000);

  it('echo a line through PTCP and end well', async () => {
    expect(await run('echo.ts')).to.equal('hello through UDP\nConnectionDone\n');
  });

  it('carry half a megabyte over a bad link in virtual time, the same every time', async () => {
    const first = await run('virtual-time.ts');

    expect(first).to.match(/^500000 bytes, ConnectionDone, after \d+ ms\n$/);
    expect(await run('virtual-time.ts')).to.equal(first);
  });

  it('count numbers under back-pressure, three connections in turn', async () => {
    expect(await run('numbers.ts')).to.equal('100000 lines\n'.repeat(3));
  });

  it('log in, after a guess that was wrong, and out with the connection', async () => {
    expect(await run('login.ts')).to.equal(
      'the login was refused: the name or the secret is wrong\nwelcome, alice\nalice has left\n',
    );
  });

  it('divide by calls of AMP over PTCP, as Twisted does beside it', async () => {
    expect(await run('amp.ts')).to.equal('logged: hello\n3\ndivision by zero\n');
  });

  it('call a calculator, which cannot divide by zero', async () => {
    expect(await run('sum.ts')).to.equal('94\nInfinity\n');
  });

  for (const [example, page] of [
    ['echo.ts', 'README.md'],
    ['virtual-time.ts', 'README.md'],
    ['numbers.ts', 'docs/protocols.md'],
    ['login.ts', 'docs/cred.md'],
    ['sum.ts', 'docs/amp.md'],
  ] as const) {
    it(`stand in ${page} as they are: ${example}`, async () => {
      const [readme, source] = await Promise.all([
        readFile(`${root}/${page}`, 'utf8'),
        readFile(`${root}/examples/${example}`, 'utf8'),
      ]);

      // Without the comment on the first line, which says how to run it.
      expect(readme).to.contain(source.slice(source.indexOf('\n') + 1).trim());
    });
  }
});
