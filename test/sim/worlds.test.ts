import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DEFAULT_PROFILE, type Profile } from '../../lib/ptcp/core/config.ts';
import { FaultRecorder } from '../../sim/faults.ts';
import { SIDES, WORLD_NAMES, type WorldPlan } from '../../sim/plan.ts';
import { failureReport } from '../../sim/replay.ts';
import { runPlan, runSeed } from '../../sim/run-seed.ts';
import { ruleOf, shrink } from '../../sim/shrink.ts';
import { drawPlan } from '../../sim/swarm.ts';
import { Violation } from '../../sim/violation.ts';

/** Few enough for every commit; SWARM=5000 npm test plays more. */
const WORLDS = Number(process.env['SWARM'] ?? 150);

/** A world whose links flip bits that nobody can see: no CRC was agreed on, and the link says that it was. */
function corruptWorld(): WorldPlan {
  for (let seed = 1; ; seed += 1) {
    const plan = drawPlan('small', seed);
    const hasMuchToSay = plan.sessions[0]!.users.every(({ totalBytes }) => totalBytes > 20_000);
    if (plan.isCrcOn || plan.episodes.length > 0 || !hasMuchToSay) continue;
    const [forth, back] = plan.links;
    const flip = 0.2;
    return {
      ...plan,
      isCrcOn: true,
      links: [
        { ...forth, flip },
        { ...back, flip },
      ],
    };
  }
}

describe('simulated worlds', function () {
  this.timeout(30_000);

  for (const world of WORLD_NAMES) {
    it(`of the kind ${world} carry all streams and end`, () => {
      const seeds = world === 'small' ? WORLDS : Math.ceil(WORLDS / 15);
      for (let seed = 1; seed <= seeds; seed += 1) {
        const { error } = runSeed(world, seed);
        if (error !== undefined) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
    });
  }

  it('switch every option about, but for those that say what is spoken and who is let go', () => {
    const plans = Array.from({ length: 300 }, (_, seed) => drawPlan('small', seed));
    const same = Object.keys(DEFAULT_PROFILE).filter((name) => {
      const drawn = plans.flatMap(({ resolved }) => resolved.map((each) => each[name as keyof Profile]));
      return new Set(drawn.map((value) => JSON.stringify(value))).size === 1;
    });

    expect(same).to.have.members(['wire', 'resets', 'userTimeoutMs']);
  });

  it('go the same way each time, and each seed another', () => {
    const first = runSeed('small', 7);

    expect(runSeed('small', 7)).to.deep.equal(first);
    expect(runSeed('small', 8).hash).to.not.equal(first.hash);
  });

  it('fail when a link changes what is said and nobody can see it', () => {
    const { error } = runPlan(corruptWorld());

    expect(error).to.be.instanceOf(Violation);
  });

  it('are shrunk to the few faults that it takes to fail', () => {
    const plan = corruptWorld();
    const recorder = new FaultRecorder();
    const rule = ruleOf(runPlan(plan, { faults: recorder }).error);

    const shrunk = shrink(plan)!;

    expect(shrunk.rule).to.equal(rule);
    expect(shrunk.recordedCount).to.equal(recorder.items.length);
    expect(shrunk.items.length).to.be.within(1, 3);
    expect(shrink(drawPlan('small', plan.seed)), 'one that does not fail').to.equal(undefined);
  });

  it('report a failure with its seed, the faults it takes, and a capture', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'simulate-')), 'failure.pcapng');
    const plan = corruptWorld();

    const report = failureReport(plan, file);

    expect(report).to.match(new RegExp(`^seed ${plan.seed} of small at `));
    expect(report).to.match(/datagram \d+ from (first|second) to (first|second) host flipped/);
    expect(report).to.contain(`--world small --seed ${plan.seed}`);
    expect(readFileSync(file).readUInt32BE(0), 'a section header block').to.equal(0x0a0d0d0a);
  });

  it('count what their hosts send', () => {
    const { segments, virtualMs } = runSeed('standard', 1);

    expect(segments).to.be.above(1000);
    expect(virtualMs).to.be.above(60_000);
  });

  it('have a plan that follows from the seed alone', () => {
    const plan = drawPlan('liveness', 3);

    expect(drawPlan('liveness', 3)).to.deep.equal(plan);
    for (const side of SIDES) expect(plan.links[side].latencyMs).to.be.at.least(0);
  });
});
