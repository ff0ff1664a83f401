import { expect } from 'chai';
import { addressOf, ipOf, Nat } from '../../sim/nat.ts';
import type { NatPlan } from '../../sim/plan.ts';

const PEER = addressOf(20, 4000);
const PEER_ELSEWHERE = addressOf(20, 5000);
const STRANGER = addressOf(30, 4000);

function nat(plan: Partial<NatPlan> = {}): Nat {
  return new Nat({ isMappingEndpointDependent: false, filtering: 'none', expiryMs: 1000, ...plan }, 11);
}

describe('a simulated NAT', () => {
  it('gives one outer address for all, or one for each remote', () => {
    const one = nat();
    const many = nat({ isMappingEndpointDependent: true });

    expect(one.outward(0, PEER)).to.equal(one.outward(0, STRANGER));
    expect(many.outward(0, PEER)).to.not.equal(many.outward(0, STRANGER));
    expect(ipOf(one.outward(0, PEER))).to.equal(11);
  });

  it('lets in whom its filtering lets in', () => {
    const admits = (filtering: NatPlan['filtering']): boolean[] => {
      const box = nat({ filtering });
      const outer = box.outward(0, PEER);
      return [PEER, PEER_ELSEWHERE, STRANGER].map((remote) => box.lets(0, remote, outer));
    };

    expect(admits('none')).to.deep.equal([true, true, true]);
    expect(admits('address')).to.deep.equal([true, true, false]);
    expect(admits('address-and-port')).to.deep.equal([true, false, false]);
  });

  it('forgets what nothing leaves through, and gives another address then', () => {
    const box = nat();
    const outer = box.outward(0, PEER);
    expect(box.outward(900, PEER)).to.equal(outer);
    expect(box.lets(1900, PEER, outer)).to.equal(true);
    expect(box.hasForgotten).to.equal(false);

    expect(box.lets(1901, PEER, outer)).to.equal(false);
    expect(box.hasForgotten).to.equal(true);
    expect(box.outward(1901, PEER)).to.not.equal(outer);
  });

  it('forgets everything when it begins anew', () => {
    const box = nat({ expiryMs: 1_000_000 });
    const outer = box.outward(0, PEER);

    box.rebind();

    expect(box.lets(0, PEER, outer)).to.equal(false);
  });
});
