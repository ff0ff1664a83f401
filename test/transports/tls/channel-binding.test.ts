import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { ListFactory } from '../../../lib/testing/contract-world.ts';
import { testCertificates } from '../../support/certificates.ts';
import { connectPlainly } from '../../support/tls-plain.ts';
import { SecureRecorder, TlsWorld } from '../../support/tls-world.ts';

describe('the channel binding of TLS', () => {
  let world: TlsWorld;

  beforeEach(() => {
    world = new TlsWorld();
  });

  afterEach(() => world.over());

  it('is the same 32 bytes at both ends, and others on each connection (RFC 9266 §4.1)', async () => {
    const one = await world.begin();
    await world.bothMade(one);
    const other = await world.begin();
    await world.bothMade(other);

    const [server, client, elsewhere] = [one.server, one.client, other.server].map(
      ({ facts }) => facts?.channelBinding,
    );
    expect(server).to.have.lengthOf(32);
    expect(client).to.deep.equal(server);
    expect(elsewhere).not.to.deep.equal(server);

    for (const { client: end } of [one, other]) end.transport.abortConnection();
    await world.bothLost(one.server, one.client);
    await world.bothLost(other.server, other.client);
  });

  it('is missing under TLS 1.2, where the same secret could be that of two connections (RFC 9266 §4.2)', async () => {
    const { server: good } = await testCertificates();
    const server = new SecureRecorder();
    const { certificate, key } = good;
    const port = await world.listen(new ListFactory(server), { certificate, key });

    const socket = await connectPlainly(world, port);
    const client = connectTls({ socket, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    await world.until(() => server.count('made') === 1, 'the server is made');
    client.destroy();
    await world.until(() => server.count('lost') === 1, 'the server is lost');

    expect(server.facts).to.deep.include({ version: 'TLSv1.2', channelBinding: undefined });
  });
});
