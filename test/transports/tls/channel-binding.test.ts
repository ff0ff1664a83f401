import { expect } from 'chai';
import { TlsWorld } from '../../support/tls-world.ts';

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
});
