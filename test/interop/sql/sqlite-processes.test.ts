import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { SqliteDatabase } from '../../../lib/databases/sqlite.ts';
import { NodeClock } from '../../../lib/reactor/node/clock.ts';
import { NodeFiles } from '../../../lib/reactor/node/files.ts';

const WRITER = fileURLToPath(new URL('./sqlite-writer.ts', import.meta.url));

describe('SQLite files and several processes', () => {
  const clock = new NodeClock((error) => {
    throw error;
  });
  const writers: ChildProcess[] = [];
  let directory: string;
  let path: string;
  let database: SqliteDatabase;

  const write = (count: number): ChildProcess => {
    const writer = spawn(
      process.execPath,
      ['--import', 'tsx', '--conditions=@hawser/source', WRITER, path, `${count}`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    writers.push(writer);
    return writer;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hawser-sqlite-'));
    path = join(directory, 'users.db');
    database = new SqliteDatabase(path, { files: new NodeFiles(), clock });
  });

  afterEach(async () => {
    for (const each of writers.splice(0)) each.kill('SIGKILL');
    await database.close();
    rmSync(directory, { recursive: true });
  });

  it('share a file by turns, lose nothing, and leave nothing beside it', async () => {
    const both = [write(300), write(300)];
    for (const each of both) each.stdout?.resume();

    const statuses = await Promise.all(both.map((each) => once(each, 'exit')));

    expect(statuses.map(([status]) => status)).to.deep.equal([0, 0]);
    expect(readdirSync(directory)).to.deep.equal(['users.db']);
    expect(await database.query('SELECT count(*) AS count FROM rows GROUP BY process', [])).to.deep.equal([
      { count: 300 },
      { count: 300 },
    ]);
  });

  it('leave a whole file behind when they are killed, with every row that was acknowledged', async () => {
    const writer = write(0);
    let output = '';
    writer.stdout?.setEncoding('latin1').on('data', (text: string) => {
      output += text;
    });
    while (output.length < 200) await new Promise((resolve) => setTimeout(resolve, 10));
    writer.kill('SIGKILL');
    await once(writer, 'close');
    const acknowledged = Math.max(...output.split('\n').slice(0, -1).map(Number).filter(Number.isInteger));

    const [row] = await database.query('SELECT max(number) AS most FROM rows WHERE process = ?1', [
      writer.pid ?? 0,
    ]);

    expect(row?.['most']).to.be.within(acknowledged, acknowledged + 1);
    expect(await database.query('PRAGMA integrity_check', [])).to.deep.equal([{ integrity_check: 'ok' }]);
    await database.close();
    expect(existsSync(`${path}.lock`)).to.equal(false);
  });
});
