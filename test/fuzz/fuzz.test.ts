import { expect } from 'chai';
import sinon from 'sinon';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { BoxView } from '../../protocols/amp/index.ts';
import { AmpSession } from './amp-session.ts';
import { CodecSession } from './codec-session.ts';
import { EndpointSession } from './endpoint-session.ts';
import { FuzzFailure, type Session } from './session.ts';

function play(session: Session, count: number): void {
  for (let input = 0; input < count; input += 1) session.next();
}

describe('fuzzing', () => {
  afterEach(() => {
    sinon.restore();
  });

  it('finds nothing in the codec that throws or reads what it must not (RFC 9293 §3.1, MUST-7)', () => {
    for (let number = 0; number < 40; number += 1) play(new CodecSession(`codec ${number}`), 256);
  });

  it('finds nothing in an endpoint that throws, hangs or answers too much (RFC 9293 §3.10.7)', () => {
    for (let number = 0; number < 60; number += 1) play(new EndpointSession(`endpoint ${number}`), 256);
  });

  it('finds nothing in the boxes and the values of AMP that throws, or is read in two ways', () => {
    for (let number = 0; number < 10; number += 1) play(new AmpSession(`amp ${number}`), 100);
  });

  it('notices a box of which a field is lost', () => {
    const original = BoxView.prototype.toMap;
    sinon.stub(BoxView.prototype, 'toMap').callsFake(function (this: BoxView) {
      const box = original.call(this);
      return box.size > 1 ? new Map([...box].slice(1)) : box;
    });

    expect(() => play(new AmpSession('lost'), 256)).to.throw(FuzzFailure, 'the boxes');
  });

  it('draws the same inputs from the same seed', () => {
    const [one, other] = [new EndpointSession('same'), new EndpointSession('same')];
    for (let input = 0; input < 100; input += 1) {
      one.next();
      other.next();
      expect(one.last).to.deep.equal(other.last);
    }
  });

  it('notices an endpoint that throws', () => {
    const session = new EndpointSession('throws');
    sinon.stub(PtcpEndpoint.prototype, 'handleDatagram').throws(new RangeError('out of bounds'));

    expect(() => play(session, 256)).to.throw(RangeError);
  });

  it('notices an endpoint that answers what is no segment', () => {
    const session = new EndpointSession('garbage');
    const connection = (endpoint: PtcpEndpoint): void => void endpoint.connect(3, 9);
    const original = PtcpEndpoint.prototype.handleDatagram;
    sinon.stub(PtcpEndpoint.prototype, 'handleDatagram').callsFake(function (
      this: PtcpEndpoint,
      now,
      bytes,
      path,
    ) {
      const kind = original.call(this, now, bytes, path);
      if (kind === 'short') connection(this);
      return kind;
    });

    expect(() => play(session, 5000)).to.throw(FuzzFailure);
  });

  it('notices due times in the past', () => {
    const session = new EndpointSession('late');
    sinon.stub(PtcpEndpoint.prototype, 'nextTimeout').returns(1);

    expect(() => play(session, 10)).to.throw(FuzzFailure, 'in the past');
  });
});
