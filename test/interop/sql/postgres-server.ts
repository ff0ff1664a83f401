import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestCertificate } from '../../support/certificates.ts';

/** Where Debian and its kin keep them, one folder for each version. */
const VERSIONS = '/usr/lib/postgresql';

/**
 * Runs the server until its own standard input says stop or ends: it ends with the test, however that ends, kill -9
 * included, and then takes the folder with it. Arguments: the folder, the server, the server's arguments.
 * Then SIGQUIT ends it, also where a connection of it was stopped; but not while it starts, which SIGTERM does.
 */
const WATCH = `folder=$1; shift
"$@" & server=$!
read -r word
if [ "$word" = stop ]; then kill -INT $server; wait $server; exit; fi
kill -TERM $server; kill -QUIT $server; wait $server; rm -rf "$folder"`;

/** Of the user postgres in the cluster. */
export const PASSWORD = 'correct horse';

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** The folder with initdb and postgres of the newest version; undefined where there is none. */
export function findPostgres(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const found = readdirSync(VERSIONS)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(VERSIONS, version, 'bin'));
  return found.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** A cluster of its own in a temporary folder, on a free port of 127.0.0.1. */
export class PostgresServer {
  readonly port: number;
  readonly #binaries: string;
  readonly #folder: string;
  readonly #owner: Owner;
  #watch: ChildProcess | undefined;

  private constructor(binaries: string, port: number) {
    this.port = port;
    this.#binaries = binaries;
    this.#owner = ownerOf();
    this.#folder = mkdtempSync(join(tmpdir(), 'hawser-pg-'));
    if (this.#owner.uid !== undefined) chownSync(this.#folder, this.#owner.uid, this.#owner.gid ?? 0);
  }

  /** It offers TLS with `certificate`. */
  static async create(binaries: string, certificate: TestCertificate): Promise<PostgresServer> {
    const server = new PostgresServer(binaries, await freePort());
    server.#initialize();
    server.writeSecret('server.crt', certificate.certificate);
    server.writeSecret('server.key', certificate.key);
    await server.start();
    return server;
  }

  /** A file that is only for its owner, who is PostgreSQL's; its path. */
  writeSecret(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (this.#owner.uid !== undefined) chownSync(path, this.#owner.uid, this.#owner.gid ?? 0);
    return path;
  }

  url(parameters: Readonly<Record<string, string>> = {}): string {
    const url = new URL(
      `postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}/postgres`,
    );
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  async start(): Promise<void> {
    const server = join(this.#binaries, 'postgres');
    const settings = {
      port: `${this.port}`,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.#folder,
      ssl: 'on',
      ssl_cert_file: join(this.#folder, 'server.crt'),
      ssl_key_file: join(this.#folder, 'server.key'),
      fsync: 'off',
      max_connections: '20',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#watch = spawn('sh', ['-c', WATCH, 'watch', this.#folder, server, '-D', this.#cluster, ...options], {
      ...this.#owner,
      cwd: this.#folder,
      stdio: ['pipe', 'ignore', 'ignore'],
      // In a group of its own: Ctrl-C is for the test.
      detached: true,
    });
    await this.#untilReady();
  }

  /** Breaks off every connection. */
  async stop(): Promise<void> {
    const watch = this.#watch;
    if (watch === undefined) return;
    this.#watch = undefined;
    const exited = once(watch, 'exit');
    watch.stdin?.end('stop\n');
    await exited;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }

  get #cluster(): string {
    return join(this.#folder, 'cluster');
  }

  #initialize(): void {
    const passwordFile = this.writeSecret('password', `${PASSWORD}\n`);
    execFileSync(
      join(this.#binaries, 'initdb'),
      [
        `--pgdata=${this.#cluster}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C.UTF-8',
        '--no-sync',
      ],
      { ...this.#owner, cwd: this.#folder, stdio: ['ignore', 'ignore', 'inherit'] },
    );
  }

  async #untilReady(): Promise<void> {
    const probe = ['--host=127.0.0.1', `--port=${this.port}`, '--quiet'];
    for (;;) {
      if (this.#watch?.exitCode !== null) throw new Error('PostgreSQL did not start');
      const isReady = spawn(join(this.#binaries, 'pg_isready'), probe, { stdio: 'ignore' });
      const [status] = await once(isReady, 'exit');
      if (status === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** PostgreSQL does not run as root: then it is the user that Debian makes for it. */
function ownerOf(): Owner {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
