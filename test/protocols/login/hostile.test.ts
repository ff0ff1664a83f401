import { expect } from 'chai';
import sinon from 'sinon';
import { Deferred } from '../../../lib/defer/deferred.ts';
import { loginByPassword, loginByToken, logout } from '../../../protocols/login/index.ts';
import { LoginWorld } from '../../support/login-world.ts';

const ALICE = { username: 'alice', password: 'secret' };

describe('a hostile client of a login', () => {
  let world: LoginWorld;

  beforeEach(async () => {
    world = new LoginWorld('memory+tls');
    await world.start();
  });

  it('has five guesses, also when a thousand come at once', async () => {
    const checks = sinon.spy(world.portal, 'login');
    const amp = await world.client();

    for (let guess = 0; guess < 1000; guess += 1)
      void loginByToken(amp, `guess ${guess}`).addErrback(() => {});
    await world.happens(() => !amp.connected, 'the connection is closed');

    expect(checks.callCount).to.equal(5);
  });

  it('is not logged in after a logout that came during its login', async () => {
    const gate = new Deferred<void>();
    world.realm.gate = gate;
    const asked = sinon.spy(world.realm, 'requestAvatar');
    const amp = await world.client();
    const login = world.failure(loginByPassword(amp, ALICE));
    await world.happens(() => asked.called, 'the realm is asked');

    await world.until(logout(amp), 'the logout is answered');
    gate.callback(undefined);
    await login;
    await world.pass(1000);

    expect(world.servers[0]?.login).to.equal(undefined);
    expect(world.realm.events).to.deep.equal(['in alice', 'out alice']);
  });
});
