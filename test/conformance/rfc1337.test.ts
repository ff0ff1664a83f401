import { expect } from 'chai';
import { closing, timeWait } from '../support/scripted-states.ts';

describe('RFC 1337: hazards of TIME-WAIT', () => {
  it('is not ended by the reset that an old segment provokes (RFC 1337 §3, fix F1)', () => {
    const peer = timeWait();

    peer.inject({ flags: 'P.', seq: 1, ack: 2, payload: 'old duplicate' });
    const answer = peer.expect({ flags: '.', seq: 2, ack: 2 });
    peer.inject({ flags: 'R', seq: answer.ack });

    peer.expectNothing();
    expect(peer.endpoint.timeWaitCount).to.equal(1);
    peer.at(59_999);
    expect(peer.endpoint.timeWaitCount).to.equal(1);
    peer.at(60_000);
    expect(peer.endpoint.timeWaitCount).to.equal(0);
  });

  it('is not ended by any reset, nor made longer (RFC 1337 §3, fix F1)', () => {
    const peer = timeWait();
    peer.at(30_000);

    for (let seq = -3; seq < 5; seq += 1) peer.inject({ flags: 'R', seq });

    peer.expectNothing();
    peer.at(60_000);
    expect(peer.endpoint.timeWaitCount).to.equal(0);
  });

  it('gives no data of an old incarnation to anyone (RFC 1337 §2)', () => {
    const peer = timeWait();

    peer.inject({ flags: 'P.', seq: 2, ack: 2, payload: 'old' });

    peer.expect({ flags: '.', ack: 2 });
    expect(peer.connection.readableBytes).to.equal(0);
  });

  it('begins where CLOSING ends as well (RFC 9293 §3.10.7.4)', () => {
    const peer = closing();
    peer.inject({ seq: 2, ack: 2 });

    peer.inject({ flags: 'R', seq: 2 });

    expect(peer.endpoint.timeWaitCount).to.equal(1);
  });
});
