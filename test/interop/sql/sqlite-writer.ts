// Writes to a SQLite file in a process of its own. Arguments: the file, how many rows; without end at 0.
import process from 'node:process';
import { SqliteDatabase } from '../../../lib/databases/sqlite.ts';
import { NodeClock } from '../../../lib/reactor/node/clock.ts';
import { NodeFiles } from '../../../lib/reactor/node/files.ts';

const [path = '', count = '0'] = process.argv.slice(2);
const clock = new NodeClock((error) => {
  throw error;
});
const database = new SqliteDatabase(path, { files: new NodeFiles(), clock });
const rows = Number(count) || Number.POSITIVE_INFINITY;

await database.run('CREATE TABLE IF NOT EXISTS rows (process INTEGER, number INTEGER)', []);
for (let number = 0; number < rows; number += 1) {
  await database.run('INSERT INTO rows VALUES (?1, ?2)', [process.pid, number]);
  // Others take their turns when there is a turn of the event loop, and an acknowledgement is what was promised.
  process.stdout.write(`${number}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
// Not closed: a program that forgets to has to end all the same.
