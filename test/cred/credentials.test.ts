import { inspect } from 'node:util';
import { expect } from 'chai';
import {
  BearerToken,
  type Credentials,
  UsernameHashedPassword,
  UsernamePassword,
} from '../../lib/cred/credentials.ts';
import { MemoryUsers } from '../../lib/cred/memory-users.ts';
import { ScramClient } from '../../lib/cred/scram-client.ts';
import { ScramServer } from '../../lib/cred/scram-server.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { CHEAP } from '../support/logins.ts';

const SECRET = 'correct horse battery staple';

describe('credentials', () => {
  const cryptography = new NodeCryptography();

  it('show whom they name, and never the secret', () => {
    const credentials: Credentials[] = [
      new UsernamePassword('alice', SECRET),
      new UsernameHashedPassword('alice', SECRET, cryptography),
      new ScramServer(`n,,n=alice,r=abc`, { cryptography }),
    ];

    for (const each of credentials) {
      expect(inspect(each, { depth: 9, showHidden: true })).to.contain('alice');
      expect(shownOf(each)).not.to.contain(SECRET);
    }
  });

  it('hide tokens, the client’s password and what a table holds', async () => {
    const client = new ScramClient({ username: 'alice', password: SECRET, cryptography });
    const users = new MemoryUsers({ cryptography, cost: CHEAP });
    await users.set('alice', SECRET);

    for (const each of [new BearerToken(SECRET), client, users]) {
      expect(shownOf(each)).not.to.contain(SECRET).and.not.to.contain('$scrypt$');
    }
  });
});

function shownOf(value: object): string {
  const deep = inspect(value, { depth: 9, showHidden: true, getters: false });
  return [deep, JSON.stringify(value), String(value), JSON.stringify({ ...value })].join('\n');
}
