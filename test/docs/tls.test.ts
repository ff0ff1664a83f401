import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { makeSelfSigned } from '../../lib/cli/certificates.ts';
import { ptcpTlsEndpoints, tlsEndpoints } from '../../lib/endpoints/tls.ts';
import * as errors from '../../lib/errors.ts';
import { TLS_CLIENT_OPTIONS, TLS_SERVER_OPTIONS } from '../../lib/transports/tls/options.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = join(root, 'docs/tls.md');

describe('docs/tls.md', () => {
  let text: string;

  let directory: string;

  before(async () => {
    text = await readFile(page, 'utf8');
    directory = await mkdtemp(join(tmpdir(), 'hawser-tls-'));
    const made = await makeSelfSigned([{ type: 'dns', value: 'localhost' }], Date.now(), 1);
    await writeFile(join(directory, 'c.pem'), made.certificate);
    await writeFile(join(directory, 'k.pem'), made.key);
  });

  after(() => rm(directory, { recursive: true }));

  async function run(example: string): Promise<string> {
    const files = [join(directory, 'c.pem'), join(directory, 'k.pem')];
    const args = ['--import', 'tsx', '--conditions=@hawser/source', `examples/${example}`, ...files];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 8_000 });
    return stdout;
  }

  for (const [example, output] of [
    ['tls.ts', ['TLSv1.3 echo DNS:localhost', 'hello, and nobody else reads this', 'CertificatePinMismatch']],
    ['start-tls.ts', ['in clear GO', 'TLSv1.3 hello']],
    ['http.ts', ['/hello over PTCP and TLS']],
  ] as const) {
    it(`shows examples/${example} as it is, and what it prints`, async function () {
      this.timeout(10_000);
      const source = await readFile(join(root, 'examples', example), 'utf8');

      const printed = await run(example);

      expect(text).to.contain(source.slice(source.indexOf('\n') + 1).trim());
      expect(printed).to.equal(output.map((line) => `${line}\n`).join(''));
      expect(text).to.contain(output.map((line) => `    ${line}\n`).join(''));
    });
  }

  it('explains every way in which TLS fails, with its code', () => {
    const failures = Object.entries(errors).filter(([, value]) => {
      const prototype: unknown = typeof value === 'function' ? value.prototype : undefined;
      return prototype instanceof errors.TlsError || value === errors.TlsError;
    });
    const { TlsTruncated, OnlyOneTls, CannotRead } = errors;
    const classes = [...failures, ...Object.entries({ TlsTruncated, OnlyOneTls, CannotRead })];

    expect(classes.length).to.be.above(14);
    for (const [name, Class] of classes) {
      const { code } = new (Class as new (message: string) => errors.HawserError)('x');
      expect(text).to.contain(`| \`${name}\` | \`${code}\` |`);
    }
  });

  it('explains every option of TLS', () => {
    const table = text.slice(text.indexOf('## Options'), text.indexOf('## startTLS'));

    for (const name of new Set([...TLS_CLIENT_OPTIONS, ...TLS_SERVER_OPTIONS])) {
      expect(table).to.contain(`\`${name}\``);
    }
  });

  it('writes the options of endpoints as those take them', () => {
    const table = text.slice(text.indexOf('## Options'), text.indexOf('## startTLS'));
    const written = [...table.matchAll(/`(\w+)=([\w.]+)(?:\[[^`]*)?`/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    const samples: Record<string, string> = { HEX: '0'.repeat(64), N: '5' };

    expect(written.length).to.be.above(9);
    for (const [name = '', value = ''] of written) {
      const options = { [name]: samples[value] ?? value, ...(name === 'key' && { certificate: 'FILE' }) };
      const isServers = name === 'clientCertificate';
      for (const parser of [tlsEndpoints, ptcpTlsEndpoints]) {
        const parse = (): unknown =>
          isServers ? parser.parseServer(['1'], options) : parser.parseClient(['host', '1'], options);
        expect(parse, name).not.to.throw();
      }
    }
  });
});
