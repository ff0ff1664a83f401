import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { runCertificate } from '../../../lib/cli/commands/certificate.ts';
import type { CommandFailure } from '../../../lib/cli/exit-status.ts';
import { commandContext, type KeptContext } from '../../support/command-context.ts';
import { MemoryDisk, MemoryFiles } from '../../support/memory-files.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0, 500);
const DAY_MS = 86_400_000;

describe('hawser certificate', function () {
  // The first one loads the library.
  this.timeout(8_000);
  let disk: MemoryDisk;
  let context: KeptContext;

  beforeEach(async () => {
    disk = new MemoryDisk();
    disk.directories.add('./.');
    context = await commandContext();
  });

  /** The exit status, or the failure's message. */
  async function run(...args: string[]): Promise<number | string> {
    try {
      return await runCertificate(args, context, { files: new MemoryFiles(disk), nowMs: () => NOW_MS });
    } catch (error) {
      expect((error as CommandFailure).status).to.be.oneOf([1, 2]);
      return (error as CommandFailure).message;
    }
  }

  function textOf(path: string): string {
    return new TextDecoder().decode(disk.get(path));
  }

  it('makes a key, and a certificate of it for the hosts (RFC 5280 §4.2.1.6)', async () => {
    expect(await run('Server.Example', '*.server.example', '192.0.2.1', '[2001:DB8::1]')).to.equal(0);

    const made = new X509Certificate(textOf('certificate.pem'));
    expect(made.subjectAltName).to.equal(
      'DNS:server.example, DNS:*.server.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1',
    );
    expect(made.subject).to.equal('CN=server.example');
    expect(made.ca).to.equal(false);
    expect(made.verify(made.publicKey), 'it vouches for itself').to.equal(true);
    const key = createPrivateKey(textOf('key.pem'));
    expect(made.checkPrivateKey(key)).to.equal(true);
    expect(key.asymmetricKeyDetails).to.deep.equal({ namedCurve: 'prime256v1' });
  });

  it('makes it good for a year from now, or for the days that are asked for', async () => {
    await run('localhost');
    const year = new X509Certificate(textOf('certificate.pem'));
    await run('localhost', '--days', '30000', '--force');
    const long = new X509Certificate(textOf('certificate.pem'));

    expect(Date.parse(year.validFrom)).to.equal(Date.UTC(2026, 10, 22, 11, 0, 0));
    expect(Date.parse(year.validTo)).to.equal(Date.UTC(2027, 10, 22, 12, 0, 0));
    expect(Date.parse(long.validTo)).to.equal(Math.floor(NOW_MS / 1000) * 1000 + 30_000 * DAY_MS);
  });

  it('writes a key that only its owner may read, and gives both their names when they are on disk', async () => {
    await run('localhost');

    expect(disk.nodes.get('key.pem')?.isSecret).to.equal(true);
    expect(disk.nodes.get('certificate.pem')?.isSecret).to.equal(undefined);
    const synced = disk.log.findLastIndex((entry) => /^sync .*pem/.test(entry));
    const renamed = disk.log.findIndex((entry) => entry.startsWith('rename'));
    expect(synced).to.be.below(renamed);
    expect([...disk.nodes.keys()].sort()).to.deep.equal(['certificate.pem', 'key.pem']);
  });

  it('prints the pin, and the next commands to type', async () => {
    await run('192.0.2.1', '--out', 'a b.pem');

    const pin = new X509Certificate(textOf('a b.pem')).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(context.output.lines).to.deep.equal([
      'wrote a b.pem and its key key.pem for 192.0.2.1, good until 2027-11-22 12:00 UTC',
      `pin ${pin}`,
    ]);
    expect(context.messages.lines).to.deep.equal([
      "receive with it:  hawser receive 'ptcp+tls:4915:certificate=a b.pem:key=key.pem' --interface 0.0.0.0",
      `send there:       hawser send FILE ptcp+tls:192.0.2.1:4915:pin=${pin}`,
      'Who has key.pem can pose as this receiver: keep it to yourself.',
    ]);
  });

  it('tells a program in one line of JSON', async () => {
    await run('--json', '2001:db8::1', 'localhost');

    const { fingerprint256 } = new X509Certificate(textOf('certificate.pem'));
    expect(context.output.events).to.deep.equal([
      {
        event: 'certificate',
        certificate: 'certificate.pem',
        key: 'key.pem',
        names: ['2001:db8::1', 'localhost'],
        fingerprint: fingerprint256,
        pin: fingerprint256.replaceAll(':', '').toLowerCase(),
        validFrom: '2026-11-22T11:00:00.000Z',
        validTo: '2027-11-22T12:00:00.000Z',
      },
    ]);
    expect(context.messages.text).to.equal('');
  });

  it('replaces nothing without --force', async () => {
    disk.put('key.pem', Uint8Array.of(1));

    expect(await run('localhost')).to.equal(
      'key.pem is there already; choose another with --key, or replace it with --force',
    );
    expect(await run('localhost', '--key', 'other.pem')).to.equal(0);
    expect(await run('localhost', '--key', 'third.pem')).to.equal(
      'certificate.pem is there already; choose another with --out, or replace it with --force',
    );
    expect([...(disk.get('key.pem') ?? [])]).to.deep.equal([1]);
    expect(disk.get('third.pem')).to.equal(undefined);
    expect(await run('localhost', '--force')).to.equal(0);
    expect(textOf('key.pem')).to.match(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  it('leaves no key without its certificate when one of the names is taken at the last moment', async () => {
    const files = new MemoryFiles(disk);
    files.renameExclusive = async (from, to) => {
      if (to === 'certificate.pem') throw Object.assign(new Error('taken'), { code: 'EEXIST' });
      await files.rename(from, to);
    };

    const failing = runCertificate(['localhost'], context, { files, nowMs: () => NOW_MS });

    expect(await failing.catch((error: Error) => error.message)).to.match(
      /^certificate\.pem and key\.pem were not written: one of them is there already/,
    );
    expect([...disk.nodes.keys()]).to.deep.equal([]);
  });

  it('says that the disk is full, and leaves nothing behind', async () => {
    disk.capacityBytes = 300;

    expect(await run('localhost')).to.equal(
      'certificate.pem and key.pem were not written: the disk is full; make room',
    );
    expect([...disk.nodes.keys()]).to.deep.equal([]);
  });

  for (const [args, complaint] of [
    [[], /^name the hosts .*: hawser certificate localhost 127\.0\.0\.1$/],
    [['foo_bar'], /^foo_bar is neither a host name nor an IP address; write server\.example/],
    [['1.2.3'], /^1\.2\.3 is neither/],
    [['fe80::1%eth0'], /^fe80::1%eth0 is neither/],
    [['host:443'], /^host:443 is neither/],
    [['a.'], /^a\. is neither/],
    [['bücher.example'], /: write xn--bcher-kva\.example$/],
    [['a\u001b[2J'], /^a\\u\{1b\}\[2J is neither/],
    [['a', '--out', 'x', '--key', './x'], /^--out and --key are the same file; give each its own$/],
    [['a', '--out', 'none/x'], /^there is no folder none; make it, or choose another with --out$/],
    [['a', '--show', 'x'], /^--show takes one file and no host names$/],
  ] as const) {
    it(`refuses ${JSON.stringify(args)} in one line that says what to do`, async () => {
      expect(await run(...args)).to.match(complaint);
      expect(disk.nodes.size).to.equal(0);
    });
  }

  for (const days of ['0', '36501', '1.5', '-1', 'x']) {
    it(`refuses --days ${days}`, async () => {
      const failure = await runCertificate(['a', '--days', days], context, {
        files: new MemoryFiles(disk),
        nowMs: () => NOW_MS,
      }).catch((error: Error) => error);

      expect(failure).to.be.instanceOf(Error);
      expect(context.messages.lines).to.have.length(1);
      expect(context.messages.text).to.match(/whole number of days from 1 to 36500/);
    });
  }

  it('shows what is in a certificate', async () => {
    await run('server.example', '192.0.2.1', '--json');
    const { pin, fingerprint } = context.output.events[0] as { pin: string; fingerprint: string };
    context = await commandContext();

    expect(await run('--show', 'certificate.pem')).to.equal(0);

    expect(context.output.lines).to.deep.equal([
      'subject  CN=server.example',
      'issuer   itself',
      'names    server.example, 192.0.2.1',
      'valid    2026-11-22 11:00 UTC to 2027-11-22 12:00 UTC',
      `SHA-256  ${fingerprint}`,
      `pin      ${pin}`,
    ]);
  });

  it('shows each certificate of a chain, and those that are DER', async () => {
    await run('a.example');
    await run('b.example', '--force', '--out', 'b.pem');
    const chain = textOf('certificate.pem') + textOf('b.pem');
    disk.put('chain.pem', new TextEncoder().encode(chain));
    disk.put('b.der', new X509Certificate(textOf('b.pem')).raw);
    context = await commandContext();

    await run('--show', 'chain.pem', '--json');
    await run('--show', 'b.der', '--json');

    expect(context.output.events.map(({ names }) => names)).to.deep.equal([
      ['a.example'],
      ['b.example'],
      ['b.example'],
    ]);
  });

  it('says that a certificate has ended, or is not good yet', async () => {
    await run('a.example', '--days', '2');
    const shownAt = async (nowMs: number): Promise<string> => {
      context = await commandContext();
      const files = new MemoryFiles(disk);
      await runCertificate(['--show', 'certificate.pem'], context, { files, nowMs: () => nowMs });
      return context.output.lines.find((line) => line.startsWith('valid')) ?? '';
    };

    expect(await shownAt(NOW_MS + 3 * DAY_MS)).to.match(/ – it has ended$/);
    expect(await shownAt(NOW_MS - DAY_MS)).to.match(/ – not yet$/);
  });

  it('says what is wrong with a file that it cannot show', async () => {
    await run('localhost');
    disk.put('noise', Uint8Array.of(0x30, 0x82, 1, 2, 3));
    disk.put('empty', new Uint8Array(0));

    expect(await run('--show', 'none.pem')).to.equal(
      'none.pem cannot be read: there is no such file; check its path',
    );
    expect(await run('--show', 'key.pem')).to.equal(
      'key.pem holds a private key, no certificate; show the file that --out named',
    );
    for (const path of ['noise', 'empty']) {
      expect(await run('--show', path)).to.match(/holds no certificate, neither PEM nor DER/);
    }
  });
});
