// The other end is test/support/vertex-peer.ts: Vertex with all its faults, sharing nothing with lib/.
import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { LinkOptions } from '../../lib/testing/link.ts';
import { playVertexTransfer, type VertexTransfer } from '../support/vertex-transfer.ts';

const LINKS: Readonly<Record<string, LinkOptions>> = {
  'a clean path': { latencyMs: 10 },
  'a path that loses 5 %': { latencyMs: 10, loss: 0.05 },
  'a path that duplicates 10 %': { latencyMs: 10, duplicate: 0.1 },
  'a path that reorders 5 %': { latencyMs: 10, reorder: { probability: 0.05, extraMs: 15 } },
  'a path that does all of it, with jitter': {
    latencyMs: 10,
    jitterMs: 20,
    loss: 0.05,
    duplicate: 0.05,
    reorder: { probability: 0.05, extraMs: 40 },
  },
};
const ROLES = ['client', 'server'] as const;
const CLOSERS = ['ours', 'theirs', 'both'] as const;

/** Whoever closes gets something first, and Vertex says something, so that a lost ACK of its SYN-ACK is made good. */
function drawTransfer(random: Prng, seed: number): VertexTransfer {
  const oneOf = <T>(choices: readonly T[]): T => choices[random.below(choices.length)]!;
  return {
    role: oneOf(ROLES),
    closer: oneOf(CLOSERS),
    ours: oneOf([1, 489, 979, 5000]),
    theirs: oneOf([1, 489, 979, 5000]),
    seed,
    clearsOnAnyAck: random.below(2) === 0,
    link: {
      latencyMs: oneOf([0, 1, 10, 80]),
      jitterMs: oneOf([0, 0, 30]),
      loss: oneOf([0, 0.02, 0.1, 0.25]),
      duplicate: oneOf([0, 0.1, 0.5]),
      reorder: { probability: oneOf([0, 0.1, 0.3]), extraMs: oneOf([1, 20, 200]) },
    },
    ...(random.below(4) === 0 ? { cutBytes: oneOf([128, 200, 511]) } : {}),
  };
}

describe('Vertex as a peer', () => {
  describe('transfers', () => {
    for (const [name, link] of Object.entries(LINKS)) {
      for (const role of ROLES) {
        for (const closer of CLOSERS) {
          it(`deliver 20 kB each way on ${name}, as ${role}, closed by ${closer}`, () => {
            for (let seed = 1; seed <= 4; seed += 1) {
              const clearsOnAnyAck = seed % 2 === 0;
              const world = playVertexTransfer({
                role,
                closer,
                ours: 20_000,
                theirs: 20_000,
                link,
                seed,
                clearsOnAnyAck,
              });

              expect(world.vertex.errors, `seed ${seed}`).to.deep.equal([]);
              expect(world.theirs.lostCount, `seed ${seed}: Vertex's user is told once`).to.equal(1);
              expect(world.told.at(-1), `seed ${seed}`).to.be.oneOf(['closed done', 'closed linger-expired']);
              for (const packet of world.sent) expect(packet.text.length).to.be.at.most(489);
            }
          });
        }
      }
    }

    it('end well on 200 paths drawn at random', () => {
      for (let seed = 1; seed <= 200; seed += 1) {
        const transfer = drawTransfer(new Prng(seed), seed);
        const world = playVertexTransfer(transfer);

        expect(world.vertex.errors, `seed ${seed}`).to.deep.equal([]);
        expect(world.theirs.lostCount, `seed ${seed}`).to.equal(1);
        expect(world.told.at(-1), `seed ${seed}`).to.be.oneOf(['closed done', 'closed linger-expired']);
      }
    }).timeout(10_000);

    for (const role of ROLES) {
      for (const closer of ['ours', 'theirs'] as const) {
        it(`deliver 1 MB each way with 1 % lost, as ${role}, closed by ${closer}`, () => {
          const link = { latencyMs: 5, loss: 0.01, duplicate: 0.01 };
          const world = playVertexTransfer({ role, closer, ours: 1e6, theirs: 1e6, link, limitMs: 9e6 });

          expect(world.vertex.errors).to.deep.equal([]);
          expect(world.told.at(-1)).to.be.oneOf(['closed done', 'closed linger-expired']);
        }).timeout(20_000);
      }
    }
  });
});
